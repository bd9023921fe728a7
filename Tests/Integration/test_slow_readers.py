"""Clients that read what they asked for too slowly: they may not pin memory, and one who reads well is served."""
import socket
import threading
import time

import pytest

import procfs
from expectations import metrics, put, total
from http_client import Connection
from resp_client import RESPConnection, encode
from upstash import Events
from waiting import wait_until

MIB = 1 << 20
SIZE = 32 * MIB
RATE_MIN = MIB
# Two windows of 5 s, half a second until the sweep comes by, and time to spare.
CUT_SECONDS = 25


@pytest.fixture
def node(start_node):
    node = start_node(memory="256MiB", settings={"TRIBE_LIMITS_BODYRATEMIN": "1MiB"})
    with Connection(node.port) as writer:
        put(writer, "/v1/cache/big", b"x" * SIZE)
    return node


def narrow(connection):
    """Has the kernel keep little for the reader, so that what it does not read waits at the server."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    return connection


def ask(node) -> list[socket.socket]:
    """One client of each protocol that has asked for the value."""
    http, resp = narrow(Connection(node.port)), narrow(RESPConnection(node.resp_port))
    http.send(b"GET /v1/cache/big HTTP/1.1\r\nHost: a\r\n\r\n")
    resp.send(encode("GET", "big"))
    return [http.socket, resp.socket]


def slow_readers(observer: Connection) -> int:
    return total(metrics(observer), "tribe_clients_dropped_total", 'reason="slow"')


def memory_used(observer: Connection) -> int:
    return total(metrics(observer), "tribe_cache_memory_used_bytes")


@pytest.mark.memory
def test_who_reads_nothing_is_cut_and_the_memory_is_given_back(node):
    with Connection(node.port) as observer:
        readers = ask(node)
        wait_until(lambda: total(metrics(observer), "tribe_resp_connections") == 1, "both have asked")
        assert observer.request("DELETE", "/v1/cache/big").status == 204
        assert memory_used(observer) > SIZE, "the readers keep the value"
        before = procfs.resident_bytes(node.process.pid)
        wait_until(lambda: slow_readers(observer) == 2, "both are cut", CUT_SECONDS)
        wait_until(lambda: memory_used(observer) < SIZE // 2, "the value is gone")
        wait_until(lambda: before - procfs.resident_bytes(node.process.pid) > SIZE // 2, "the system has it back")
    for reader in readers:
        reader.close()


def read_at(rate: int, reader: socket.socket) -> int:
    """Reads as much as was asked for, at so many bytes a second; returns how much there was."""
    received, begun, pause = 0, time.monotonic(), threading.Event()
    while received < SIZE:
        data = reader.recv(64 << 10)
        if not data:
            break
        received += len(data)
        pause.wait(max(0, begun + received / rate - time.monotonic()))
    return received


def test_who_reads_at_twice_the_minimum_is_served_and_who_waits_is_left_alone(node):
    subscriber, monitor = RESPConnection(node.resp_port), RESPConnection(node.resp_port)
    assert subscriber.call("SUBSCRIBE", "news") == [b"subscribe", b"news", 1]
    assert monitor.call("MONITOR")
    events = Events(node.port, "/subscribe/news")
    assert events.next() == b"subscribe,news,1"
    received = {}
    readers = ask(node)

    def read(index: int):
        received[index] = read_at(2 * RATE_MIN, readers[index])

    threads = [threading.Thread(target=read, args=[index]) for index in range(len(readers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(received.values()) >= SIZE
    with Connection(node.port) as observer, RESPConnection(node.resp_port) as publisher:
        assert slow_readers(observer) == 0
        assert publisher.call("PUBLISH", "news", "late") == 2
    assert subscriber.read() == [b"message", b"news", b"late"]
    assert events.next() == b"message,news,late"
    for connection in (subscriber, monitor, events.connection):
        connection.close()
