"""The roster of a running cluster: nodes are added and removed by editing one file."""
import json

import pytest

from cluster import Cluster, ClusterMember, tribe
from event_stream import EventStream
from waiting import wait_until


@pytest.fixture
def cluster():
    cluster = Cluster(3).start()
    yield cluster
    cluster.end()


def test_a_fourth_node_is_added_by_editing_one_file(cluster):
    fourth = ClusterMember("n4")
    cluster.add(fourth)
    cluster.give_settings(fourth)
    fourth.start()
    cluster.give_settings(cluster["n2"])
    result = tribe("reload", "--url", cluster["n2"].url)
    assert result.returncode == 0, result.stderr
    assert "Generation 2 is in force" in result.stdout
    assert "known to all" in result.stdout
    cluster.wait_until_well()
    for node in cluster.nodes:
        view = node.get("/v1/cluster")
        assert view["generation"] == 2 and [member["id"] for member in view["members"]] == ["n1", "n2", "n3", "n4"]

    def owners() -> set[str]:
        partitions = cluster["n1"].get("/v1/cluster/partitions")["partitions"]
        return {owner for partition in partitions for owner in partition["copies"]}

    wait_until(lambda: owners() == {"n1", "n2", "n3", "n4"}, "it holds partitions")


def test_a_roster_that_was_heard_of_outlives_the_node(cluster):
    fourth = ClusterMember("n4")
    cluster.add(fourth)
    cluster.give_settings(cluster["n1"])
    assert tribe("reload", "--url", cluster["n1"].url).returncode == 0
    wait_until(lambda: cluster["n3"].get("/v1/cluster")["generation"] == 2, "n3 has heard of it")
    # Its own file still has three nodes.
    cluster["n3"].kill()
    cluster["n3"].start()
    view = cluster["n3"].get("/v1/cluster")
    assert view["generation"] == 2 and len(view["members"]) == 4


def test_a_change_without_a_higher_generation_is_refused_with_the_number_to_write(cluster):
    fourth = ClusterMember("n4")
    cluster.add(fourth)
    cluster.give_settings(cluster["n1"])
    assert tribe("reload", "--url", cluster["n1"].url).returncode == 0
    wait_until(lambda: cluster["n2"].get("/v1/cluster")["generation"] == 2, "n2 has heard of it")
    # On n2, whose file is still the first, somebody removes a node and gives that the number 2 as well.
    cluster["n2"].write(cluster.members(cluster.nodes[:2]))
    result = tribe("reload", "--url", cluster["n2"].url)
    assert result.returncode == 2
    assert 'Write "generation": 3' in result.stderr
    assert len(cluster["n2"].get("/v1/cluster")["members"]) == 4


def test_a_removed_node_is_no_member(cluster):
    gone = cluster.nodes[-1]
    cluster.generation += 1
    cluster["n1"].write(cluster.members(cluster.nodes[:2]))
    assert tribe("reload", "--url", cluster["n1"].url).returncode == 0
    for node in cluster.nodes[:2]:
        wait_until(lambda: set(node.states()) == {"n1", "n2"}, "it is no member")
    assert gone.stop() == 0


def test_events_tell_what_happens_and_go_on_where_they_ended(cluster):
    node = cluster["n1"]
    with EventStream(node.port, "/v1/events") as stream:
        first = stream.next_event()
        assert first.name == "reset" and stream.retry
        assert [member["state"] for member in first.data["members"]] == ["alive"] * 3
        cluster["n3"].kill()
        last = stream.next_event()
        while last.data["state"] != "unreachable":
            assert (last.name, last.data["id"]) == ("member", "n3")
            last = stream.next_event()
    cluster["n3"].start()
    wait_until(lambda: node.states()["n3"] == "alive", "it is back")
    with EventStream(node.port, "/v1/events", last.id) as stream:
        missed = stream.next_event()
    assert (missed.name, missed.data["id"]) == ("member", "n3")
    assert int(missed.id.rpartition("-")[2]) == int(last.id.rpartition("-")[2]) + 1


def test_events_tell_of_conditions(cluster):
    node = cluster["n1"]
    with EventStream(node.port, "/v1/events") as stream:
        assert stream.next_event().data["conditions"] == {}
        node.write(cluster.members() | {"replicas": 3})
        assert tribe("reload", "--url", node.url).returncode == 2
        held = stream.next_event()
        assert (held.name, held.data["name"]) == ("condition", "roster_stale_change")
        assert held.data["detail"] == node.get("/v1/cluster")["conditions"]["roster_stale_change"]
        node.write(cluster.members())
        assert tribe("reload", "--url", node.url).returncode == 0
        ended = stream.next_event()
        assert (ended.name, ended.data["name"], ended.data["detail"]) == ("condition", "roster_stale_change", None)


@pytest.mark.parametrize("unknown", ["1-1", "nonsense", "ffffffffffffffff-0"])
def test_an_unknown_place_in_the_events_begins_anew(cluster, unknown):
    with EventStream(cluster["n1"].port, "/v1/events", unknown) as stream:
        assert stream.next_event().name == "reset"


def test_status_asks_all_and_names_those_that_do_not_answer(cluster):
    for node in cluster.nodes:
        result = tribe("status", "--url", node.url)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "all is well" in result.stdout
    document = json.loads(tribe("status", "--url", cluster["n2"].url, "--json").stdout)
    assert document["status"] == "ok" and document["missing"] == []
    assert len({node["figures"]["version"] for node in document["nodes"]}) == 1
    cluster["n3"].pause()
    result = tribe("status", "--url", cluster["n1"].url)
    assert result.returncode == 1 and "n3" in result.stdout.splitlines()[-1]
    cluster["n3"].resume()
    assert tribe("status", "--url", cluster["n1"].url, "--wait", "all", "--timeout", "20s").returncode == 0
    cluster["n3"].kill()
    assert tribe("status", "--url", cluster["n3"].url).returncode == 3


def test_partitions_are_counted(cluster):
    result = tribe("partitions", "--url", cluster["n1"].url)
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == ["n1", "n2", "n3"]
    assert sum(int(row[1]) for row in rows) == sum(int(row[2]) for row in rows) == 1024
    assert len(tribe("partitions", "--url", cluster["n1"].url, "--all").stdout.splitlines()) == 1025

