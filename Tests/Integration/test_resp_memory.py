"""Small commands that ask for much: what replies, open transactions and watched keys cost is bounded."""
import contextlib
import os
import re

import pytest

from resp_client import OK, QUEUED, Error, RESPConnection, encode
from waiting import wait_until

MIB = 1 << 20
# Just short enough not to be sent by reference.
SHORT = b"v" * 16_000
COPIED_MAX = 256 * MIB
TOO_LARGE = Error(b"ERR the strings of a reply have at most 268435456 bytes: ask for less at once")
FITTING = COPIED_MAX // len(SHORT)


@pytest.fixture(params=[1, 2], ids=["1-loop", "2-loops"])
def roomy(request, start_node):
    return start_node(memory="1GiB", loops=request.param)


@pytest.fixture(params=[1, 2], ids=["1-loop", "2-loops"])
def small(request, start_node):
    return start_node(memory="64MiB", loops=request.param)


def growth(node, act) -> int:
    """By how much resident memory is larger after `act` than before."""
    before = node.resident_bytes()
    act()
    return node.resident_bytes() - before


def memory_used(client: RESPConnection) -> int:
    return int(re.search(rb"used_memory:(\d+)", client.call("INFO", "memory"))[1])


def test_a_part_of_a_large_value_is_the_right_one(roomy):
    value = os.urandom(MIB)
    with RESPConnection(roomy.resp_port) as client:
        for key in "abcd":
            assert client.call("SET", key, value) == OK
            for start, end in [(0, -2), (1, -1), (5, 5 + 16_383), (5, 5 + 16_384), (-20_000, -1), (MIB - 1, MIB)]:
                stop = end % MIB + 1 if end < MIB else MIB
                assert client.call("GETRANGE", key, start, end) == value[start % MIB:stop]
            part = client.call("GETRANGE", key, 1, -1)
            assert client.call("SETRANGE", key, 1, b"X" * 100) == MIB
            assert part == value[1:]
            client.send(encode("MULTI") + encode("GETRANGE", key, 1, -2) + encode("EXEC"))
            assert [client.read(), client.read(), client.read()] == [
                OK, QUEUED, [b"X" * 100 + value[101:-1]]]


@pytest.mark.parametrize("key", "abcd")
def test_parts_of_a_large_value_that_nobody_reads_cost_no_memory(start_node, key):
    """All of them are made on the loop of the key, whether or not that is the client's."""
    node = start_node(memory="64MiB", loops=2)
    with RESPConnection(node.resp_port) as client, RESPConnection(node.resp_port) as other:
        assert client.call("SET", key, b"v" * MIB) == OK

        def ask():
            client.send(encode("GETRANGE", key, 0, -2) * 800)
            wait_until(lambda: b"cmd=getrange" in other.call("CLIENT", "LIST"), "they are begun")
            for _ in range(20):
                assert other.call("MGET", *"abcdefgh")

        assert growth(node, ask) < 32 * MIB


def test_many_copies_of_short_values_are_an_error(roomy):
    with RESPConnection(roomy.resp_port) as client:
        assert client.call("SET", "k", SHORT) == OK
        assert client.call("MGET", *["k"] * (FITTING + 1)) == TOO_LARGE
        assert client.call("MGET", *["k"] * 1_000) == [SHORT] * 1_000
        reply = client.call("MGET", *["k"] * FITTING)
        assert len(reply) == FITTING and set(reply) == {SHORT}


def test_a_transaction_is_done_though_its_reply_has_no_room(roomy):
    with RESPConnection(roomy.resp_port) as client:
        assert client.call("SET", "k", SHORT) == OK
        client.send(encode("MULTI") + encode("GET", "k") * (FITTING + 1) + encode("INCR", "n") + encode("EXEC"))
        assert [client.read() for _ in range(FITTING + 3)] == [OK] + [QUEUED] * (FITTING + 2)
        reply = client.read()
        assert reply[-2:] == [TOO_LARGE, 1] and set(reply[:-2]) == {SHORT}
        assert client.call("GET", "n") == b"1"


def test_a_large_reply_that_nobody_reads_is_charged(small):
    """32 MiB for each, in a node of 64 MiB: some get an error instead, or what is left of the cache: nothing."""
    count = 32 * MIB // len(SHORT)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RESPConnection(small.resp_port)) for _ in range(8)]
        assert clients[0].call("SET", "k", SHORT) == OK

        def ask():
            for client in clients:
                client.send(encode("MGET", *["k"] * count))
                assert client.socket.recv(1) in (b"*", b"-")

        assert growth(small, ask) < 200 * MIB
        for client in clients:
            client.close()
        with RESPConnection(small.resp_port) as client:
            wait_until(lambda: memory_used(client) < 8 * MIB, "the memory is given back")
            assert client.call("SET", "k", SHORT) == OK
            assert client.call("MGET", *["k"] * count) == [SHORT] * count
            wait_until(lambda: memory_used(client) < 8 * MIB, "the memory is given back again")


def test_a_key_that_is_watched_again_costs_nothing(small):
    with RESPConnection(small.resp_port) as client:
        key = b"k" * 30_000

        def watch():
            for _ in range(40):
                assert client.pipeline([("WATCH", key)] * 50) == [OK] * 50

        assert growth(small, watch) < 16 * MIB
        assert client.call("SET", key, 1) == OK
        assert client.call("MULTI") == OK
        assert not client.call("EXEC")


def test_more_keys_than_a_client_may_watch_are_an_error(small):
    with RESPConnection(small.resp_port) as client:
        assert client.call("WATCH", *range(1 << 16)) == OK
        assert client.call("WATCH", "one more").text == b"ERR a client watches at most 65536 keys of 8388608 bytes"
        assert client.call("WATCH", 0, 1) == OK
        assert client.call("UNWATCH") == OK
        assert client.call("WATCH", "one more") == OK
        assert client.call("WATCH", *(b"%030000d" % number for number in range(300))).code == "ERR"


@pytest.mark.memory
def test_open_transactions_are_charged(small):
    """20 MiB in each of a dozen, in a node of 64 MiB."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RESPConnection(small.resp_port, timeout=60)) for _ in range(12)]
        replies = []

        def queue():
            for client in clients:
                assert client.call("MULTI") == OK
                # What arrives at once is short enough not to be charged by itself.
                for _ in range(400):
                    replies.extend(client.pipeline([("SET", "k", b"x" * 10_000)] * 5))

        assert growth(small, queue) < 96 * MIB
        refused = [reply for reply in replies if reply != QUEUED]
        assert len(replies) - len(refused) > 1_000 and {reply.code for reply in refused} == {"OOM"}
        outcomes = [client.call("EXEC") for client in clients]
        aborted = [outcome for outcome in outcomes if isinstance(outcome, Error)]
        assert len(aborted) > 6 and {outcome.code for outcome in aborted} == {"EXECABORT"}
        assert clients[0].call("MULTI") == OK
        for _ in range(100):
            assert clients[0].pipeline([("SET", "k", b"x" * 10_000)] * 5) == [QUEUED] * 5
        assert clients[0].call("EXEC") == [OK] * 500
