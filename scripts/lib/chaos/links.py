"""Nodes that are there but do not reach each other: a split, one cut link of three, lost packets, slow links."""
import time

from chaos import results
from chaos.checker import Rules, check
from chaos.history import Kind, Operation, Outcome
from chaos.load import Load, Recording
from chaos.pauses import changes, counted, reigns_of
from chaos.reading import read_all
from chaos.results import COUNTERS, STALE, Check, Failed, Judgement, NotShown
from chaos.stage import REPLICAS, Stage, network_fault
from network import Network
from report import Target

CONNECTIONS = 32
RATE = 1_200
KEYS = 600
# By then whoever is on the other side is unreachable: 4 s of silence, a takeover, and what was waiting.
SERVING_SECONDS = 6
EQUAL_SECONDS_MAX = 15
LOSS_PERCENT = 5


def in_a_network(what: str, play) -> tuple[str, bool]:
    """Plays on three hosts of their own, or says that this machine has none."""
    fault = network_fault()
    if fault is not None:
        return results.told([NotShown(what, fault)])
    with Network(3) as network, Stage(network) as stage:
        return play(stage, network)


# 2|1

def run_split(is_short: bool) -> tuple[str, bool]:
    return in_a_network("a split", lambda stage, network: split(stage, network, 9 if is_short else 20))


def split(stage: Stage, network: Network, seconds: int) -> tuple[str, bool]:
    first = stage.until_home("every partition at home at the start", 30)
    weights = {Kind.GET: 30, Kind.PUT: 50, Kind.DELETE: 20}
    before = stage.plan("split", connections=CONNECTIONS, rate=RATE, keys=KEYS, counters=0, weights=weights)
    with Load(before) as load:
        time.sleep(3)
        recording = load.stop()
    during = stage.plan("split", connections=CONNECTIONS, rate=RATE, keys=KEYS, counters=0, weights=weights,
                        first_serial=100_000_000)
    for host in (1, 2):
        network.cut(host, 3)
    try:
        cut = time.monotonic()
        with Load(during) as load:
            time.sleep(seconds)
            under = load.stop()
    finally:
        for host in (1, 2):
            network.heal(host, 3)
    healed = time.monotonic()
    recording.extend(under)
    rules = Rules([], REPLICAS, are_reads_checked=False)
    keys = before.all_keys()

    def are_equal() -> bool:
        finals = read_all(stage.nodes, keys, is_local_too=True)
        return not check(recording.operations, finals, rules)

    equal = stage.until(are_equal, "all copies equal, each at its newest write", EQUAL_SECONDS_MAX, healed)
    home = stage.until_home("every partition at home again after healing", since=healed)
    judgement = Judgement()
    judgement.add(recording.operations, read_all(stage.nodes, keys, is_local_too=True), rules)
    serving = cut + SERVING_SECONDS
    acknowledged = {node.id: sum(operation.is_write and operation.outcome is Outcome.OK and operation.node == node.id
                                 and operation.start >= serving for operation in under.operations)
                    for node in stage.nodes}
    names = set(acknowledged)
    checks: list[Check] = [
        first,
        Target(f"acknowledged writes of the least node after {SERVING_SECONDS} s", min(acknowledged.values()), 50),
        results.failed_requests(f"requests that failed after {SERVING_SECONDS} s", under.failed(names, serving)),
        equal, home, *judgement.checks(1_000, without=[STALE, COUNTERS])]
    early = len(under.failed(names)) - len(under.failed(names, serving))
    heading = (f"n1 and n2 apart from n3 for {seconds} s; {CONNECTIONS} connections to each node, {RATE} requests/s in "
               f"all, writes and deletes of the same {KEYS} keys on both sides. {early} requests failed in the first "
               f"{SERVING_SECONDS} s of the split.")
    return results.told(checks, heading)


# One link, loss

def run_cut(is_short: bool) -> tuple[str, bool]:
    seconds = 8 if is_short else 60

    def play(stage: Stage, network: Network) -> tuple[str, bool]:
        heading = f"n1 and n2 do not reach each other for {seconds} s, n3 reaches both"
        return disturbed(stage, heading, seconds, lambda: network.cut(1, 2), lambda: network.heal(1, 2))

    return in_a_network("a cut link", play)


def run_loss(is_short: bool) -> tuple[str, bool]:
    seconds = 8 if is_short else 30
    pairs = [(1, 2), (1, 3), (2, 3)]

    def play(stage: Stage, network: Network) -> tuple[str, bool]:
        heading = f"{LOSS_PERCENT} % of the packets between any two nodes are lost for {seconds} s"
        return disturbed(stage, heading, seconds, lambda: [network.lose(*pair, LOSS_PERCENT) for pair in pairs],
                         lambda: [network.heal(*pair) for pair in pairs])

    return in_a_network("lost packets", play)


def disturbed(stage: Stage, heading: str, seconds: int, begin, end) -> tuple[str, bool]:
    """What no client may notice, but for the time it takes: no failure, no takeover."""
    first = stage.until_home("every partition at home at the start", 30)
    before = reigns_of(stage.nodes[2])
    plan = stage.plan("links", connections=CONNECTIONS, rate=RATE)
    with Load(plan) as load:
        time.sleep(2)
        begin()
        try:
            time.sleep(seconds)
            after = reigns_of(stage.nodes[2])
        finally:
            end()
        ended = time.monotonic()
        time.sleep(3)
        recording = load.stop()
    home = stage.until_home("every partition whole and at home after it", since=ended)
    judgement = Judgement()
    finals = read_all(stage.nodes, plan.all_keys(), is_local_too=True)
    judgement.add(recording.operations, finals, Rules([], REPLICAS))
    rises = changes(before, after)
    checks: list[Check] = [
        first, counted("changes of reign", rises if isinstance(rises, Failed) else sum(map(abs, rises))),
        results.failed_requests("failed requests", failed(recording, stage), len(recording.refusals)),
        home, *judgement.checks(1_000)]
    worst = max(operation.seconds for operation in recording.operations)
    return results.told(checks, f"{heading}; {CONNECTIONS} connections to each node, {RATE} requests/s in all. "
                                f"The longest request took {worst:.2f} s.")


def failed(recording: Recording, stage: Stage) -> list[Operation]:
    return recording.failed({node.id for node in stage.nodes})
