"""SIGTERM: what is under way finishes, nothing new begins, and the exit code tells how it went."""
import signal
import socket
import time

import pytest

from expectations import expect_problem, expect_value, put
from http_client import Connection
from resp_client import RESPConnection
from servers import STOP_SECONDS
from waiting import wait_until

UPLOAD = b"PUT /v1/cache/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"


@pytest.fixture(params=[1, 4], ids=["1-loop", "4-loops"])
def node(request, start_node):
    return start_node(loops=request.param)


def begin_drain(node):
    node.process.send_signal(signal.SIGTERM)
    wait_until(lambda: node.has_logged("draining"), "the drain begins")


def exit_code(node) -> int:
    return node.process.wait(STOP_SECONDS)


def begun(node, request: bytes) -> Connection:
    """A connection whose request the server has begun to read: it was served before, and so is one that came later."""
    connection = Connection(node.port)
    assert connection.request("GET", "/livez").status == 200
    connection.send(request)
    with Connection(node.port) as later:
        assert later.request("GET", "/livez").status == 200
    return connection


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_an_idle_node_ends_at_once(node, name):
    node.process.send_signal(getattr(signal, name))
    assert exit_code(node) == 0
    assert node.has_logged("drained")


def test_idle_connections_do_not_hold_it_up(node):
    with Connection(node.port) as client:
        assert client.request("GET", "/livez").status == 200
        begin_drain(node)
        assert client.is_closed_by_server()
    assert exit_code(node) == 0


def test_a_draining_node_is_alive_but_not_ready(node):
    upload, observer, other = begun(node, UPLOAD), Connection(node.port), Connection(node.port)
    for connection in (observer, other):
        assert connection.request("GET", "/readyz").status == 200
    begin_drain(node)
    ready = observer.request("GET", "/readyz?verbose")
    assert ready.status == 503 and ready["retry-after"] == "5"
    assert other.request("GET", "/livez").status == 200
    upload.send(b"0123456789")
    assert upload.read_response().status == 201
    assert exit_code(node) == 0


def test_nobody_new_is_let_in(node):
    upload = begun(node, UPLOAD)
    begin_drain(node)
    wait_until(lambda: is_refused(node.port), "the port is closed")
    upload.close()
    assert exit_code(node) == 0


def delayed(start_node, delay: str):
    """A node that goes on serving for so long after it was told to stop."""
    return start_node(loops=4, settings={"TRIBE_LIMITS_DRAINDELAY": delay})


def is_refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_balancer_sees_that_a_node_drains_before_anybody_is_refused(start_node):
    node = delayed(start_node, "2s")
    kept = Connection(node.port)
    assert kept.request("GET", "/livez").get("connection") is None
    begun_at = time.monotonic()
    begin_drain(node)
    asked = 0
    while time.monotonic() < begun_at + 1.5:
        with Connection(node.port) as probe:
            response = probe.request("GET", "/readyz")
            assert response.status == 503 and response.body == b"draining\n"
        with Connection(node.port) as client:
            response = put(client, "/v1/cache/key")
            assert response.status in (201, 204) and response["connection"] == "close"
            assert client.is_closed_by_server()
        with RESPConnection(node.resp_port) as redis:
            assert redis.call("GET", "key") == b"value"
        asked += 1
    assert asked > 10
    response = kept.request("GET", "/v1/cache/key")
    assert response.status == 200 and response["connection"] == "close"
    wait_until(lambda: is_refused(node.port) and is_refused(node.resp_port), "the ports are closed")
    assert time.monotonic() >= begun_at + 2
    assert exit_code(node) == 0


def test_a_second_signal_ends_the_delay_and_all(start_node):
    node = delayed(start_node, "1h")
    begin_drain(node)
    node.process.send_signal(signal.SIGINT)
    assert exit_code(node) == 1


def test_an_upload_under_way_finishes(node):
    upload = begun(node, UPLOAD + b"01234")
    begin_drain(node)
    upload.send(b"56789")
    response = upload.read_response()
    assert response.status == 201
    assert response["connection"] == "close"
    assert upload.is_closed_by_server()
    assert exit_code(node) == 0


def test_a_download_under_way_finishes(node):
    value = b"x" * (32 << 20)
    with Connection(node.port) as client:
        put(client, "/v1/cache/big", value)
    download = begun(node, b"GET /v1/cache/big HTTP/1.1\r\nHost: a\r\n\r\n")
    begin_drain(node)
    expect_value(download.read_response(), value)
    assert exit_code(node) == 0


def test_a_long_poll_under_way_is_answered(node):
    with Connection(node.port) as client:
        assert client.request("GET", "/v1/cache/key?refresh=30s")["x-tribe-refresh"]
    poll = begun(node, b"GET /v1/cache/key?refresh=30s&wait=500ms HTTP/1.1\r\nHost: a\r\n\r\n")
    begin_drain(node)
    expect_problem(poll.read_response(), 404)
    assert exit_code(node) == 0


def test_a_pipeline_under_way_is_answered(node):
    pipeline = begun(node, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
    begin_drain(node)
    for _ in range(500):
        assert pipeline.read_response().status == 200
    assert exit_code(node) == 0


def test_a_second_signal_ends_it_at_once(node):
    upload = begun(node, UPLOAD)
    begin_drain(node)
    node.process.send_signal(signal.SIGTERM)
    assert exit_code(node) == 1
    upload.close()


def test_what_takes_too_long_is_cut(start_node):
    node = start_node(settings={"TRIBE_LIMITS_DRAINTIMEOUT": "300ms"})
    upload = begun(node, UPLOAD)
    node.process.send_signal(signal.SIGTERM)
    assert exit_code(node) == 0
    assert upload.is_closed_by_server()
