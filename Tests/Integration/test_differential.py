"""Tribe beside Redis: random commands of the whole table, and every reply the same but for the listed differences.

scripts/soak differential is the long form.
"""
import random

import pytest

from differential import runner, shrinking
from differential.commands import CONTAINERS, FORMS, GRAMMAR, IN_BLOCKS, LEFT_OUT
from differential.replies import Leeway, are_same
from resp_client import OK, Error, NullArray, Push
from servers import Redis

CALLS = 1_500
# The same calls every time: new ones are the business of the soak, whose seeds are random and which may take its time
# over what it finds.
SEEDS = {2: 20_261_124, 3: 20_261_125}


@pytest.fixture(scope="module")
def redis():
    with runner.reference_server() as server:
        yield server


@pytest.fixture(scope="module", params=[1, 4], ids=["1-loop", "4-loops"])
def tribe(request):
    with runner.tested_server(request.param) as server:
        yield server


@pytest.mark.parametrize("protocol", [2, 3], ids=["RESP2", "RESP3"])
def test_replies_are_those_of_redis(tribe, redis, protocol):
    seed = SEEDS[protocol]
    result = runner.compare(tribe, redis, protocol, seed, CALLS)
    told = [shrinking.describe(finding, shrinking.shrink(finding, tribe, redis)) for finding in result.findings]
    assert not told, "\n".join(told)
    assert 0.3 < result.valid / (result.valid + result.invalid) < 0.8


def test_the_grammar_knows_every_command_of_the_table(tribe):
    assert runner.listed_names(tribe) <= runner.KNOWN_NAMES
    assert runner.names_of(tribe)


def test_every_command_that_is_answered_is_listed_and_the_other_way_round(tribe):
    listed = runner.listed_names(tribe)
    assert runner.answered_names(tribe) <= listed
    assert listed - runner.answered_names(tribe) <= LEFT_OUT.keys() | CONTAINERS


def test_the_table_has_every_command_of_the_grammar(tribe):
    """So that nothing goes untested because it is missing."""
    missing = ({form.name for form in FORMS} | IN_BLOCKS) - runner.answered_names(tribe)
    assert not missing, sorted(missing)


def test_a_call_by_the_grammar_is_one_that_redis_has(redis):
    with runner.RESPConnection(redis.resp_port) as connection:
        names = {name.decode() for name in connection.call("COMMAND", "LIST")}
    absent = {form.name for form in FORMS} - names
    assert not absent, absent
    assert not (IN_BLOCKS | CONTAINERS) - names


def test_every_line_of_the_grammar_is_read():
    assert len(FORMS) == sum(1 for line in GRAMMAR.splitlines() if line.strip())
    assert not {form.name for form in FORMS} & LEFT_OUT.keys()


@pytest.mark.parametrize("name, ours, theirs, is_same", [
    ("get", b"a", b"a", True), ("get", b"a", b"b", False), ("get", None, NullArray, False),
    ("get", [1], [True], False), ("get", [b"a"], Push([b"a"]), False), ("get", OK, b"OK", False),
    ("ttl", 100, 101, True), ("ttl", 100, 110, False), ("ttl", -1, -2, False), ("pttl", 5_000, 5_900, True),
    ("keys", [b"a", b"b"], [b"b", b"a"], True), ("keys", [b"a"], [b"b"], False), ("mget", [b"a"], [b"b"], False),
    ("info", b"a", b"b", True), ("info", b"a", Error(b"ERR"), False), ("info", Error(b"a"), Error(b"b"), False),
])
def test_replies_are_the_same_if(name, ours, theirs, is_same):
    assert are_same(name, ours, theirs, Leeway()) is is_same


def test_a_difference_is_found_and_shrunk(redis):
    """Against another Redis with a different limit: the harness finds what it should."""
    with Redis(options=runner.REDIS_SETTINGS | {"proto-max-bulk-len": "2mb"}) as other:
        other.loops = 1
        with runner.RESPConnection(redis.resp_port) as connection:
            names = {name.decode() for name in connection.call("COMMAND", "LIST")} & {"set", "setrange", "del", "get"}
        result = runner.compare(other, redis, 2, 1, 20_000, names=names)
        assert [finding.difference.name for finding in result.findings] == ["setrange"]
        blocks = shrinking.shrink(result.findings[0], other, redis)
        assert [block.call_count() for block in blocks] == [1]
        assert "string exceeds maximum allowed size" in shrinking.describe(result.findings[0], blocks)


def test_two_servers_that_are_alike_do_not_differ(redis):
    with runner.reference_server() as other:
        other.loops = 1
        names = runner.KNOWN_NAMES - LEFT_OUT.keys()
        for protocol in (2, 3):
            result = runner.compare(other, redis, protocol, random.randrange(2**32), 3_000, names=names)
            assert not result.findings, shrinking.describe(result.findings[0], None)
