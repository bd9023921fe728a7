"""Real nodes that find each other, and what they think of those that stop. Times are printed, not asserted: what is
asserted is that it happens, and what never does."""
import time

import pytest

from cluster import Cluster, tribe, write_secret
from http_client import Connection
from waiting import wait_until

COUNTS = [2, 3, 5]


@pytest.mark.parametrize("secret", [False, True], ids=["plain", "secret"])
@pytest.mark.parametrize("count", COUNTS)
def test_members_see_each_other_and_place_alike(start_cluster, count, secret):
    cluster = start_cluster(count, secret=secret)
    views = [node.get("/v1/cluster") for node in cluster.nodes]
    uids = [[member["uid"] for member in view["members"]] for view in views]
    assert len(set(map(tuple, uids))) == 1 and len(set(uids[0])) == count
    # A placement follows a moment after the members.
    wait_until(lambda: len({node.get("/v1/cluster")["epoch"] for node in cluster.nodes}) == 1, "placements are equal")
    partitions = [node.get("/v1/cluster/partitions")["partitions"] for node in cluster.nodes]
    assert all(table == partitions[0] for table in partitions)
    assert {partition["primary"] for partition in partitions[0]} == {node.id for node in cluster.nodes}
    assert all(len(partition["copies"]) == 2 for partition in partitions[0])


def test_a_node_is_ready_once_it_has_heard_of_the_others(start_cluster):
    cluster = start_cluster()
    for node in cluster.nodes:
        with Connection(node.port) as client:
            assert client.request("GET", "/readyz").status == 200
            lines = client.request("GET", "/readyz?verbose").body.decode().splitlines()
        assert "[+]joined ok" in lines and "[+]members 3 present" in lines


def test_a_node_that_is_alone_gets_ready_all_the_same():
    cluster = Cluster(3)
    try:
        node = cluster.nodes[0].start()

        def is_ready() -> bool:
            with Connection(node.port) as client:
                return client.request("GET", "/readyz").status == 200

        wait_until(is_ready, "it is ready")
        assert node.states() == {"n1": "alive", "n2": "unreachable", "n3": "unreachable"}
    finally:
        cluster.end()


def test_a_killed_node_is_unreachable_and_comes_back(start_cluster):
    cluster = start_cluster()
    victim = cluster["n3"]
    uid = victim.get("/v1/cluster")["members"][2]["uid"]
    victim.kill()
    print(f"unreachable after {cluster.wait_until_seen('n3', 'unreachable', cluster.others(victim)):.3f} s")

    def has_none() -> bool:
        return not any("n3" in partition["copies"]
                       for partition in cluster["n1"].get("/v1/cluster/partitions")["partitions"])

    wait_until(has_none, "its partitions are others'")
    victim.start()
    cluster.wait_until_well()
    assert cluster["n1"].get("/v1/cluster")["members"][2]["uid"] == uid


def test_with_two_nodes_the_survivor_knows_too(start_cluster):
    cluster = start_cluster(2)
    cluster["n2"].kill()
    print(f"unreachable after {cluster.wait_until_seen('n2', 'unreachable', [cluster['n1']]):.3f} s")


def test_a_pause_of_a_second_is_no_failure(start_cluster):
    cluster = start_cluster()
    victim = cluster["n2"]
    victim.pause()
    end = time.monotonic() + 1
    # What they think of it meanwhile is looked at all the time.
    while time.monotonic() < end:
        for node in (cluster["n1"], cluster["n3"]):
            assert node.states()["n2"] != "unreachable"
    victim.resume()
    cluster.wait_until_well()
    for node in cluster.nodes:
        for member in cluster.nodes:
            assert "unreachable" not in [line["message"].split()[-1] for line in node.changes(member.id)]


def test_a_long_pause_makes_it_unreachable_until_it_goes_on(start_cluster):
    cluster = start_cluster()
    victim = cluster["n2"]
    others = [cluster["n1"], cluster["n3"]]
    victim.pause()
    print(f"unreachable after {cluster.wait_until_seen('n2', 'unreachable', others):.3f} s")
    victim.resume()
    print(f"alive {cluster.wait_until_seen('n2', 'alive', others):.3f} s after it went on")
    cluster.wait_until_well()
    # Who was away accuses nobody for that.
    assert [line["message"] for line in victim.changes("n1") + victim.changes("n3")
            if line["message"] == "member is unreachable"] == []


def test_a_node_that_stops_has_left(start_cluster):
    cluster = start_cluster()
    victim = cluster["n3"]
    assert victim.stop() == 0
    cluster.wait_until_seen("n3", "left", [cluster["n1"], cluster["n2"]])
    victim.start()
    cluster.wait_until_well()


def test_a_node_with_another_secret_is_never_a_member(start_cluster):
    cluster = start_cluster(secret=True)
    stranger = cluster["n3"]
    assert stranger.stop() == 0
    write_secret(stranger.folder / "secret", "0" * 64)
    stranger.start()
    wait_until(lambda: cluster["n1"].states()["n3"] != "alive", "it is gone")
    # So many heartbeats that a right one would have been heard.
    end = time.monotonic() + 2
    while time.monotonic() < end:
        assert cluster["n1"].states()["n3"] in ("unreachable", "left")
        assert stranger.states()["n1"] == stranger.states()["n2"] == "unreachable"
    write_secret(stranger.folder / "secret", cluster.secret)
    cluster.wait_until_well(20)


def test_the_secret_changes_without_a_break(start_cluster):
    cluster = start_cluster(secret=True)
    successor = "f" * 64
    for lines in [(cluster.secret, successor), (successor, cluster.secret), (successor,)]:
        for node in cluster.nodes:
            write_secret(node.folder / "secret", *lines)
            result = tribe("reload", "--url", node.url)
            assert result.returncode == 0, result.stderr
        cluster.wait_until_well()
    for node in cluster.nodes:
        for member in cluster.nodes:
            assert [line for line in node.changes(member.id) if line["message"] == "member is unreachable"] == []
    cluster["n2"].kill()
    cluster["n2"].start()
    cluster.wait_until_well()


def test_a_wiped_node_is_another_one(start_cluster):
    cluster = start_cluster()
    victim = cluster["n3"]
    before = victim.get("/v1/cluster")["members"][2]["uid"]
    assert victim.stop() == 0
    (victim.folder / "data/node.json").unlink()
    victim.start()
    cluster.wait_until_well()
    after = cluster["n1"].get("/v1/cluster")["members"][2]["uid"]
    assert after not in (before, None)
