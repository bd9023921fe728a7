"""Limits: whatever goes over one is answered, and nothing hangs. Limits are lowered to be reached soon."""
import contextlib
import os
import select
import socket
import threading

import pytest

import procfs
from expectations import expect_problem, expect_value, metrics, put, total
from http_client import Connection
from waiting import wait_until

HEAD = b"GET /livez HTTP/1.1\r\nHost: a\r\n"


def head_of(size: int) -> bytes:
    """A request whose head, its last empty line included, has `size` bytes."""
    filler = b"X: %b\r\n\r\n"
    return HEAD + filler % (b"x" * (size - len(HEAD) - len(filler % b"")))


def test_a_target_may_have_8_kib(client):
    target = b"/livez?" + b"x" * (8_192 - 7)
    client.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)
    assert client.read_response().status != 414
    client.send(b"GET %bx HTTP/1.1\r\nHost: a\r\n\r\n" % target)
    expect_problem(client.read_response(), 414, "target_too_long")
    assert client.is_closed_by_server()


def test_a_head_may_have_16_kib(client):
    client.send(head_of(16_384))
    assert client.read_response().status == 200
    client.send(head_of(16_385))
    expect_problem(client.read_response(), 431)
    assert client.is_closed_by_server()


def test_a_head_that_never_ends_is_cut(client):
    def is_cut() -> bool:
        try:
            client.send(b"x" * 65_536)
            return False
        except (BrokenPipeError, ConnectionResetError):
            return True

    client.send(HEAD + b"X: ")
    wait_until(is_cut, "the server stops listening", interval=0)


def test_a_head_may_have_100_fields(client):
    fields = b"".join(b"X-%d: 1\r\n" % index for index in range(99))
    client.send(HEAD + fields + b"\r\n")
    assert client.read_response().status == 200
    client.send(HEAD + fields + b"X-99: 1\r\n\r\n")
    expect_problem(client.read_response(), 431)
    assert client.is_closed_by_server()


@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"], ids=["", "continue"])
def test_a_body_that_is_too_large_is_refused_by_its_length_alone(client, path, expect):
    client.send(b"PUT %b HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n" % (path.encode(), expect, 1 << 40))
    response = client.read_response()
    assert response.interim == []
    expect_problem(response, 413, "payload_too_large")
    assert client.is_closed_by_server()


def test_the_refusal_of_a_body_reaches_a_client_that_is_still_sending(client, path):
    size = (64 << 20) + 1
    client.send(b"PUT %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (path.encode(), size))
    client.send(b"x" * (1 << 20))
    expect_problem(client.read_response(), 413)


def test_a_chunked_body_is_refused_when_it_grows_too_large(start_node):
    node = start_node(settings={"TRIBE_CACHE_VALUEMAX": "64KiB"})
    with Connection(node.port) as client:
        client.send(b"PUT /v1/cache/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        client.send(b"8000\r\n" + b"x" * 0x8000 + b"\r\n1\r\nx\r\n")
        expect_problem(client.read_response(), 413, "payload_too_large")
        assert client.is_closed_by_server()
    with Connection(node.port) as client:
        assert put(client, "/v1/cache/k", b"x" * 65_536).status == 201
        expect_problem(put(client, "/v1/cache/k", b"x" * 65_537), 413)


def test_one_connection_too_many_is_told_so(start_node):
    node = start_node(loops=2, settings={"TRIBE_LIMITS_CONNECTIONS": "20"})
    held = [Connection(node.port) for _ in range(20)]
    for connection in held:
        assert connection.request("GET", "/livez").status == 200
    for _ in range(5):
        with Connection(node.port) as client:
            response = client.request("GET", "/livez")
            expect_problem(response, 503, "too_many_connections")
            assert client.is_closed_by_server()
    for connection in held:
        assert connection.request("GET", "/livez").status == 200
        connection.close()

    def is_served() -> bool:
        with Connection(node.port) as client:
            return client.request("GET", "/livez").status == 200

    wait_until(is_served, "there is room again")


def test_a_head_that_is_too_slow_is_answered_408(start_node):
    node = start_node(settings={"TRIBE_LIMITS_HEADERTIMEOUT": "200ms"})
    with Connection(node.port) as client:
        client.send(HEAD)
        expect_problem(client.read_response(), 408, "request_timeout")
        assert client.is_closed_by_server()


def test_a_head_that_trickles_is_too_slow_all_the_same(start_node):
    node = start_node(settings={"TRIBE_LIMITS_HEADERTIMEOUT": "300ms"})
    with Connection(node.port) as client:
        client.send(HEAD + b"X: ")
        client.socket.settimeout(0.02)

        def is_answered() -> bool:
            try:
                client.send(b"x")
                return bool(client.socket.recv(1, socket.MSG_PEEK))
            except TimeoutError:
                return False

        wait_until(is_answered, "the answer to a head that goes on and on")
        client.socket.settimeout(10)
        expect_problem(client.read_response(), 408)


def test_a_connection_without_a_request_is_closed(start_node):
    node = start_node(settings={"TRIBE_LIMITS_HEADERTIMEOUT": "200ms"})
    with Connection(node.port) as client:
        assert client.is_closed_by_server()


def test_an_idle_connection_is_closed_without_a_word(start_node):
    node = start_node(settings={"TRIBE_LIMITS_IDLETIMEOUT": "200ms"})
    with Connection(node.port) as client:
        assert client.request("GET", "/livez").status == 200
        assert client.is_closed_by_server()


def test_a_body_that_is_too_slow_is_answered_408(start_node):
    node = start_node(settings={"TRIBE_LIMITS_BODYRATEMIN": "1MiB"})
    with Connection(node.port) as client:
        client.send(b"PUT /v1/cache/k HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx")
        expect_problem(client.read_response(), 408, "request_timeout")
        assert client.is_closed_by_server()
    with Connection(node.port) as client:
        expect_problem(client.request("GET", "/v1/cache/k"), 404)


def test_a_waiting_request_ends_with_its_deadline(start_node):
    node = start_node(settings={"TRIBE_LIMITS_REQUESTTIMEOUT": "200ms"})
    with Connection(node.port) as client:
        assert client.request("GET", "/v1/cache/k?refresh=60s")["x-tribe-refresh"]
        expect_problem(client.request("GET", "/v1/cache/k?refresh=60s&wait=300ms"), 404)


@pytest.mark.memory
def test_a_client_that_reads_nothing_is_dropped_and_costs_no_memory(start_node):
    node = start_node(settings={"TRIBE_LIMITS_IDLETIMEOUT": "1s"})
    with Connection(node.port) as client, Connection(node.port) as greedy:
        put(client, "/v1/cache/k", b"x" * (1 << 20))
        before = procfs.resident_bytes(node.process.pid)
        greedy.send(b"GET /v1/cache/k HTTP/1.1\r\nHost: a\r\n\r\n" * 1_000)

        def is_alone() -> bool:
            with Connection(node.port) as observer:
                return total(metrics(observer), "tribe_connections") == 1

        wait_until(is_alone, "both connections are gone: one idle, one that reads nothing")
        assert procfs.resident_bytes(node.process.pid) - before < 100 << 20


@pytest.mark.memory
def test_values_are_evicted_to_stay_within_memory(start_node):
    node = start_node(memory="32MiB")
    with Connection(node.port) as client:
        for index in range(200):
            assert put(client, f"/v1/cache/{index}", os.urandom(1 << 20)).status == 201
        assert client.request("GET", "/v1/cache/199").status == 200
    assert procfs.resident_bytes(node.process.pid) < 100 << 20


def test_a_full_cache_refuses_if_it_is_told_to(start_node):
    node = start_node(memory="32MiB", settings={"TRIBE_CACHE_EVICTION": "refuse"})
    with Connection(node.port) as client:
        answers = [put(client, f"/v1/cache/{index}", b"x" * (1 << 20)) for index in range(64)]
        refused = [answer for answer in answers if answer.status != 201]
        assert refused
        for answer in refused:
            expect_problem(answer, 503)
        expect_value(client.request("GET", "/v1/cache/0"), b"x" * (1 << 20))


CLAIM = b"PUT /v1/cache/claim HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (64 << 20)


def fill_cache(client: Connection, count: int):
    """Values of 64 KiB, each read often enough to be worth keeping."""
    for index in range(count):
        assert put(client, f"/v1/cache/{index}", b"x" * (64 << 10)).status == 201


def memory_used(client: Connection) -> float:
    return metrics(client)["tribe_cache_memory_used_bytes"]


def count_present(client: Connection, count: int) -> int:
    return sum(client.request("HEAD", f"/v1/cache/{index}").status == 200 for index in range(count))


def test_bodies_that_are_only_announced_evict_nothing(start_node):
    node = start_node(memory="256MiB")
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(Connection(node.port))
        fill_cache(client, 3_000)
        before = memory_used(client)
        for _ in range(30):
            stack.enter_context(Connection(node.port)).send(CLAIM + b"x")
        wait_until(lambda: memory_used(client) - before > 30 * 16_384, "each has a block for its first byte")
        assert memory_used(client) - before < 1 << 20
        assert count_present(client, 3_000) == 3_000


def test_bodies_under_way_take_a_part_of_the_memory(start_node):
    """Thirty clients send half of 64 MiB: most of them are told that there is no memory, and the cache stays."""
    node = start_node(memory="256MiB")
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(Connection(node.port))
        fill_cache(client, 3_800)
        before = count_present(client, 3_800)
        senders = [stack.enter_context(Connection(node.port)) for _ in range(30)]
        refused = 0
        for sender in senders:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                sender.send(CLAIM)
                for _ in range(32):
                    sender.send(b"x" * (1 << 20))
            if select.select([sender.socket], [], [], 0.05)[0]:
                expect_problem(sender.read_response(), 503, "overloaded")
                refused += 1
        assert refused >= 20
        assert count_present(client, 3_800) > before * 0.6
        assert put(client, "/v1/cache/small", b"x" * 1_000).status == 201


def test_no_descriptor_is_left_behind(start_node):
    node = start_node(loops=2)

    def count() -> int:
        return procfs.open_descriptors(node.process.pid)

    with Connection(node.port) as client:
        put(client, "/v1/cache/k", b"x" * (1 << 20))
        before = count()
        for index in range(200):
            connection = Connection(node.port)
            connection.send([HEAD, HEAD + b"\r\n", b"nonsense\r\n\r\n", b"GET /v1/cache/k HTTP/1.1\r\nHost: a\r\n\r\n",
                             b"PUT /v1/cache/k HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"][index % 5])
            if index % 2 == 0:
                connection.reset()
            else:
                connection.close()
        wait_until(lambda: count() <= before, "all descriptors are closed")


def test_a_client_that_reads_on_is_not_idle(start_node, key):
    """A download that takes longer than the idle time is no idleness, and the request behind it is answered."""
    node = start_node(settings={"TRIBE_LIMITS_IDLETIMEOUT": "1s"})
    value = b"v" * (24 << 20)
    with Connection(node.port) as writer:
        assert writer.request("PUT", f"/v1/cache/{key}", {}, value).status == 201
    request = f"GET /v1/cache/{key} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with Connection(node.port) as reader:
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        reader.send(request + b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        tail, pause = b"", threading.Event()
        while not tail.endswith(b"ok\n"):
            more = reader.socket.recv(512 << 10)
            assert more, "closed before the second answer"
            tail = (tail + more)[-64:]
            pause.wait(0.01)
