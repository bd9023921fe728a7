"""Nodes whose clocks differ, by faketime: 300 ms are tolerated, an hour is refused and told."""
import shutil
import subprocess
import time

from chaos import results
from chaos.checker import Rules
from chaos.history import Outcome
from chaos.load import Load
from chaos.reading import read_all
from chaos.results import Check, Judgement, NotShown
from chaos.stage import REPLICAS, Stage
from cluster import ClusterMember
from report import Target

CONNECTIONS = 32
RATE = 1_200
TOLERATED_SECONDS = 0.3
CONDITION = "clock_ahead"


def run(is_short: bool) -> tuple[str, bool]:
    fault = faketime_fault()
    if fault is not None:
        return results.told([NotShown("clocks that differ", fault)])
    checks = tolerated(4 if is_short else 20) + refused(4 if is_short else 20)
    heading = f"n3 has another clock; {CONNECTIONS} connections to each node, {RATE} requests/s in all."
    return results.told(checks, heading)


def faketime_fault() -> str | None:
    """Why no process can be given another clock, None if one can. The clock of timers has to stay as it is."""
    if shutil.which("faketime") is None:
        return "faketime is not installed"
    result = subprocess.run([*wrong_clock("+1h"), "date", "+%s"], capture_output=True, text=True)
    ahead = int(result.stdout) - time.time() if result.returncode == 0 else 0
    return None if 3_500 < ahead < 3_700 else f"faketime does not change the clock: {result.stderr.strip()}"


def wrong_clock(offset: str) -> tuple[str, ...]:
    return ("env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1", "faketime", "-f", offset)


def set_clock(stage: Stage, node: ClusterMember, offset: str | None):
    """Starts it anew with that clock."""
    node.kill()
    node.prefix = wrong_clock(offset) if offset else ()
    node.start()
    stage.cluster.wait_until_well(20)


def tolerated(seconds: float) -> list[Check]:
    with Stage() as stage:
        set_clock(stage, stage.nodes[2], f"+{TOLERATED_SECONDS}s")
        first = stage.until_home("300 ms ahead: every partition at home", 60)
        plan = stage.plan("ahead", connections=CONNECTIONS, rate=RATE)
        with Load(plan) as load:
            time.sleep(seconds)
            recording = load.stop()
        told = [CONDITION in node.get("/v1/cluster")["conditions"] for node in stage.nodes]
        judgement = Judgement()
        # Whoever stamps is the primary, and there is one: the difference counts only where a role has moved.
        judgement.add(recording.operations, read_all(stage.nodes, plan.all_keys()), Rules([], REPLICAS))
        failed = recording.failed({node.id for node in stage.nodes})
    named = [named_so("300 ms ahead", check) for check in judgement.checks(500)]
    return [first, Target("300 ms ahead: nodes that tell `clock_ahead`", sum(told), 0, True),
            results.failed_requests("300 ms ahead: failed requests", failed), *named]


def refused(seconds: float) -> list[Check]:
    with Stage() as stage:
        wrong, others = stage.nodes[2], stage.nodes[:2]
        wrong.kill()
        wrong.prefix = wrong_clock("+1h")
        wrong.start()
        told = stage.until(lambda: all(CONDITION in node.get("/v1/cluster")["conditions"] for node in others),
                           "an hour ahead: the others tell `clock_ahead`", 15)
        plan = stage.plan("hour", connections=CONNECTIONS, rate=RATE)
        with Load(plan) as load:
            time.sleep(seconds)
            recording = load.stop()
        # With its own clock again nothing of the hour may be left: what is written now is newer than all before.
        wrong.kill()
        wrong.prefix = ()
        wrong.start()
        stage.cluster.wait_until_well(20)
        again = stage.plan("hour", others, connections=CONNECTIONS, rate=RATE, first_serial=100_000_000)
        with Load(again) as load:
            time.sleep(seconds)
            recording.extend(load.stop())
        home = stage.until_home("an hour ahead, and right again: every partition at home", 60)
        judgement = Judgement()
        rules = Rules([], REPLICAS, are_reads_checked=False)
        judgement.add(recording.operations, read_all(stage.nodes, plan.all_keys()), rules)
        accepted = [one for one in recording.operations
                    if one.node == wrong.id and one.is_write and one.outcome is Outcome.OK]
        failed = recording.failed({node.id for node in others})
    rows = judgement.checks(500, without=[results.STALE, results.COUNTERS])
    named = [named_so("an hour ahead", check) for check in rows]
    return [told, Target("an hour ahead: writes that its node took", len(accepted), 0, True),
            results.failed_requests("an hour ahead: failed requests at the others", failed), home, *named]


def named_so(prefix: str, check: Check) -> Check:
    check.what = f"{prefix}: {check.what}"
    return check
