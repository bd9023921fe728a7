"""Checks of a scenario and what they came to. What could not be looked at has failed or was not shown, never passed."""
import sys
from dataclasses import dataclass, field
from typing import Iterable

import report
from chaos.checker import Finding, Rules, check, summary
from chaos.history import Operation, Outcome
from report import Target

# Of each scenario, on standard error.
FINDINGS_TOLD_MAX = 12


@dataclass
class Failed:
    """A check that came to nothing: why there is no figure."""

    what: str
    why: str
    is_met = False

    def row(self) -> list[str]:
        return [self.what, "-", self.why, "**failed**"]


@dataclass
class NotShown:
    """A check that this machine does not allow."""

    what: str
    why: str
    # It says nothing against the program.
    is_met = True

    def row(self) -> list[str]:
        return [self.what, "-", self.why, "not shown"]


Check = Target | Failed | NotShown


def told(checks: list[Check], *parts: str) -> tuple[str, bool]:
    """The text of a scenario's result, and whether nothing failed."""
    table = report.table(["check", "measured", "limit", "verdict"], [check.row() for check in checks])
    return "\n\n".join([*parts, table]), all(check.is_met for check in checks)


STALE = "reads older than an acknowledged write"
COUNTERS = "counters with a repeated, lost or doubled increment"
# What findings of the checker stand for.
ROWS = {
    "acknowledged writes lost": ("lost",),
    "deletes undone": ("resurrected",),
    STALE: ("stale",),
    COUNTERS: ("repeated", "backwards", "miscounted"),
    "keys that differ between nodes or protocols": ("differs",),
    "other wrong answers": ("alien", "executed though refused", "unreadable"),
}


@dataclass
class Judgement:
    """What the checker found in all rounds of a scenario, in keys."""

    faults: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    read: int = 0
    findings_told: int = 0

    def add(self, operations: list[Operation], finals: list[Operation], rules: Rules) -> bool:
        """Whether there was no fault in this round."""
        findings = check(operations, finals, rules)
        for what, count in summary(findings).items():
            self.faults[what] = self.faults.get(what, 0) + count
        self.acknowledged += sum(operation.is_write and operation.outcome is Outcome.OK for operation in operations)
        self.read += len(finals)
        self._tell(findings)
        return not findings

    def _tell(self, findings: list[Finding]):
        for finding in findings[:FINDINGS_TOLD_MAX - self.findings_told]:
            self.findings_told += 1
            print(f"  {finding}", file=sys.stderr)

    def checks(self, acknowledged_min: int, without: Iterable[str] = ()) -> list[Check]:
        """A row for each kind of fault but those that were not looked for. Without writes there is nothing to lose, so
        they are counted too."""
        rows: list[Check] = [Target("acknowledged writes that were looked for", self.acknowledged, acknowledged_min)]
        for what, faults in ROWS.items():
            if what in without:
                continue
            rows.append(Target(what, sum(self.faults.get(fault, 0) for fault in faults), 0, True))
        return rows


def worst(checks: list[Check]) -> Check:
    """Of the same check in each round: the first that failed, or else the one with the highest figure."""
    failed = next((check for check in checks if isinstance(check, Failed)), None)
    return failed or max(checks, key=lambda check: check.value)


def failed_requests(what: str, failed: list[Operation], refusals: int = 0) -> Target:
    """None may have failed; how they did is told on standard error."""
    causes: dict[str, int] = {}
    for operation in failed:
        cause = f"{operation.kind.value} at {operation.node}: {operation.detail}"
        causes[cause] = causes.get(cause, 0) + 1
    for cause, count in sorted(causes.items(), key=lambda entry: -entry[1])[:FINDINGS_TOLD_MAX]:
        print(f"  failed {count} times: {cause}", file=sys.stderr)
    if refusals:
        print(f"  refused connections: {refusals}", file=sys.stderr)
    return Target(what, len(failed) + refusals, 0, True)
