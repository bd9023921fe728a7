"""CLUSTER, and redis-py's client of clusters, unmodified: it needs no redirect, whichever node it starts from."""
import pytest
import redis
from redis.cluster import ClusterNode, LoadBalancingStrategy, RedisCluster

from cluster import HOST, Cluster


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(3).start()
    yield cluster
    cluster.end()


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def protocol(request):
    return request.param


def test_a_client_of_clusters_finds_all_slots_at_the_node_that_it_asks(cluster, protocol):
    for node in cluster.nodes:
        port = node.entry["resp"]
        with RedisCluster(startup_nodes=[ClusterNode(HOST, port)], protocol=protocol) as client:
            assert [(one.host, one.port) for one in client.get_nodes()] == [(HOST, port)]
            for number in range(50):
                assert client.set(f"key:{number}", number) is True
                assert client.get(f"key:{number}") == str(number).encode()
            assert client.mset_nonatomic({"{a}1": 1, "{b}2": 2}) == [True, True]
            client.flushall()


def test_a_client_of_clusters_reads_from_replicas_too(cluster):
    with RedisCluster(
            HOST, cluster.nodes[0].entry["resp"], load_balancing_strategy=LoadBalancingStrategy.ROUND_ROBIN) as client:
        assert client.set("read", "yes") is True
        assert client.get("read") == b"yes"


def test_every_node_knows_the_others(cluster, protocol):
    identities = set()
    for node in cluster.nodes:
        with redis.Redis(port=node.entry["resp"], protocol=protocol) as client:
            found = client.cluster("NODES")
            assert found.keys() == {f"{HOST}:{other.entry['resp']}" for other in cluster.nodes}
            own = found[f"{HOST}:{node.entry['resp']}"]
            assert own["flags"] == "myself,master" and own["slots"] == [["0", "16383"]] and own["connected"]
            assert own["node_id"] == client.execute_command("CLUSTER MYID").decode()
            assert len(own["node_id"]) == 40
            identities.add(own["node_id"])
            assert client.cluster("INFO") == {
                "cluster_state": "ok", "cluster_slots_assigned": "16384", "cluster_slots_ok": "16384",
                "cluster_slots_pfail": "0", "cluster_slots_fail": "0", "cluster_known_nodes": "3",
                "cluster_size": "1", "cluster_current_epoch": "1", "cluster_my_epoch": "1"}
    assert len(identities) == 3


def test_a_node_that_is_gone_is_said_to_have_failed(start_cluster):
    cluster = start_cluster()
    gone = cluster["n3"]
    gone.kill()
    cluster.wait_until_seen("n3", "unreachable", cluster.others(gone))
    with redis.Redis(port=cluster["n1"].entry["resp"]) as client:
        found = client.cluster("NODES")[f"{HOST}:{gone.entry['resp']}"]
    assert found["flags"] == "master,fail" and not found["connected"]


def test_a_node_alone_is_a_cluster_of_one(node):
    with redis.Redis(port=node.resp_port) as client:
        (start, end, (host, port, node_id, _)), = client.execute_command("CLUSTER SLOTS", keys=[])
        assert (start, end, host, port) == (0, 16383, HOST.encode(), node.resp_port) and len(node_id) == 40
    with RedisCluster(HOST, node.resp_port) as client:
        assert client.set("alone", 1) is True
