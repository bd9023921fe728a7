"""One cache on three nodes: what is written at one is read at each other, by every way in."""
import json
import threading
import urllib.parse

import pytest

from cluster import Cluster
from http_client import Connection
from resp_client import OK, Error, RESPConnection

SIZES = [0, 1, 100, 4_000, 70_000, 1_200_000]


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(3, settings={"loops": 2, "cache": {"memory": "128MiB"}})
    try:
        yield cluster.start()
    finally:
        cluster.end()


def http(node, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None):
    with Connection(node.port, node.entry["host"]) as client:
        return client.request(method, path, headers, body)


def upstash(node, *words):
    response = http(node, "POST", "/", json.dumps(words).encode())
    answer = response.json()
    assert response.status == 200, answer
    return answer["result"]


def resp(node) -> RESPConnection:
    return RESPConnection(node.entry["resp"])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("writer", range(3))
def test_a_key_put_at_one_node_is_read_at_each_other(cluster, writer, size):
    value = bytes(index % 251 for index in range(size))
    for number in range(4):
        key = f"put-{writer}-{size}-{number}"
        put = http(cluster.nodes[writer], "PUT", f"/v1/cache/{key}", value)
        assert put.status == 201
        assert put.headers["x-tribe-copies"] == "2/2"
        for node in cluster.nodes:
            got = http(node, "GET", f"/v1/cache/{key}")
            assert got.status == 200 and got.body == value
            assert got.headers["etag"] == put.headers["etag"]
            with resp(node) as client:
                assert client.call("GET", key) == value
            assert upstash(node, "STRLEN", key) == size


def test_every_byte_of_a_key_and_value_is_the_same_at_each_node(cluster):
    every = bytes(range(256))
    path = "/v1/cache/" + urllib.parse.quote(every, safe="")
    assert http(cluster.nodes[0], "PUT", path, every).status == 201
    for node in cluster.nodes:
        assert http(node, "GET", path).body == every
        with resp(node) as client:
            assert client.call("GET", every) == every


def test_writes_by_each_front_are_seen_by_each_front(cluster):
    for turn, node in enumerate(cluster.nodes):
        others = [other for other in cluster.nodes if other is not node]
        with resp(node) as client:
            assert client.call("SET", f"resp-{turn}", "v") == OK
        assert upstash(node, "SET", f"upstash-{turn}", "v") == "OK"
        for other in others:
            assert upstash(other, "GET", f"resp-{turn}") == "v"
            assert http(other, "GET", f"/v1/cache/upstash-{turn}").body == b"v"
            with resp(other) as client:
                assert client.call("DEL", f"resp-{turn}", f"upstash-{turn}") == 2
            assert http(node, "GET", f"/v1/cache/resp-{turn}").status == 404
            with resp(node) as client:
                assert client.call("MSET", f"resp-{turn}", "v", f"upstash-{turn}", "v") == OK


def test_nodes_count_together(cluster):
    def count(node):
        with resp(node) as client:
            for _ in range(200):
                for key in range(10):
                    client.call("INCR", f"count-{key}")

    threads = [threading.Thread(target=count, args=(node,)) for node in cluster.nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with resp(cluster.nodes[0]) as client:
        assert client.call("MGET", *(f"count-{key}" for key in range(10))) == [b"600"] * 10


def test_commands_that_need_one_partition_say_so(cluster):
    with resp(cluster.nodes[1]) as client:
        client.call("MSET", "cross-1", "1", "cross-2", "2")
        assert client.call("RENAME", "cross-1", "cross-2") == Error(
            b"CROSSSLOT Keys in request don't hash to the same slot")
        client.call("SET", "{one}a", "1")
        assert client.call("RENAME", "{one}a", "{one}b") == OK
        client.call("MULTI")
        client.call("INCR", "{one}b")
        client.call("INCR", "{one}b")
        assert client.call("EXEC") == [2, 3]


def test_a_killed_node_takes_nothing_with_it(start_cluster):
    cluster = start_cluster()
    survivors = cluster.nodes[1:]
    keys = [f"kept-{number}" for number in range(300)]
    for number, key in enumerate(keys):
        put = http(cluster.nodes[number % 3], "PUT", f"/v1/cache/{key}", key.encode())
        assert put.headers["x-tribe-copies"] == "2/2"
    cluster.nodes[0].kill()
    for number, key in enumerate(keys):
        got = http(survivors[number % 2], "GET", f"/v1/cache/{key}")
        assert got.status == 200 and got.body == key.encode()
        assert http(survivors[number % 2], "PUT", f"/v1/cache/{key}", b"new").status == 204
