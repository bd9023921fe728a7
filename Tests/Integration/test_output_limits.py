"""Clients that are sent more than they read: each is bounded, and so are all together."""
import selectors
import socket
import threading

import pytest

from expectations import metrics, total
from http_client import Connection
from resp_client import OK, RESPConnection, encode
from waiting import wait_until

MIB = 1 << 20


def dropped(node) -> int:
    with Connection(node.port) as http:
        return total(metrics(http), "tribe_clients_dropped_total", 'reason="output"')


def backlog(node) -> int:
    with Connection(node.port) as http:
        return total(metrics(http), "tribe_pubsub_backlog_bytes")


def subscribe(node, channel: str) -> RESPConnection:
    connection = RESPConnection(node.resp_port)
    assert connection.call("SUBSCRIBE", channel) == [b"subscribe", channel.encode(), 1]
    return connection


def test_a_subscriber_that_does_not_read_is_dropped_and_costs_nothing_then(start_node):
    for payload in (b"x" * 1_000, b"x" * 20_000):
        node = start_node(loops=2, settings={"TRIBE_LIMITS_OUTPUTMAX": "4MiB"})
        with RESPConnection(node.resp_port) as publisher:
            slow, quick = subscribe(node, "c"), subscribe(node, "c")
            sent = 0
            while publisher.call("PUBLISH", "c", payload) == 2:
                assert quick.read()[2] == payload
                sent += len(payload)
                assert sent < 64 * MIB
            assert sent > 4 * MIB
            assert dropped(node) == 1
            assert quick.read()[2] == payload
            wait_until(lambda: backlog(node) == 0, "nothing is kept for the one that is gone")
            assert publisher.call("PUBLISH", "c", b"end") == 1
            assert quick.read()[2] == b"end"
            slow.close()
            quick.close()


def test_one_message_may_be_larger_than_what_may_be_left_unread(start_node):
    node = start_node(settings={"TRIBE_LIMITS_OUTPUTMAX": "1MiB"})
    with RESPConnection(node.resp_port) as publisher:
        subscriber = subscribe(node, "c")
        for _ in range(3):
            payload = b"y" * (16 * MIB)
            assert publisher.call("PUBLISH", "c", payload) == 1
            assert subscriber.read()[2] == payload
        assert dropped(node) == 0
        subscriber.close()


def test_a_large_reply_does_not_count_as_messages(start_node):
    node = start_node(settings={"TRIBE_LIMITS_OUTPUTMAX": "1MiB"})
    with RESPConnection(node.resp_port) as publisher, RESPConnection(node.resp_port) as client:
        value = b"v" * (32 * MIB)
        assert publisher.call("SET", "large", value) == OK
        client.send(encode("GET", "large") + encode("SUBSCRIBE", "c"))
        wait_until(lambda: publisher.call("DBSIZE") == 1, "the reply is under way")
        assert client.read() == value
        assert client.read() == [b"subscribe", b"c", 1]
        client.send(encode("PING"))
        assert publisher.call("PUBLISH", "c", b"m") == 1
        assert sorted(map(repr, (client.read(), client.read()))) == sorted(
            map(repr, ([b"pong", b""], [b"message", b"c", b"m"])))
        assert dropped(node) == 0


def test_a_monitor_that_does_not_read_is_dropped(start_node):
    node = start_node(loops=2, settings={"TRIBE_LIMITS_OUTPUTMAX": "1MiB"})
    with RESPConnection(node.resp_port) as client:
        monitors = [RESPConnection(node.resp_port) for _ in range(4)]
        for monitor in monitors:
            assert monitor.call("MONITOR") == OK
        for _ in range(2_000):
            client.pipeline([("SET", "key", b"v" * 10_000)] * 10)
            if dropped(node) == len(monitors):
                break
        assert dropped(node) == len(monitors)
        assert client.call("SET", "key", "v") == OK
        for monitor in monitors:
            monitor.close()


@pytest.mark.memory
def test_memory_stays_flat_with_many_subscribers_that_do_not_read(start_node):
    """2,000 of them with 64 KiB each in the kernel's buffers and 16 MiB in all in the node."""
    node = start_node(loops=2, memory="256MiB",
                      settings={"TRIBE_LIMITS_OUTPUTMAX": "8MiB", "TRIBE_CACHE_VALUEMAX": "8MiB"})
    with RESPConnection(node.resp_port) as publisher:
        slow = []
        for _ in range(2_000):
            connection = RESPConnection(node.resp_port)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.send(encode("SUBSCRIBE", "c"))
            slow.append(connection)
        for connection in slow:
            assert connection.read() == [b"subscribe", b"c", 1]
        quick = subscribe(node, "c")
        before = node.resident_bytes()
        highest = before
        payload = b"z" * 8_000
        for _ in range(1_500):
            publisher.call("PUBLISH", "c", payload)
            assert quick.read()[2] == payload
            highest = max(highest, node.resident_bytes())
        assert dropped(node) > 0
        assert highest - before < 128 * MIB
        assert backlog(node) <= 16 * MIB
        assert publisher.call("PUBLISH", "c", b"end") >= 1
        assert quick.read()[2] == b"end"
        for connection in slow:
            connection.close()
        quick.close()


def test_five_thousand_subscribers_get_every_message(start_node):
    node = start_node(loops=2)
    subscribers = []
    for _ in range(5_000):
        connection = RESPConnection(node.resp_port)
        connection.send(encode("SUBSCRIBE", "c"))
        subscribers.append(connection)
    for connection in subscribers:
        assert connection.read() == [b"subscribe", b"c", 1]
    expected = b"".join(
        b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$100\r\n%100d\r\n" % number for number in range(100))

    def publish():
        with RESPConnection(node.resp_port) as publisher:
            for number in range(100):
                assert publisher.call("PUBLISH", "c", b"%100d" % number) == 5_000

    thread = threading.Thread(target=publish)
    thread.start()
    arrived = {connection.socket: bytearray(connection.buffer[connection.place:]) for connection in subscribers}
    with selectors.DefaultSelector() as selector:
        for connected in arrived:
            connected.setblocking(False)
            selector.register(connected, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(timeout=30)
            assert ready, "nothing arrives any more"
            for key, _ in ready:
                data = key.fileobj.recv(1 << 16)
                assert data, "a subscriber was disconnected"
                arrived[key.fileobj] += data
                if len(arrived[key.fileobj]) >= len(expected):
                    selector.unregister(key.fileobj)
    thread.join()
    assert all(data == expected for data in arrived.values())
    assert dropped(node) == 0
    for connection in subscribers:
        connection.close()
