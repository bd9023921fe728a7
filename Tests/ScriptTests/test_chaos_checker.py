"""Each fault is found in a history that has it, and not in its neighbour that does not.

A history is written as a list of operations on one key; a time is in seconds. Where nothing else is said an operation
takes a tenth of a second, is acknowledged, and is held by two nodes.
"""
import random

import pytest

from chaos.checker import Rules, check, summary
from chaos.history import Healed, Kill, Kind, Operation, Outcome

KEY = "k"
LONG_AFTER = 100.0


def operation(kind: Kind, value, at: float, outcome: Outcome = Outcome.OK, *, until: float | None = None,
              latest: float | None = None, copies: int = 2, node: str = "n1", is_partial: bool = False) -> Operation:
    end = at + 0.1 if until is None else until
    return Operation(KEY, kind, value, at, end, outcome, node, end if latest is None else latest, copies, is_partial)


def put(value, at: float, outcome: Outcome = Outcome.OK, **more) -> Operation:
    return operation(Kind.PUT, value, at, outcome, **more)


def delete(at: float, outcome: Outcome = Outcome.OK, **more) -> Operation:
    return operation(Kind.DELETE, None, at, outcome, **more)


def increment(value, at: float, outcome: Outcome = Outcome.OK, **more) -> Operation:
    return operation(Kind.INCREMENT, value, at, outcome, **more)


def get(value, at: float, **more) -> Operation:
    return operation(Kind.GET, value, at, **more)


def found(operations: list[Operation], *finals, events=(), **rules) -> set[str]:
    reads = [get(value, LONG_AFTER, node=f"n{place + 1}") for place, value in enumerate(finals)]
    return set(summary(check(operations, reads, Rules(list(events), **rules))))


UNKNOWN, REFUSED = Outcome.UNKNOWN, Outcome.REFUSED

REGISTERS = {
    "the last write stands": ([put(1, 1), put(2, 2)], [2, 2, 2], set()),
    "nothing was written": ([], [None], set()),
    "an acknowledged write is lost": ([put(1, 1)], [None], {"lost"}),
    "an older value is back": ([put(1, 1), put(2, 2)], [1], {"lost"}),
    "a delete stands": ([put(1, 1), delete(2)], [None], set()),
    "a delete is undone": ([put(1, 1), delete(2)], [1], {"resurrected"}),
    "what was written after the delete stands": ([put(1, 1), delete(2), put(3, 3)], [3], set()),
    "an unanswered write stands": ([put(1, 1), put(2, 2, UNKNOWN)], [2], set()),
    "an unanswered write does not stand": ([put(1, 1), put(2, 2, UNKNOWN)], [1], set()),
    "an unanswered delete stands": ([put(1, 1), delete(2, UNKNOWN)], [None], set()),
    "writes that overlap, the first": ([put(1, 1, until=3), put(2, 2, until=3)], [1], set()),
    "writes that overlap, the second": ([put(1, 1, until=3), put(2, 2, until=3)], [2], set()),
    "an unanswered write comes late, within its deadline": ([put(1, 1, UNKNOWN, latest=6), put(2, 5)], [1], set()),
    "an unanswered write comes after its deadline": ([put(1, 1, UNKNOWN, latest=4), put(2, 5)], [1], {"lost"}),
    "a refused write does not stand": ([put(1, 1), put(2, 2, REFUSED)], [1], set()),
    "a refused write stands": ([put(1, 1), put(2, 2, REFUSED)], [2], {"executed though refused"}),
    "a value of nowhere": ([put(1, 1)], [9], {"alien"}),
    "nodes differ": ([put(1, 1), put(2, 1.05)], [1, 2, 2], {"differs"}),
    "one node has lost it": ([put(1, 1)], [1, None, 1], {"lost", "differs"}),
}


@pytest.mark.parametrize("case", REGISTERS)
def test_the_last_values(case):
    operations, finals, expected = REGISTERS[case]
    assert found(operations, *finals) == expected


READS = {
    "the newest": ([put(1, 1), put(2, 2), get(2, 3)], set()),
    "an older one after a newer was acknowledged": ([put(1, 1), put(2, 2), get(1, 3)], {"stale"}),
    "an older one while a newer is written": ([put(1, 1), put(2, 2, until=4), get(1, 3)], set()),
    "a newer one before it is acknowledged": ([put(1, 1), put(2, 2, until=4), get(2, 3)], set()),
    "one that is only written later": ([put(1, 1), get(2, 1.5), put(2, 2)], {"alien"}),
    "a miss before all": ([get(None, 0), put(1, 1), put(2, 2)], set()),
    "a miss after a write": ([put(1, 1), get(None, 1.5), put(2, 2)], {"stale"}),
    "a deleted one": ([put(1, 1), delete(2), get(1, 3), put(2, 4)], {"stale"}),
}


@pytest.mark.parametrize("case", READS)
def test_reads_under_way(case):
    operations, expected = READS[case]
    last = [write for write in operations if write.is_write][-1].value
    assert found(operations, last) == expected
    assert found(operations, last, are_reads_checked=False) == expected - {"stale"}


def test_a_final_read_that_failed_is_a_fault():
    failed = Operation(KEY, Kind.GET, None, LONG_AFTER, LONG_AFTER, Outcome.UNKNOWN, "n1", detail="503")
    assert summary(check([put(1, 1)], [failed], Rules([]))) == {"unreadable": 1}


KILLED = {
    "one of two holders": (2, [Kill(5)], {"lost"}),
    "the only holder": (1, [Kill(5)], set()),
    "both holders": (2, [Kill(5), Kill(6)], set()),
    "both, but the copies were whole between": (2, [Kill(5), Healed(6), Kill(7)], {"lost"}),
    "a node, after the only holder had given it away": (1, [Healed(5), Kill(6)], {"lost"}),
    "a node, before it was written": (1, [Kill(0)], {"lost"}),
    "an answer that did not say": (0, [Kill(5)], set()),
}


@pytest.mark.parametrize("case", KILLED)
def test_what_has_to_survive_kills(case):
    copies, events, expected = KILLED[case]
    assert found([put(1, 1, copies=copies)], None, events=events) == expected
    assert found([put(1, 1, copies=copies)], 1, events=events) == set()


def test_a_write_that_need_not_survive_makes_no_other_one_old():
    history = [put(1, 1, copies=2), put(2, 2, copies=1)]
    assert found(history, 1, events=[Kill(3)]) == set()
    assert found(history, 1) == {"lost"}


COUNTERS = {
    "each value once": ([increment(1, 1), increment(2, 2), increment(3, 3)], [3], set()),
    "a value twice": ([increment(1, 1), increment(2, 2), increment(2, 3)], [3], {"repeated"}),
    "a value that went back": ([increment(1, 1), increment(3, 2), increment(2, 3)], [3], {"backwards"}),
    "answers that overlap": ([increment(2, 1, until=2), increment(1, 1.5, until=3)], [2], set()),
    "an acknowledged one is lost": ([increment(1, 1), increment(2, 2)], [1], {"lost"}),
    "all are lost": ([increment(1, 1), increment(2, 2)], [None], {"lost"}),
    "an unanswered one counts": ([increment(1, 1), increment(None, 2, UNKNOWN)], [2], set()),
    "an unanswered one does not": ([increment(1, 1), increment(None, 2, UNKNOWN)], [1], set()),
    "an unanswered one counts twice": ([increment(1, 1), increment(None, 2, UNKNOWN)], [3], {"miscounted"}),
    "an acknowledged one counts twice": ([increment(1, 1), increment(3, 2)], [3], {"miscounted"}),
    "a refused one counts": ([increment(1, 1), increment(None, 2, REFUSED)], [2], {"miscounted"}),
    "a value twice, of a partial reign": ([increment(1, 1), increment(1, 2, is_partial=True)], [1], set()),
    "nodes differ": ([increment(1, 1), increment(None, 2, UNKNOWN)], [1, 2], {"differs"}),
    "what is read is no number": ([increment(1, 1)], ["x"], {"unreadable"}),
    "an old value is read": ([increment(1, 1), increment(2, 2), get(1, 3)], [2], {"stale"}),
}


@pytest.mark.parametrize("case", COUNTERS)
def test_counters(case):
    operations, finals, expected = COUNTERS[case]
    assert found(operations, *finals) == expected


def test_an_increment_that_was_held_once_may_be_repeated_after_a_kill():
    history = [increment(1, 1), increment(2, 2, copies=1), increment(2, 4)]
    assert found(history, 2, events=[Kill(3)]) == set()
    assert found(history, 2) == {"repeated", "lost"}


def register(source: random.Random, count: int) -> list[Operation]:
    """What a register without a fault, where each operation takes effect at one moment, answers its clients."""
    moments = []
    for number in range(count):
        start = source.uniform(0, 20)
        end = start + source.uniform(0, 2)
        moments.append((source.uniform(start, end), start, end, number))
    value, made = None, []
    for _, start, end, number in sorted(moments):
        kind = source.choice([Kind.GET, Kind.PUT, Kind.PUT, Kind.DELETE])
        outcome = Outcome.OK if source.random() < 0.8 else Outcome.UNKNOWN
        if kind is Kind.GET:
            made.append(get(value, start, until=end))
            continue
        written = number if kind is Kind.PUT else None
        if outcome is Outcome.OK or source.random() < 0.5:
            value = written
        made.append(operation(kind, written, start, outcome, until=end))
    return made + [get(value, LONG_AFTER)]


@pytest.mark.parametrize("seed", range(300))
def test_a_register_without_a_fault_has_none(seed):
    source = random.Random(seed)
    *operations, final = register(source, source.randint(1, 40))
    assert check(operations, [final], Rules([])) == []


@pytest.mark.parametrize("seed", range(300))
def test_a_register_that_forgets_its_last_acknowledged_write_is_caught(seed):
    source = random.Random(seed)
    *operations, _ = register(source, 20)
    last = put("last", 50)
    wrong = source.choice([write.value for write in operations if write.is_write and write.outcome is Outcome.OK])
    assert summary(check([*operations, last], [get(wrong, LONG_AFTER)], Rules([]))) == {"lost": 1}
