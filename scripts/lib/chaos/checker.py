"""What is wrong with a history: lost writes, deletes undone, increments repeated, stale reads, copies that differ.

Every write takes its place among the writes of its key at one moment between its start and its end (an unanswered
one: until the deadline of its request), for all nodes here share one wall clock and the newest write wins. So a value
that is read is wrong only if **every** write that could have left it must come before an acknowledged write that ended
before the read began. Writes that overlap may have come in either order; a failed or unanswered one may stand or not.

An acknowledged write has to survive if fewer nodes were killed than its answer said hold it, counted until the copies
were whole again. One that did not have to survive may stand or not, as an unanswered one may.

Counters are keys that are only ever incremented by one. No two acknowledged increments return one value, none returns a
value that is not above those answered before it began, and a counter stands nowhere below the acknowledged increments
nor above all that were tried: each was executed at most once. Partial answers are exempt (Cache rule 16).

The rule for a key is that of an atomic register as in Knossos and Porcupine, but as each write has its own value, and
acknowledged writes seldom overlap, no search is needed: sorting is enough.
"""
import bisect
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import Iterable

from chaos.history import Event, Healed, Kind, Operation, Outcome

# Two nodes may read their clocks in one millisecond, and so order what came within it by their tags.
CLOCK_GRAIN_SECONDS = 0.002


@dataclass(frozen=True)
class Finding:
    # lost, resurrected, stale, alien, executed though refused, differs, unreadable, repeated, backwards, miscounted
    what: str
    key: str
    detail: str

    def __str__(self) -> str:
        return f"{self.what}: {self.key}: {self.detail}"


@dataclass
class Rules:
    """What the history was made under."""

    events: list[Event]
    # Copies in all that each partition has once it is whole.
    replicas: int = 2
    clock_skew_seconds: float = CLOCK_GRAIN_SECONDS
    # Reads may be old while both sides of a split serve; what nobody wrote may never be read.
    are_reads_checked: bool = True

    def has_to_survive(self, write: Operation) -> bool:
        if write.outcome is not Outcome.OK:
            return False
        holders = write.copies
        for event in self.events:
            if event.time < write.start:
                continue
            if isinstance(event, Healed):
                # Whoever was left then has given it to the others.
                holders = max(holders, self.replicas)
            else:
                holders -= 1
            if holders <= 0:
                return False
        return True


def check(operations: Iterable[Operation], finals: Iterable[Operation], rules: Rules) -> list[Finding]:
    """All that is wrong. `finals` are reads made at the end, at every node, when all had time to become equal."""
    by_key: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        by_key[operation.key].append(operation)
    finals_by_key: dict[str, list[Operation]] = defaultdict(list)
    for final in finals:
        finals_by_key[final.key].append(final)
    findings = []
    for key in sorted(by_key.keys() | finals_by_key.keys()):
        made, read = by_key[key], finals_by_key[key]
        is_counter = any(operation.kind is Kind.INCREMENT for operation in made)
        findings += (_check_counter if is_counter else _check_register)(key, made, read, rules)
        findings += _check_equal(key, read)
    return findings


def summary(findings: Iterable[Finding]) -> dict[str, int]:
    """How many keys show each kind of fault."""
    return dict(Counter(what for what, _ in {(finding.what, finding.key) for finding in findings}))


# A key that is written and deleted

class _Register:
    """The writes of one key, and which of them an acknowledged one leaves behind."""

    def __init__(self, key: str, operations: list[Operation], rules: Rules):
        self.rules = rules
        self.writes = [operation for operation in operations if operation.is_write]
        self.absent = Operation(key, Kind.DELETE, None, -1e18, -1e18, Outcome.OK, "", latest=-1e18)
        self.by_value: dict[int | str | None, list[Operation]] = defaultdict(list)
        for write in [self.absent, *self.writes]:
            self.by_value[write.value].append(write)
        firm = sorted((write for write in self.writes if rules.has_to_survive(write)), key=lambda write: write.end)
        self.firm_ends = [write.end for write in firm]
        # Of the acknowledged writes up to each, the one that started last.
        self.firm_newest = list(accumulate(firm, lambda a, b: b if b.start >= a.start else a))

    def fault(self, read: Operation) -> tuple[str, str] | None:
        """Why the value cannot have been read, in a word and in a sentence."""
        known = self.by_value.get(read.value, [])
        possible = [write for write in known if write.outcome is not Outcome.REFUSED and write.start <= read.end]
        if not possible:
            if any(write.outcome is Outcome.REFUSED for write in known):
                return "executed though refused", told(read)
            return "alien", f"{told(read)}, which nobody had written"
        place = bisect.bisect_left(self.firm_ends, read.start) - 1
        if place < 0:
            return None
        newest = self.firm_newest[place]
        last = max(possible, key=lambda write: write.latest)
        if last.latest + self.rules.clock_skew_seconds >= newest.start:
            return None
        word = "lost" if newest.kind is Kind.PUT else "resurrected"
        return word, f"{told(read)}, which is older than {told(newest)}"


def _check_register(key: str, operations: list[Operation], finals: list[Operation], rules: Rules) -> list[Finding]:
    register = _Register(key, operations, rules)
    findings = []
    for read in operations:
        if read.kind is Kind.GET and read.outcome is Outcome.OK and (fault := register.fault(read)):
            word, sentence = fault
            if word not in ("lost", "resurrected"):
                findings.append(Finding(word, key, sentence))
            elif rules.are_reads_checked:
                findings.append(Finding("stale", key, sentence))
    for final in finals:
        if final.outcome is not Outcome.OK:
            findings.append(Finding("unreadable", key, told(final)))
        elif fault := register.fault(final):
            findings.append(Finding(fault[0], key, fault[1]))
    return findings


# A key that is only incremented

def _check_counter(key: str, operations: list[Operation], finals: list[Operation], rules: Rules) -> list[Finding]:
    tried = sorted(write.start for write in operations
                   if write.kind is Kind.INCREMENT and write.outcome is not Outcome.REFUSED)
    firm = [write for write in operations
            if write.kind is Kind.INCREMENT and rules.has_to_survive(write) and not write.is_partial]
    findings = _check_returned(key, firm)
    ended = sorted(firm, key=lambda write: write.end)
    ends = [write.end for write in ended]
    highest = list(accumulate((write.value for write in ended), max))
    reads = [read for read in operations if read.kind is Kind.GET and read.outcome is Outcome.OK]
    for read in (reads if rules.are_reads_checked else []) + finals:
        if read.outcome is not Outcome.OK or not isinstance(read.value, int | None):
            findings.append(Finding("unreadable", key, told(read)))
            continue
        place = bisect.bisect_left(ends, read.start)
        least = max(highest[place - 1], place) if place else 0
        most = bisect.bisect_right(tried, read.end)
        value = read.value or 0
        if value < least:
            findings.append(Finding("lost" if read in finals else "stale", key,
                                    f"{told(read)}, at least {least} were acknowledged"))
        elif value > most:
            findings.append(Finding("miscounted", key, f"{told(read)}, but only {most} were tried"))
    return findings


def _check_returned(key: str, firm: list[Operation]) -> list[Finding]:
    """No value twice, and none below one that was answered before the increment began."""
    findings = []
    seen: dict[int, Operation] = {}
    for write in firm:
        other = seen.setdefault(write.value, write)
        if other is not write:
            findings.append(Finding("repeated", key, f"{told(write)}, as did {told(other)}"))
    ended = sorted(firm, key=lambda write: write.end)
    ends = [write.end for write in ended]
    highest = list(accumulate(ended, lambda a, b: b if b.value > a.value else a))
    for write in firm:
        place = bisect.bisect_left(ends, write.start) - 1
        if place >= 0 and write.value < highest[place].value:
            findings.append(Finding("backwards", key, f"{told(write)} after {told(highest[place])}"))
    return findings


def _check_equal(key: str, finals: list[Operation]) -> list[Finding]:
    values = {final.value for final in finals if final.outcome is Outcome.OK}
    if len(values) < 2:
        return []
    return [Finding("differs", key, "; ".join(told(final) for final in finals))]


def told(operation: Operation) -> str:
    """An operation in words, for whoever looks for the fault."""
    where = f"at {operation.node}" + (f" {operation.detail}" if operation.detail else "")
    when = f"[{operation.start:.4f}, {operation.end:.4f}]"
    copies = f" held by {operation.copies}" if operation.is_write and operation.outcome is Outcome.OK else ""
    return f"{operation.kind.value} {operation.value!r} {where} {when} {operation.outcome.value}{copies}"
