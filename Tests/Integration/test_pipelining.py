"""Pipelines: answers come in the order of the requests, however many there are and whoever answers them."""
import pytest

from expectations import expect_value, put
from http_client import Connection


def get(path: str, request_id: str = "") -> bytes:
    field = f"X-Request-Id: {request_id}\r\n" if request_id else ""
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n{field}\r\n".encode()


def put_bytes(path: str, value: bytes) -> bytes:
    return b"PUT %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (path.encode(), len(value), value)


def test_answers_keep_the_order_of_requests(client, key):
    paths = [f"/v1/cache/{key}:{index}" for index in range(64)]
    for index, each in enumerate(paths):
        put(client, each, str(index).encode())
    client.send(b"".join(get(each) for each in paths))
    for index in range(64):
        expect_value(client.read_response(), str(index).encode())


def test_a_pipeline_deeper_than_the_limit_is_served_in_full(client, path):
    put(client, path)
    identifiers = [f"0a1b2c3d-0001-4002-8003-{index:012d}" for index in range(5_000)]
    client.send(b"".join(get(path, identifier) for identifier in identifiers))
    assert [client.read_response()["x-request-id"] for _ in identifiers] == identifiers


def test_effects_keep_the_order_of_requests(client, path):
    client.send(b"".join(put_bytes(path, str(index).encode()) + get(path) for index in range(300)))
    for index in range(300):
        assert client.read_response().status == (201 if index == 0 else 204)
        expect_value(client.read_response(), str(index).encode())


def test_keys_of_all_loops_keep_the_order_of_requests(client, key):
    client.send(b"".join(put_bytes(f"/v1/cache/{key}:{index}", str(index).encode()) for index in range(300)))
    assert {client.read_response().status for _ in range(300)} == {201}
    client.send(b"".join(get(f"/v1/cache/{key}:{index}") for index in range(300)))
    for index in range(300):
        expect_value(client.read_response(), str(index).encode())


def test_a_request_behind_a_waiting_one_waits_for_its_turn(client, connect, path):
    token = client.request("GET", f"{path}?refresh=10s")["x-tribe-refresh"]
    pipeline = connect()
    pipeline.send(get(f"{path}?refresh=10s&wait=10s") + get("/livez"))
    client.request("PUT", path, {"X-Tribe-Refresh": token}, b"loaded")
    expect_value(pipeline.read_response(), b"loaded")
    assert pipeline.read_response().body == b"ok\n"


def test_a_change_behind_a_waiting_request_waits_too(client, connect, path):
    token = client.request("GET", f"{path}?refresh=10s")["x-tribe-refresh"]
    pipeline = connect()
    pipeline.send(get(f"{path}?refresh=10s&wait=10s") + put_bytes(path, b"later"))
    client.request("PUT", path, {"X-Tribe-Refresh": token}, b"loaded")
    expect_value(pipeline.read_response(), b"loaded")
    assert pipeline.read_response().status == 204
    expect_value(client.request("GET", path), b"later")


def test_large_values_in_a_pipeline_are_sent_whole(client, path):
    value = bytes(range(256)) * 4_096
    put(client, path, value)
    client.send(get(path) * 20)
    for _ in range(20):
        expect_value(client.read_response(), value)


def test_the_request_after_a_large_answer_is_served(client, path):
    for power in range(16, 24):
        value = b"x" * (1 << power)
        put(client, path, value)
        expect_value(client.request("GET", path), value)
        assert client.request("GET", "/livez").status == 200


def test_a_request_that_asks_for_it_is_the_last(client, path):
    put(client, path)
    client.send(get(path) + f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode() + get(path))
    assert client.read_response().get("connection") != "close"
    assert client.read_response()["connection"] == "close"
    assert client.is_closed_by_server()


def test_a_half_closed_connection_is_answered(client, path):
    put(client, path)
    client.send(get(path) * 3)
    client.socket.shutdown(1)
    for _ in range(3):
        expect_value(client.read_response(), b"value")
    assert client.is_closed_by_server()


@pytest.mark.memory
def test_answers_behind_a_waiter_are_bounded(start_node):
    """They are made at once, but no more of them than one connection may leave unread."""
    node = start_node()
    with Connection(node.port) as holder, Connection(node.port) as client:
        assert holder.request("GET", "/v1/cache/awaited?refresh=30s").status == 404
        before = node.resident_bytes()
        client.send(get("/v1/cache/awaited?refresh=5s&wait=2s") + get("/openapi.json") * 1_000)
        assert client.read_response().status == 404
        assert node.resident_bytes() - before < 32 << 20
        assert {client.read_response().status for _ in range(1_000)} == {200}
