"""Commands that write several values into a cache that evicts nothing: they do all of it, or nothing."""
import pytest

from resp_client import OK, Error, RESPConnection

REFUSE = {"TRIBE_CACHE_EVICTION": "refuse"}
VALUE = "x" * 1_000
TOO_MANY = [700, 1_200]


@pytest.fixture(params=[1, 4], ids=["1-loop", "4-loops"])
def full(request, start_node):
    """A connection to a node that is full but for some hundred values."""
    node = start_node(memory="64MiB", loops=request.param, settings=REFUSE)
    with RESPConnection(node.resp_port, timeout=60) as client:
        index = 0
        while client.pipeline(("SET", f"fill:{number}", VALUE) for number in range(index, index + 1_000))[-1] == OK:
            index += 1_000
        assert index > 30_000
        assert client.call("DEL", *(f"fill:{number}" for number in range(300))) == 300
        yield client


def pairs(count: int) -> list[str]:
    return [word for index in range(count) for word in (f"new:{index}", VALUE)]


def present(client: RESPConnection, count: int) -> int:
    return client.call("EXISTS", *(f"new:{index}" for index in range(count)))


@pytest.mark.parametrize("count", TOO_MANY)
@pytest.mark.parametrize("name", ["MSET", "MSETNX"])
def test_many_values_are_set_or_none(full, name, count):
    before = full.call("DBSIZE")
    reply = full.call(name, *pairs(count))
    assert isinstance(reply, Error) and reply.code == "OOM"
    assert present(full, count) == 0
    assert full.call("DBSIZE") == before


@pytest.mark.parametrize("name, reply", [("MSET", OK), ("MSETNX", 1)])
def test_values_that_fit_are_set(full, name, reply):
    full.call("DEL", *(f"fill:{number}" for number in range(300, 4_000)))
    assert full.call(name, *pairs(200)) == reply
    assert present(full, 200) == 200


def test_values_that_replace_their_like_are_set(full):
    """They need no room: those of one loop, which alone knows what it has."""
    # The first time they do, beside the command itself and what the node still holds of those before it.
    full.call("DEL", *(f"fill:{number}" for number in range(300, 2_000)))
    tagged = [word for index in range(100) for word in (f"{{tag}}{index}", VALUE)]
    assert full.call("MSET", *tagged) == OK
    index = 0
    while full.call("SET", f"{{tag}}more{index}", VALUE) == OK:
        index += 1
    assert full.call("MSET", *tagged) == OK


@pytest.mark.parametrize("count", TOO_MANY)
def test_a_command_of_a_transaction_is_done_or_not(full, count):
    assert full.call("MULTI") == OK
    full.call("DEL", "fill:400")
    full.call("MSET", *pairs(count))
    replies = full.call("EXEC")
    # A command too large to be queued is refused when it comes, and the transaction with it.
    assert replies.code == "EXECABORT" if isinstance(replies, Error) else replies[1].code == "OOM"
    assert present(full, count) == 0


def test_fields_of_a_bitmap_are_written_or_none(full):
    """The string grows before the first field is written, or not at all."""
    assert full.call("SET", "bits", "") == OK
    offset = 8 * (8 << 20)
    reply = full.call("BITFIELD", "bits", "SET", "u8", 0, 255, "SET", "u8", offset, 255)
    assert isinstance(reply, Error) and reply.code == "OOM"
    assert full.call("GET", "bits") == b""
