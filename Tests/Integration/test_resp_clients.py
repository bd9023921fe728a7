"""What connections of the Redis protocol are told about each other and themselves, over one loop and over four."""
import re
import socket
import time

import pytest

from resp_client import OK, PONG, QUEUED, Error, Map, RESPConnection, Status, Verbatim, encode
from waiting import wait_until

# Loops take connections as the kernel spreads them: so many of them are on each loop, nearly surely.
SEVERAL = 12


@pytest.fixture
def connect_redis(node):
    connections = []

    def connect(**options) -> RESPConnection:
        connections.append(RESPConnection(node.resp_port, **options))
        return connections[-1]

    yield connect
    for connection in connections:
        connection.close()


@pytest.fixture
def redis(connect_redis):
    connection = connect_redis()
    yield connection
    # A pause would hold the next test.
    connection.call("CLIENT", "UNPAUSE")


def client_list(redis, *options) -> list[dict[str, str]]:
    text = redis.call("CLIENT", "LIST", *options)
    text = text.text if isinstance(text, Verbatim) else text
    return [dict(field.split("=", 1) for field in line.split(" ")) for line in text.decode().splitlines()]


# HELLO, RESET, CLIENT REPLY


def test_hello_3_answers_a_map_and_changes_the_language(connect_redis):
    redis = connect_redis()
    reply = redis.call("HELLO", 3, "AUTH", "default", "secret", "SETNAME", "me")
    assert isinstance(reply, Map)
    assert [key for key, _ in reply] == [b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules"]
    assert (reply.get(b"server"), reply.get(b"version"), reply.get(b"proto")) == (b"redis", b"7.0.15", 3)
    assert (reply.get(b"mode"), reply.get(b"role"), reply.get(b"modules")) == (b"standalone", b"master", [])
    assert redis.call("CLIENT", "ID") == reply.get(b"id")
    assert redis.call("CLIENT", "GETNAME") == b"me"
    assert isinstance(redis.call("HELLO", 2), list)
    assert redis.call("GET", "test:none") is None


def test_a_hello_that_is_wrong_changes_nothing(connect_redis):
    redis = connect_redis()
    assert redis.call("HELLO", 4) == Error(b"NOPROTO unsupported protocol version")
    assert redis.call("HELLO", 3, "SETNAME", "a b").code == "ERR"
    assert redis.call("HELLO", 3, "SETNAME", "ab", "FOO") == Error(b"ERR Syntax error in HELLO option 'FOO'")
    assert redis.call("CLIENT", "GETNAME") is None


def test_reset_takes_back_all_that_was_said(connect_redis):
    redis = connect_redis(protocol=3)
    redis.call("CLIENT", "SETNAME", "me")
    redis.call("MULTI")
    assert redis.call("RESET") == Status(b"RESET")
    assert redis.call("EXEC") == Error(b"ERR EXEC without MULTI")
    assert redis.call("CLIENT", "GETNAME") is None
    redis.call("SUBSCRIBE", "test:channel")
    assert redis.call("RESET") == Status(b"RESET")
    assert redis.call("PING") == PONG
    redis.send(encode("CLIENT", "REPLY", "OFF") + encode("RESET"))
    assert redis.read() == Status(b"RESET")
    assert redis.call("PING") == PONG


def test_reply_off_answers_nothing_until_on(connect_redis, key):
    redis = connect_redis()
    silent = [("CLIENT", "REPLY", "OFF"), ("SET", key, 1), ("GET", key), ("NOSUCH",), ("GET",),
              ("MSET", key, 1, "x", 2), ("MULTI",), ("SET", key, 2), ("EXEC",), ("CLIENT", "REPLY", "SKIP"),
              ("DBSIZE",)]
    redis.send(b"".join(encode(*command) for command in silent) + encode("CLIENT", "REPLY", "ON"))
    assert redis.read() == OK
    assert redis.call("GET", key) == b"2"


@pytest.mark.parametrize("skipped", [
    ("GET", "test:a"), ("MSET", "test:a", 1, "test:b", 2, "test:c", 3), ("NOSUCH",), ("GET",), ("MULTI",), ("DBSIZE",)])
def test_reply_skip_passes_over_one_command(connect_redis, skipped):
    redis = connect_redis()
    redis.send(encode("CLIENT", "REPLY", "SKIP") + encode(*skipped) + encode("RESET") + encode("PING", "next"))
    assert redis.read() == Status(b"RESET")
    assert redis.read() == b"next"


def test_skipping_a_skip_passes_over_the_command_behind_it(connect_redis):
    redis = connect_redis()
    redis.send(encode("CLIENT", "REPLY", "SKIP") * 2 + encode("PING", "passed over") + encode("PING", "next"))
    assert redis.read() == b"next"


# CLIENT LIST, INFO, KILL


def test_ids_ascend_and_the_list_names_every_client_of_every_loop(connect_redis, redis):
    others, ids = [], []
    for _ in range(SEVERAL):
        others.append(connect_redis())
        ids.append(others[-1].call("CLIENT", "ID"))
    assert sorted(set(ids)) == ids
    rows = client_list(redis)
    listed = [int(row["id"]) for row in rows]
    assert sorted(listed) == listed
    assert set(ids) <= set(listed)
    address = "%s:%d" % others[0].socket.getsockname()
    row = next(row for row in rows if row["addr"] == address)
    assert row["laddr"] == "%s:%d" % others[0].socket.getpeername()
    assert (row["cmd"], row["flags"], row["resp"], row["multi"]) == ("client|id", "N", "2", "-1")
    assert [int(row["id"]) for row in client_list(redis, "ID", ids[3], ids[1], 999_999_999)] == [ids[1], ids[3]]


def test_the_list_tells_what_a_client_is_at(connect_redis, redis, key):
    other = connect_redis(protocol=3)
    other.call("CLIENT", "SETNAME", "worker")
    other.call("CLIENT", "SETINFO", "LIB-NAME", "lib")
    other.call("CLIENT", "SETINFO", "lib-ver", "1.2")
    other.call("GET", key)
    me = other.call("CLIENT", "ID")
    other.call("GET", key)
    row = client_list(redis, "ID", me)[0]
    assert (row["name"], row["lib-name"], row["lib-ver"]) == ("worker", "lib", "1.2")
    assert (row["resp"], row["cmd"]) == ("3", "get")
    other.call("MULTI")
    other.call("GET", key)
    row = client_list(redis, "ID", me)[0]
    assert (row["flags"], row["multi"]) == ("x", "1")
    other.call("DISCARD")
    other.call("SUBSCRIBE", key)
    assert [int(row["id"]) for row in client_list(redis, "TYPE", "pubsub") if row["name"] == "worker"] == [me]
    assert me not in [int(row["id"]) for row in client_list(redis, "TYPE", "normal")]
    assert client_list(redis, "TYPE", "replica") == []
    info = redis.call("CLIENT", "INFO").decode()
    assert re.fullmatch(rf"id={redis.call('CLIENT', 'ID')} addr=.* cmd=client\|info .*\n", info)


def test_kill_ends_connections_of_any_loop(connect_redis, redis):
    others = [connect_redis() for _ in range(SEVERAL)]
    for other in others[:4]:
        assert redis.call("CLIENT", "KILL", "ID", other.call("CLIENT", "ID")) == 1
    for other in others[4:8]:
        assert redis.call("CLIENT", "KILL", "%s:%d" % other.socket.getsockname()) == OK
    for other in others[8:]:
        assert redis.call("CLIENT", "KILL", "ADDR", "%s:%d" % other.socket.getsockname(), "TYPE", "normal") == 1
    assert all(other.is_closed_by_server() for other in others)
    assert redis.call("CLIENT", "KILL", "ID", 999_999_999) == 0
    assert redis.call("CLIENT", "KILL", "1.2.3.4:5") == Error(b"ERR No such client")
    assert redis.call("CLIENT", "KILL", "TYPE", "pubsub", "USER", "default") == 0


def test_kill_spares_its_caller_unless_told_otherwise(connect_redis):
    redis = connect_redis()
    me = redis.call("CLIENT", "ID")
    assert redis.call("CLIENT", "KILL", "ID", me) == 0
    assert redis.call("CLIENT", "KILL", "ID", me, "SKIPME", "yes") == 0
    # The answer comes before the end.
    redis.send(encode("CLIENT", "KILL", "ID", me, "SKIPME", "no") + encode("PING"))
    assert redis.read_to_end() == b":1\r\n"


def test_killed_while_it_waits_a_client_leaves_nothing_behind(connect_redis, redis, node):
    sleeper = connect_redis()
    me = sleeper.call("CLIENT", "ID")
    sleeper.send(encode("DEBUG", "SLEEP", "0.2"))
    wait_until(lambda: client_list(redis, "ID", me)[0]["cmd"] == "debug", "the client sleeps")
    assert redis.call("CLIENT", "KILL", "ID", me) == 1
    assert sleeper.is_closed_by_server()
    wait_until(lambda: b"blocked_clients:0\r" in redis.call("INFO", "clients"), "the sleep is over")
    assert client_list(redis, "ID", me) == []


# CLIENT PAUSE


def is_silent(redis, seconds=0.15) -> bool:
    """Whether nothing is answered for a while."""
    redis.socket.settimeout(seconds)
    try:
        redis.buffer += redis.socket.recv(1 << 16)
        return False
    except TimeoutError:
        return True
    finally:
        redis.socket.settimeout(20)


def test_pause_holds_back_what_writes_and_unpause_lets_it_go(connect_redis, redis, key):
    others = [connect_redis() for _ in range(SEVERAL)]
    assert redis.call("CLIENT", "PAUSE", 60_000, "WRITE") == OK
    for number, other in enumerate(others):
        assert other.call("GET", key) is None
        assert other.call("MULTI") == OK
        assert other.call("GET", key) == QUEUED
        assert other.call("EXEC") == [None]
        # What comes behind waits too.
        other.send(encode("SET", f"{key}:{number}", 1) + encode("PING"))
    assert all(is_silent(other, 0.03) for other in others)
    others[0].send(encode("PUBLISH", key, "x"))
    assert redis.call("CLIENT", "UNPAUSE") == OK
    assert [[other.read(), other.read()] for other in others] == [[OK, PONG]] * SEVERAL
    assert others[0].read() == 0


def test_pause_of_all_ends_with_its_time(connect_redis, redis, key):
    other = connect_redis()
    start = time.monotonic()
    assert redis.call("CLIENT", "PAUSE", 300) == OK
    # A narrower or shorter one changes nothing.
    other.send(encode("CLIENT", "PAUSE", 1, "WRITE") + encode("PING"))
    assert is_silent(other)
    assert [other.read(), other.read()] == [OK, PONG]
    assert time.monotonic() - start >= 0.29
    assert redis.call("GET", key) is None


def test_a_paused_client_may_leave_and_be_killed(connect_redis, redis):
    leaver, victim = connect_redis(), connect_redis()
    me = victim.call("CLIENT", "ID")
    assert redis.call("CLIENT", "PAUSE", 60_000, "WRITE") == OK
    leaver.send(encode("SET", "test:leaver", 1))
    victim.send(encode("SET", "test:victim", 1))
    leaver.socket.shutdown(socket.SHUT_WR)
    assert redis.call("CLIENT", "KILL", "ID", me) == 1
    assert victim.is_closed_by_server()
    assert redis.call("CLIENT", "UNPAUSE") == OK
    assert leaver.read() == OK
    assert leaver.is_closed_by_server()
    assert redis.call("GET", "test:leaver") == b"1"
    assert redis.call("GET", "test:victim") is None


def test_a_node_with_paused_clients_drains(start_node):
    node = start_node(loops=2)
    with RESPConnection(node.resp_port) as redis, RESPConnection(node.resp_port) as other:
        assert redis.call("CLIENT", "PAUSE", 60_000) == OK
        other.send(encode("PING"))
        assert is_silent(other)
        assert node.stop() == 0
