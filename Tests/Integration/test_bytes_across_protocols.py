"""One value, whichever way it goes in and comes out: the Redis protocol, HTTP, and the Upstash front."""
import base64
import json
import random
from urllib.parse import quote_from_bytes

import pytest
from upstash_redis import Redis as Upstash

from expectations import expect_value, put
from http_client import Connection
from resp_client import OK, RESPConnection

SIZES = [0] + [1 << power for power in range(27)]
UPSTASH_BODY_MAX = 10_000_000


@pytest.fixture
def resp(node):
    with RESPConnection(node.resp_port, timeout=60) as connection:
        yield connection


def path_of(key: bytes) -> str:
    return "/v1/cache/" + quote_from_bytes(key, safe="")


def upstash(client: Connection, *words: bytes) -> bytes | str | None:
    """The result of a command by path and body, a string in base64 (Upstash-Encoding)."""
    path = "/" + "/".join(quote_from_bytes(word, safe="") for word in words)
    response = client.request("POST", path, {"Upstash-Encoding": "base64"}, b"")
    assert response.status == 200, response
    return response.json()["result"]


def upstash_get(client: Connection, key: bytes) -> bytes | None:
    result = upstash(client, b"get", key)
    return None if result is None else base64.b64decode(result)


@pytest.mark.parametrize("size", SIZES)
def test_a_value_by_resp_is_read_by_all(client, resp, key, size):
    value = random.Random(size).randbytes(size)
    assert resp.call("SET", key, value) == OK
    assert resp.call("GET", key) == value
    expect_value(client.request("GET", f"/v1/cache/{key}"), value)
    assert upstash_get(client, key.encode()) == value
    resp.call("DEL", key)


@pytest.mark.parametrize("size", SIZES)
def test_a_value_by_http_is_read_by_all(client, resp, key, path, size):
    value = random.Random(size).randbytes(size)
    assert put(client, path, value).status == 201
    assert resp.call("GET", key) == value
    assert resp.call("STRLEN", key) == size
    assert upstash_get(client, key.encode()) == value
    client.request("DELETE", path)
    assert resp.call("GET", key) is None


@pytest.mark.parametrize("size", [size for size in SIZES if size <= UPSTASH_BODY_MAX])
def test_a_value_by_upstash_is_read_by_all(client, resp, key, path, size):
    """The body is the last argument, as it is."""
    value = random.Random(size).randbytes(size)
    response = client.request("POST", f"/set/{key}", {}, value)
    # An empty body is no argument.
    if size == 0:
        assert response.status == 400
        response = client.request("POST", "/", {}, json.dumps(["SET", key, ""]).encode())
    assert response.status == 200 and response.json() == {"result": "OK"}, response
    assert resp.call("GET", key) == value
    expect_value(client.request("GET", path), value)
    resp.call("DEL", key)


def test_a_key_of_every_byte_is_the_same_everywhere(client, resp, key):
    keys = [key.encode() + bytes([byte]) for byte in range(256)] + [bytes([byte]) for byte in range(256)]
    assert resp.pipeline([["SET", each, each] for each in keys]) == [OK] * len(keys)
    assert resp.pipeline([["GET", each] for each in keys]) == keys
    for each in keys:
        expect_value(client.request("GET", path_of(each)), each)
        assert upstash_get(client, each) == each
        assert client.request("DELETE", path_of(each)).status == 204
    assert resp.pipeline([["GET", each] for each in keys]) == [None] * len(keys)


def test_the_longest_key(client, resp, key):
    longest = (key.encode() * 1_000)[:32 << 10]
    assert resp.call("SET", longest, "x") == OK
    assert resp.call("GET", longest) == b"x"
    assert resp.call("SET", longest + b"x", "x").code == "ERR"
    assert resp.call("DEL", longest) == 1


def test_a_time_to_live_is_the_same_everywhere(client, resp, key, path):
    resp.call("SET", key, "x", "EX", 1_000)
    assert upstash(client, b"ttl", key.encode()) in (999, 1_000)
    assert put(client, f"{path}?ttl=500s", b"y").status in (200, 204)
    assert resp.call("TTL", key) in (499, 500)


def test_the_client_of_upstash_reads_what_resp_wrote(node, resp, key):
    with Upstash(url=f"http://127.0.0.1:{node.port}", token="any") as client:
        resp.call("SET", key, "text äöü")
        assert client.get(key) == "text äöü"
        assert client.set(key, "from upstash", ex=100)
        assert resp.call("GET", key) == b"from upstash"
        assert client.incr(f"{key}:n") == 1
        assert resp.call("GET", f"{key}:n") == b"1"
        pipeline = client.pipeline()
        pipeline.set("p", 1)
        pipeline.get("p")
        assert pipeline.exec() == [True, "1"]
        transaction = client.multi()
        transaction.incr("p")
        transaction.incr("p")
        assert transaction.exec() == [2, 3]
