"""The Upstash front: server-sent events."""
import socket

import pytest
from http_client import Connection
from upstash import EVENTS, Events, command, error, post, run
from waiting import wait_until


def subscribers(client, channel) -> int:
    return run(client, "PUBSUB", "NUMSUB", channel)[1]


def test_a_subscriber_gets_the_messages_of_its_channel(node, client, key):
    with Events(node.port, f"/subscribe/{key}") as events:
        assert events.next() == f"subscribe,{key},1".encode()
        assert run(client, "PUBLISH", key, "hello, world") == 1
        assert client.request("POST", f"/publish/{key}/how%20are%20you%3F").json() == {"result": 1}
        assert events.next() == f"message,{key},hello, world".encode()
        assert events.next() == f"message,{key},how are you?".encode()


def test_a_pattern_is_subscribed_like_a_channel(node, client, key):
    with Events(node.port, f"/psubscribe/{key}%2A") as events:
        assert events.next() == f"psubscribe,{key}*,1".encode()
        assert run(client, "PUBLISH", f"{key}:x", "hi") == 1
        assert events.next() == f"pmessage,{key}*,{key}:x,hi".encode()


def test_several_channels_are_counted(node, client, key):
    with Events(node.port, f"/subscribe/{key}a/{key}b/{key}a") as events:
        assert [events.next() for _ in range(3)] == [
            f"subscribe,{key}a,1".encode(), f"subscribe,{key}b,2".encode(), f"subscribe,{key}a,2".encode()]


@pytest.mark.parametrize("method, body", [("GET", None), ("POST", None), ("PUT", b"[]"), ("POST", b"[]")])
def test_a_stream_may_be_asked_for_by_any_method_and_its_body_is_no_word(node, key, method, body):
    with Events(node.port, f"/subscribe/{key}", method, body) as events:
        assert events.next() == f"subscribe,{key},1".encode()


def test_payloads_are_the_bytes_that_they_are(node, client, key):
    with Events(node.port, f"/subscribe/{key}") as events:
        events.next()
        client.request("POST", f"/publish/{key}", {"Upstash-Encoding": "base64"}, b"\xff\x00,\xc3\xa9")
        assert events.next() == f"message,{key},".encode() + b"\xff\x00,\xc3\xa9"
        run(client, "PUBLISH", key, "two\nlines\n")
        assert events.next() == f"message,{key},two\nlines\n".encode()


def test_a_large_payload_arrives_whole(node, client, key):
    payload = b"0123456789" * 300_000
    with Events(node.port, f"/subscribe/{key}") as events:
        events.next()
        assert client.request("POST", f"/publish/{key}", None, payload).json() == {"result": 1}
        assert events.next() == f"message,{key},".encode() + payload


def test_messages_of_one_publisher_arrive_in_order_on_every_loop(node, client, key):
    streams = [Events(node.port, f"/subscribe/{key}") for _ in range(8)]
    for events in streams:
        events.next()
    published = post(client, "/pipeline", [["PUBLISH", key, n] for n in range(500)]).json()
    assert published == [{"result": 8}] * 500
    for events in streams:
        assert [events.next() for _ in range(500)] == [f"message,{key},{n}".encode() for n in range(500)]
        events.connection.close()


def test_both_protocols_hear_each_other(node, client, key):
    with Events(node.port, f"/subscribe/{key}") as events, \
            socket.create_connection(("127.0.0.1", node.resp_port)) as resp:
        events.next()
        resp.sendall(f"PUBLISH {key} resp\r\n".encode())
        assert events.next() == f"message,{key},resp".encode()


@pytest.mark.parametrize("leave", ["close", "reset", "shut"])
def test_a_client_that_leaves_is_subscribed_no_more(node, client, key, leave):
    events = Events(node.port, f"/subscribe/{key}")
    events.next()
    assert subscribers(client, key) == 1
    if leave == "shut":
        events.connection.socket.shutdown(socket.SHUT_WR)
        assert events.is_ended()
    else:
        getattr(events.connection, leave)()
    wait_until(lambda: subscribers(client, key) == 0, "the subscription has ended", 10)
    assert run(client, "PUBLISH", key, "nobody") == 0


def test_without_the_type_of_events_there_is_no_subscription(client, key):
    for path in (f"/subscribe/{key}", f"/psubscribe/{key}", "/monitor"):
        name = path.split("/")[1]
        assert error(client.request("POST", path, None, b"[]")) == f"ERR Command is not available: '{name}'"
    assert error(command(client, "SUBSCRIBE", key, headers=EVENTS)) == "ERR Command is not available: 'SUBSCRIBE'"
    arity = "ERR wrong number of arguments for 'subscribe' command"
    assert error(client.request("POST", "/subscribe", EVENTS)) == arity


def test_a_page_of_another_origin_may_not_listen(client, key):
    response = client.request("GET", f"/subscribe/{key}", EVENTS | {"Sec-Fetch-Site": "cross-site"})
    assert "another origin" in error(response, 403)


def test_a_client_that_does_not_read_is_dropped(start_node, key):
    node = start_node(loops=2, settings={"TRIBE_LIMITS_OUTPUTMAX": "1MiB"})
    events = Events(node.port, f"/subscribe/{key}")
    events.next()
    with Connection(node.port) as client:
        for _ in range(200):
            if client.request("POST", f"/publish/{key}", None, b"x" * 500_000).json()["result"] == 0:
                break
        else:
            raise AssertionError("a client that reads nothing is still sent messages")
        assert subscribers(client, key) == 0
    events.connection.close()


def test_a_monitor_is_shown_the_commands_of_both_fronts(node, client, key):
    with Events(node.port, "/monitor") as events:
        assert events.next() == b'"OK"'
        run(client, "SET", key, 'a"b')
        client.request("GET", f"/get/{key}")
        with socket.create_connection(("127.0.0.1", node.resp_port)) as resp:
            resp.sendall(f"GET {key}\r\n".encode())
            resp.recv(100)
        lines = [events.next().decode() for _ in range(3)]
    assert [line.partition("] ")[2] for line in sorted(lines)] == [
        f'"SET" "{key}" "a\\"b"', f'"get" "{key}"', f'"GET" "{key}"']


def test_a_drain_ends_streams(start_node, key):
    node = start_node(loops=2)
    with Events(node.port, f"/subscribe/{key}") as events:
        events.next()
        assert node.stop() == 0
        assert events.is_ended()
    assert node.log()[-1]["message"] == "drained"
