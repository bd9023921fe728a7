"""Nodes that are stopped and go on: a second is no failure, ten are one takeover, and who wakes does nothing old."""
import random
import time
from dataclasses import dataclass

from chaos import requests, results, view
from chaos.checker import Rules
from chaos.history import Kind, Operation, Outcome
from chaos.load import EXECUTED_WITHIN_SECONDS, Load
from chaos.reading import read_all
from chaos.results import Check, Failed, Judgement
from chaos.stage import REPLICAS, Stage, say
from cluster import ClusterMember
from http_client import BrokenAnswer, Connection
from report import Target

RATE = 1_500
CONNECTIONS = 32
# How long after a pause a node may still refuse what came meanwhile.
WAKING_SECONDS = 2
BUFFERED = 60
BUFFERED_AT, ABANDONED_AT, REWRITTEN_AT = 1, 5, 6


def reigns_of(node: ClusterMember) -> list[tuple[str, int]] | Failed:
    try:
        seen = view.look(node)
        return list(zip(seen.primaries, seen.reigns))
    except view.Untold as error:
        return Failed("reigns", str(error))


def changes(before: list | Failed, after: list | Failed) -> list[int] | Failed:
    """Of each partition by how much its reign has risen."""
    for side in (before, after):
        if isinstance(side, Failed):
            return side
    return [new[1] - old[1] for old, new in zip(before, after)]


def counted(what: str, found: int | Failed, limit: int = 0) -> Check:
    return Failed(what, found.why) if isinstance(found, Failed) else Target(what, found, limit, True)


# A second

def run_short(is_short: bool) -> tuple[str, bool]:
    count = 3 if is_short else 10
    chance = random.Random(1)
    judgement = Judgement()
    pauses: list[tuple[str, float, float]] = []
    with Stage() as stage:
        first = stage.until_home("every partition at home at the start", 30)
        before = [reigns_of(node) for node in stage.nodes]
        plan = stage.plan("short", connections=CONNECTIONS, rate=RATE)
        with Load(plan) as load:
            for _ in range(count):
                victim = chance.choice(stage.nodes)
                time.sleep(chance.uniform(0.5, 2))
                began = time.monotonic()
                victim.pause()
                time.sleep(1)
                victim.resume()
                pauses.append((victim.id, began, time.monotonic()))
            time.sleep(3)
            recording = load.stop()
        after = [reigns_of(node) for node in stage.nodes]
        judgement.add(recording.operations, read_all(stage.nodes, plan.all_keys()), Rules([], REPLICAS))
    failed = [operation for operation in recording.failed(set(plan_nodes(stage))) if not is_excused(operation, pauses)]
    found = [changes(*pair) for pair in zip(before, after)]
    untold = next((one for one in found if isinstance(one, Failed)), None)
    checks = [
        first, counted("changes of reign", untold or sum(map(sum, found))),
        results.failed_requests("failed requests, but of the paused node", failed), *judgement.checks(count * 500)]
    heading = (f"{count} pauses of 1 s of nodes at random; {CONNECTIONS} connections to each node, {RATE} requests/s "
               f"in all.")
    return results.told(checks, heading)


def plan_nodes(stage: Stage) -> list[str]:
    return [node.id for node in stage.nodes]


def is_excused(operation: Operation, pauses: list[tuple[str, float, float]]) -> bool:
    """Asked of a node while it was stopped or woke: it may refuse that, for it mistrusts itself (Cache rule 11)."""
    return any(operation.node == node and operation.end >= began and operation.start <= ended + WAKING_SECONDS
               for node, began, ended in pauses)


# Ten seconds

@dataclass
class LongPause:
    operations: list[Operation]
    failed: list[Operation]
    # Partitions of the victim that were not taken over exactly once, and others whose reign changed.
    wrong_takeovers: int | Failed
    needless_changes: int | Failed
    executed_on_waking: int
    home: Check


def run_long(is_short: bool) -> tuple[str, bool]:
    count = 1 if is_short else 6
    judgement, rounds = Judgement(), []
    with Stage() as stage:
        first = stage.until_home("every partition at home at the start", 30)
        for number in range(count):
            victim = stage.nodes[number % len(stage.nodes)]
            rounds.append(pause_under_load(stage, number, victim))
            keys = sorted({operation.key for operation in rounds[-1].operations})
            judgement.add(rounds[-1].operations, read_all(stage.nodes, keys), Rules([], REPLICAS))
            say(f"pause {number + 1} of {victim.id}: {len(rounds[-1].operations)} requests, "
                f"{rounds[-1].wrong_takeovers} wrong takeovers, {rounds[-1].executed_on_waking} executed on waking")
    checks: list[Check] = [
        first,
        counted("partitions of the paused node not taken over exactly once", most(rounds, "wrong_takeovers")),
        counted("changes of reign of other partitions", most(rounds, "needless_changes")),
        results.failed_requests("failed requests at the other two", [one for each in rounds for one in each.failed]),
        counted("writes of the pause that the woken node executed", most(rounds, "executed_on_waking")),
        next((each.home for each in rounds if isinstance(each.home, Failed)), rounds[-1].home),
        *judgement.checks(count * 2_000)]
    heading = (f"{count} pauses of 10 s, each node in turn; {CONNECTIONS} connections to each node, {RATE} requests/s "
               f"in all. {BUFFERED} writes are left in the sockets of the paused node in each, half of them by clients "
               f"that go away, and made anew elsewhere {REWRITTEN_AT - BUFFERED_AT} s later.")
    return results.told(checks, heading)


def most(rounds: list[LongPause], name: str) -> int | Failed:
    values = [getattr(each, name) for each in rounds]
    return next((value for value in values if isinstance(value, Failed)), None) or sum(values)


def pause_under_load(stage: Stage, number: int, victim: ClusterMember) -> LongPause:
    others = [node for node in stage.nodes if node is not victim]
    plan = stage.plan(f"long{number}", connections=CONNECTIONS, rate=RATE, seed=number + 1)
    before = reigns_of(others[0])
    clients = [Connection(victim.port) for _ in range(BUFFERED)]
    with Load(plan) as load:
        time.sleep(2)
        began = time.monotonic()
        victim.pause()
        buffered = leave_writes(clients, f"{plan.name}:b", began)
        rewritten = write_anew(others[0], [write.key for write in buffered], began)
        sleep_until(began + 9.5)
        during = reigns_of(others[0])
        sleep_until(began + 10)
        victim.resume()
        ended = time.monotonic()
        buffered = read_answers(clients, buffered)
        time.sleep(WAKING_SECONDS + 1)
        recording = load.stop()
    home = stage.until_home("every partition at home again after the pause", since=ended)
    excused = [(victim.id, began, ended)]
    failed = [operation for operation in recording.failed(set(plan_nodes(stage))) if not is_excused(operation, excused)]
    wrong, needless = takeovers(before, during, victim.id)
    executed = sum(write.outcome is Outcome.OK for write in buffered)
    return LongPause(recording.operations + buffered + rewritten, failed, wrong, needless, executed, home)


def takeovers(before, during, victim: str) -> tuple[int | Failed, int | Failed]:
    rises = changes(before, during)
    if isinstance(rises, Failed):
        return rises, rises
    of_victim = [rise for (primary, _), rise in zip(before, rises) if primary == victim]
    of_others = [rise for (primary, _), rise in zip(before, rises) if primary != victim]
    return sum(rise != 1 for rise in of_victim), sum(rise != 0 for rise in of_others)


def sleep_until(moment: float):
    time.sleep(max(0.0, moment - time.monotonic()))


# Writes in the sockets of the paused node

def leave_writes(clients: list[Connection], prefix: str, began: float) -> list[Operation]:
    """Sends a write on each, to a node that is stopped. Half of the clients go away before it goes on."""
    sleep_until(began + BUFFERED_AT)
    left = []
    for place, client in enumerate(clients):
        key, serial = f"{prefix}{place}", 900_000_000 + place
        start = time.monotonic()
        client.send(requests.request(Kind.PUT, key, serial, None))
        left.append(Operation(key, Kind.PUT, serial, start, start, Outcome.UNKNOWN, "paused"))
    sleep_until(began + ABANDONED_AT)
    for client in clients[::2]:
        client.close()
    # Neither may be executed any more, for the node knows on waking that it slept: they are older than what follows.
    now = time.monotonic()
    return [write._replace(end=now, latest=now, detail="left in a socket") for write in left]


def write_anew(node: ClusterMember, keys: list[str], began: float) -> list[Operation]:
    sleep_until(began + REWRITTEN_AT)
    assert REWRITTEN_AT - BUFFERED_AT < EXECUTED_WITHIN_SECONDS
    written = []
    with Connection(node.port) as client:
        for place, key in enumerate(keys):
            serial, start = 910_000_000 + place, time.monotonic()
            client.send(requests.request(Kind.PUT, key, serial, None))
            answer = client.read_response()
            is_ok = answer.status in (201, 204)
            copies = int((answer.get("X-Tribe-Copies") or "0").partition("/")[0])
            end = time.monotonic()
            written.append(Operation(key, Kind.PUT, serial, start, end, Outcome.OK if is_ok else Outcome.UNKNOWN,
                                     node.id, end, copies, detail="" if is_ok else str(answer.status)))
    return written


def read_answers(clients: list[Connection], writes: list[Operation]) -> list[Operation]:
    """Of those who waited: a write that is acknowledged now was executed now; any other must not stand."""
    answered = list(writes)
    for place in range(1, len(clients), 2):
        try:
            status = clients[place].read_response().status
        except (OSError, BrokenAnswer):
            status = 0
        clients[place].close()
        now = time.monotonic()
        outcome = Outcome.OK if status in (201, 204) else Outcome.REFUSED
        answered[place] = writes[place]._replace(end=now, latest=now, outcome=outcome, detail=f"answered {status}")
    return answered
