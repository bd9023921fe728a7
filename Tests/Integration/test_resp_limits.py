"""What connections of the Redis protocol cost, and what a hostile one can make a node spend."""
import contextlib
import re

import pytest

from resp_client import OK, PONG, RESPConnection, encode
from waiting import wait_until

CONNECTIONS = 2_000
MEBIBYTE = 1 << 20


@contextlib.contextmanager
def connections(node, count: int):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(RESPConnection(node.resp_port)) for _ in range(count)]


def test_many_connections_are_all_served(node):
    with connections(node, CONNECTIONS) as clients:
        for index, client in enumerate(clients):
            client.send(encode("SET", f"many:{index}", index) + encode("GET", f"many:{index}"))
        for index, client in enumerate(clients):
            assert client.read() == OK
            assert client.read() == b"%d" % index
        for client in clients:
            client.send(encode("PING"))
        assert all(client.read() == PONG for client in clients)
    with RESPConnection(node.resp_port) as client:
        assert client.call("PING") == PONG


def test_one_connection_too_many_is_told_so(start_node):
    node = start_node(settings={"TRIBE_LIMITS_CONNECTIONS": "10"})
    with connections(node, 10) as clients:
        assert all(client.call("PING") == PONG for client in clients)
        with RESPConnection(node.resp_port) as refused:
            assert refused.read_to_end() == b"-ERR max number of clients reached\r\n"
        assert clients[0].call("PING") == PONG
    wait_until(lambda: is_served(node), "a place is free again")


def is_served(node) -> bool:
    with RESPConnection(node.resp_port) as client:
        client.send(encode("PING"))
        return client.read() == PONG


@pytest.mark.parametrize("claim", [
    b"*2147483647\r\n", b"*1048576\r\n", b"*1048576\r\n" + b"$0\r\n\r\n" * 10, b"*1048577\r\n", b"*-2147483648\r\n",
    b"*2\r\n$2147483647\r\n", b"*1\r\n$99999999999999\r\n"], ids=repr)
@pytest.mark.memory
def test_a_claim_costs_nothing(start_node, claim):
    """Ten clients claim to send a lot: the node believes it when it arrives."""
    node = start_node(memory="64MiB")
    with connections(node, 10) as clients:
        assert all(client.call("PING") == PONG for client in clients)
        before = node.resident_bytes()
        for client in clients:
            client.send(claim)
        with RESPConnection(node.resp_port) as other:
            assert other.call("SET", "a", "b") == OK
        assert node.resident_bytes() - before < MEBIBYTE


@pytest.mark.parametrize("nothing", [b"\r\n", b"*0\r\n", b"*-1\r\n", b" \t \n"], ids=repr)
@pytest.mark.memory
def test_what_is_no_command_is_not_remembered(start_node, nothing):
    node = start_node(memory="64MiB")
    with RESPConnection(node.resp_port) as client:
        assert client.call("PING") == PONG
        before = node.resident_bytes()
        for _ in range(16):
            client.send(nothing * (MEBIBYTE // len(nothing)))
        assert client.call("PING") == PONG
        assert node.resident_bytes() - before < 2 * MEBIBYTE


LONG = b"k" * ((32 << 10) + 1)


@pytest.mark.parametrize("words", [
    ["GET", LONG], ["SET", LONG, "x"], ["MSET", LONG, "x"], ["MSET", "a", "1", "b", "2", "c", "3", LONG, "4"],
    ["MGET", "a", "b", "c", "d", LONG], ["DEL", "a", "b", "c", LONG, "d"], ["WATCH", "a", "b", "c", LONG]],
    ids=lambda words: f"{words[0]}-{len(words)}")
def test_a_key_that_is_too_long_is_an_error_wherever_it_stands(node, words):
    with RESPConnection(node.resp_port) as client:
        assert client.call(*words).text == b"ERR a key has at most 32768 bytes"
        if words[0] == "WATCH":
            return
        client.call("MULTI")
        client.call(*words)
        assert client.call("EXEC").code == "EXECABORT"
        assert client.call("PING") == PONG


def test_a_line_without_end_is_refused(node):
    with RESPConnection(node.resp_port) as client:
        client.send(b"x" * (64 << 10) + b"y" * 1_000)
        assert client.read_to_end() == b"-ERR Protocol error: too big inline request\r\n"


@pytest.mark.parametrize(
    "request_line", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"POST /x HTTP/1.0\r\n\r\n", b"Host: a\r\n"])
def test_http_is_refused(node, request_line):
    with RESPConnection(node.resp_port) as client:
        client.send(request_line + encode("SET", "by-http", "x"))
        assert client.read_to_end().startswith(b"-ERR ")
    with RESPConnection(node.resp_port) as client:
        assert client.call("GET", "by-http") is None


@pytest.mark.parametrize("cut", [1, 2, 3, 7])
def test_commands_arrive_in_pieces(node, key, cut):
    data = encode("SET", key, b"\x00\r\n\xff") + b"get " + key.encode() + b"\r\n" + encode("DEL", key)
    with RESPConnection(node.resp_port) as client:
        for start in range(0, len(data), cut):
            client.send(data[start:start + cut])
        assert [client.read() for _ in range(3)] == [OK, b"\x00\r\n\xff", 1]


def test_every_prefix_of_valid_input_waits_for_the_rest(node, key):
    data = encode("SET", key, "value") + b"get \"" + key.encode() + b"\"\r\n"
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RESPConnection(node.resp_port)) for _ in range(len(data))]
        for count, client in enumerate(clients):
            client.send(data[:count])
        for count, client in enumerate(clients):
            client.send(data[count:])
            assert [client.read(), client.read()] == [OK, b"value"]


@pytest.mark.memory
def test_half_a_command_of_many_words_is_charged(start_node):
    """Each word is small, so none has a block of its own: they are kept as they arrive, until the budget ends it."""
    node = start_node(memory="16MiB", loops=2)
    word = encode("x" * 16_000)[len(b"*1\r\n"):]
    with RESPConnection(node.resp_port) as client, contextlib.suppress(ConnectionError):
        client.send(b"*1000000\r\n")
        for _ in range(8 * MEBIBYTE // len(word) * 8):
            client.send(word)
    assert node.resident_bytes() < 64 * MEBIBYTE
    with RESPConnection(node.resp_port) as client:
        assert client.call("SET", "after", 1) == OK


def filled(client: RESPConnection, count: int) -> int:
    """Fills the cache with values of 64 KiB; how many of them are there."""
    for index in range(count):
        assert client.call("SET", f"fill:{index}", "x" * (64 << 10)) == OK
    return present(client, count)


def memory_used(client: RESPConnection) -> int:
    return int(re.search(rb"used_memory:(\d+)", client.call("INFO", "memory"))[1])


def present(client: RESPConnection, count: int) -> int:
    return client.call("EXISTS", *(f"fill:{index}" for index in range(count)))


def test_strings_that_are_only_announced_evict_nothing(start_node):
    node = start_node(memory="256MiB")
    with connections(node, 30) as clients, RESPConnection(node.resp_port) as client:
        assert filled(client, 3_000) == 3_000
        before = memory_used(client)
        for other in clients:
            other.send(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$67108864\r\nx")
        wait_until(lambda: memory_used(client) - before > 30 * 16_384, "each has a block for its first byte")
        assert memory_used(client) - before < MEBIBYTE
        assert present(client, 3_000) == 3_000


def test_strings_under_way_take_a_part_of_the_memory(start_node):
    """Thirty clients send most of 32 MiB: those for whom there is no memory are told so when all has come."""
    node = start_node(memory="256MiB")
    with connections(node, 30) as clients, RESPConnection(node.resp_port) as client:
        before = filled(client, 3_800)
        for other in clients:
            other.send(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$33554432\r\n" + b"x" * (30 * MEBIBYTE))
        assert client.call("SET", "small", "x") == OK
        assert present(client, 3_800) > before * 0.6
        replies = []
        for other in clients:
            other.send(b"x" * (2 * MEBIBYTE) + b"\r\n")
            replies.append(other.read())
        assert OK in replies
        assert {reply.code for reply in replies if reply != OK} == {"OOM"}
        assert len([reply for reply in replies if reply != OK]) >= 20


def test_a_large_command_that_comes_steadily_is_in_time_from_the_first_on(start_node):
    """A look at the deadlines falls into it, seconds after the connection began and hours after the machine did."""
    node = start_node()
    piece = b"x" * (MEBIBYTE // 16)
    with RESPConnection(node.resp_port) as connection, RESPConnection(node.resp_port) as clock:
        def milliseconds() -> int:
            seconds, microseconds = clock.call("TIME")
            return int(seconds) * 1_000 + int(microseconds) // 1_000

        connection.send(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n" % (30 * len(piece)))
        start = milliseconds()
        for number in range(30):
            connection.send(piece)
            wait_until(lambda: milliseconds() >= start + number * 100, "the next piece is due")
        connection.send(b"\r\n")
        assert connection.read() == OK


def test_a_string_that_trickles_is_given_up(start_node):
    """What it has taken of the memory for what arrives is wanted by others. A client that says nothing may stay."""
    node = start_node()
    with RESPConnection(node.resp_port) as slow, RESPConnection(node.resp_port) as idle:
        slow.send(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$67108864\r\n" + b"x" * MEBIBYTE)
        assert slow.read().text.startswith(b"ERR Protocol error: the command arrived too slowly")
        assert slow.read_to_end() == b""
        assert idle.call("PING") == PONG
