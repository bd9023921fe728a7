"""kill -9 of any node while the other two are asked: no request fails there, nothing acknowledged is lost."""
import time

from chaos import results
from chaos.checker import Rules
from chaos.history import Healed, Kill, Kind, Operation, Outcome
from chaos.load import Load, Recording
from chaos.reading import read_all, settled
from chaos.results import Check, Failed, Judgement, worst
from chaos.stage import REPLICAS, Stage, say
from report import Target, median

CONNECTIONS = 64
RATE = 2_000
BEFORE_SECONDS, AFTER_SECONDS = 3, 7
PAUSE_SECONDS_MAX = 0.25
WHOLE_SECONDS_MAX = 60
WEIGHTS = {Kind.GET: 50, Kind.PUT: 40, Kind.DELETE: 5, Kind.INCREMENT: 5}
# Faulty rounds after which more of them would say nothing new.
FAULTY_ROUNDS_MAX = 3


def run(is_short: bool) -> tuple[str, bool]:
    count = 2 if is_short else 20
    judgement = Judgement()
    pauses, whole, others = [], [], []
    failed: list[Operation] = []
    kept: list[Operation] = []
    refusals, undercut, late, faulty, rounds = 0, 0, 0.0, 0, 0
    with Stage() as stage:
        first = stage.until_home("every partition at home at the start", 30)
        for number in range(count):
            victim = stage.nodes[number % len(stage.nodes)]
            survivors = [node for node in stage.nodes if node is not victim]
            recording, killed = kill_under_load(stage, number, victim, survivors)
            rounds += 1
            names = {node.id for node in survivors}
            asked = [operation for operation in recording.operations if operation.end >= killed]
            pauses.append(max(operation.seconds for operation in asked))
            late = max(late, recording.lag_max(killed - 1, killed + AFTER_SECONDS))
            failed += recording.failed(names)
            refusals += len(recording.refusals)
            undercut += sum(operation.kind is Kind.PUT and operation.outcome is Outcome.OK and operation.copies < 2
                            for operation in recording.operations)
            whole.append(stage.until_whole("a full set of copies again", WHOLE_SECONDS_MAX, killed))
            events = [Kill(killed)] + ([Healed(time.monotonic())] if whole[-1].is_met else [])
            keys = stage.plan(f"kill{number}").all_keys()
            is_clean = judgement.add(recording.operations, read_all(survivors, keys), Rules(events, REPLICAS))
            victim.start()
            others.append(stage.until_home("every partition at home again after the node's return"))
            finals = read_all(stage.nodes, keys)
            is_clean &= judgement.add(recording.operations, finals, Rules(events, REPLICAS))
            kept += settled(finals)
            say(f"kill {number + 1} of {victim.id}: {len(recording.operations)} requests, pause {pauses[-1]:.3f} s, "
                f"whole {figure(whole[-1])}, home {figure(others[-1])}")
            faulty += not is_clean
            if faulty >= FAULTY_ROUNDS_MAX:
                break
        # What was settled after its own round has to be there after all later ones.
        finals = read_all(stage.nodes, [operation.key for operation in kept])
        judgement.add(kept, finals, Rules([], REPLICAS))
    checks: list[Check] = [
        first,
        results.failed_requests("failed requests at survivors", failed, refusals),
        Target("PUT with `acks=1` answered with fewer than 2 copies", undercut, 0, True),
        Target(f"longest pause, median of {rounds} kills", median(pauses), PAUSE_SECONDS_MAX, True, " s"),
        worst(whole), worst(others), *judgement.checks(rounds * 1_000)]
    heading = (f"{rounds} kills, each node in turn; {CONNECTIONS} connections to each survivor, {RATE} requests/s, PUT "
               f"with `acks=1`. Longest pause of all {max(pauses):.3f} s; the client itself was late by {late:.3f} s "
               f"at most.")
    return results.told(checks, heading)


def kill_under_load(stage: Stage, number: int, victim, survivors) -> tuple[Recording, float]:
    plan = stage.plan(f"kill{number}", survivors, connections=CONNECTIONS, rate=RATE, weights=WEIGHTS, acks=1,
                      seed=number + 1)
    with Load(plan) as load:
        time.sleep(BEFORE_SECONDS)
        victim.kill()
        killed = time.monotonic()
        time.sleep(AFTER_SECONDS)
        return load.stop(), killed


def figure(check: Check) -> str:
    return check.why if isinstance(check, Failed) else f"{check.value:.1f} s"
