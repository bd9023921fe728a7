"""A fourth node by editing cluster.json on one node, under reads of 100,000 keys; then back to three likewise."""
import time

from chaos import requests, results, view
from chaos.checker import Rules
from chaos.history import Kind, Operation, Outcome
from chaos.load import Load
from chaos.reading import read_all
from chaos.results import Check, Failed, Judgement
from chaos.stage import REPLICAS, Stage, say
from cluster import ClusterMember, tribe
from report import Target
from resp_client import OK, RESPConnection
from timed_client import percentile

KEYS = 100_000
CONNECTIONS = 16
RATE = 1_500
QUIET_SECONDS = 6
MEMBER_SECONDS_MAX, BALANCED_SECONDS_MAX = 5, 30
# Of all copies: a fourth node has a quarter of them, and no others need move.
MOVED_SHARE_MAX = 1.1 / 4
P99_RATIO_MAX = 3
BATCH = 1_000


def run(is_short: bool) -> tuple[str, bool]:
    keys = KEYS // 10 if is_short else KEYS
    judgement = Judgement()
    with Stage() as stage:
        first = stage.until_home("every partition at home at the start", 30)
        plan = stage.plan("grow", connections=CONNECTIONS, rate=RATE, keys=keys, counters=0, weights={Kind.GET: 1},
                          first_serial=keys + 1)
        written = fill(stage.nodes, plan.all_keys())
        before = owners(stage.nodes[0])
        with Load(plan) as load:
            time.sleep(QUIET_SECONDS)
            grown = time.monotonic()
            fourth = add_node(stage)
            member = stage.until(lambda: is_member(stage, fourth), "a fourth member", MEMBER_SECONDS_MAX, grown)
            balanced = stage.until_home("balanced over four nodes", BALANCED_SECONDS_MAX, grown)
            done = time.monotonic()
            time.sleep(3)
            recording = load.stop()
        after = owners(stage.nodes[0])
        say(f"four nodes after {done - grown:.1f} s")
        finals = read_all(stage.nodes, plan.all_keys())
        judgement.add(written + recording.operations, finals, Rules([], REPLICAS))
        with Load(plan) as load:
            edited = time.monotonic()
            remove_node(stage, fourth)
            shrunk = stage.until_home("back on three nodes", 60, edited)
            if fourth.process.poll() is None:
                fourth.stop()
            time.sleep(3)
            shrinking = load.stop()
        finals = read_all(stage.nodes, plan.all_keys())
        judgement.add(written + shrinking.operations, finals, Rules([], REPLICAS))
        fourth.discard()
    names = {node.id for node in stage.nodes}
    quiet = percentile([one.seconds for one in recording.operations if one.end < grown], 0.99)
    moving = percentile([one.seconds for one in recording.operations if grown <= one.start < done], 0.99)
    recording.extend(shrinking)
    checks: list[Check] = [
        first, member, balanced, moved_share(before, after),
        results.failed_requests("failed requests", recording.failed(names), len(recording.refusals)),
        Target("misses", sum(one.value is None for one in recording.operations if one.outcome is Outcome.OK), 0, True),
        Target("p99 while it grows / before", moving / quiet, P99_RATIO_MAX, True),
        shrunk, *judgement.checks(keys, without=[results.COUNTERS])]
    heading = (f"{keys:,} keys of {requests.VALUE_BYTES} bytes; {CONNECTIONS} connections to each of n1 to n3, {RATE} "
               f"GET/s in all. p99 {quiet * 1_000:.1f} ms before, {moving * 1_000:.1f} ms while it grows.")
    return results.told(checks, heading)


def fill(nodes: list[ClusterMember], keys: list[str]) -> list[Operation]:
    """Writes every key, through each node in turn, over RESP; how many copies such an answer names it does not say."""
    written = []
    for start in range(0, len(keys), BATCH):
        node = nodes[start // BATCH % len(nodes)]
        batch = list(enumerate(keys[start:start + BATCH], start + 1))
        began = time.monotonic()
        with RESPConnection(node.entry["resp"], node.entry["host"]) as client:
            replies = client.pipeline(["SET", key, requests.body_of(serial)] for serial, key in batch)
        now = time.monotonic()
        for (serial, key), reply in zip(batch, replies):
            outcome = Outcome.OK if reply == OK else Outcome.UNKNOWN
            written.append(Operation(key, Kind.PUT, serial, began, now, outcome, node.id, now, REPLICAS,
                                     detail="" if reply == OK else str(reply)))
    return written


def add_node(stage: Stage) -> ClusterMember:
    """It is started with the new file, which is then given to n1 alone."""
    fourth = ClusterMember("n4")
    stage.cluster.add(fourth)
    stage.cluster.give_settings(fourth)
    fourth.start()
    reload(stage)
    return fourth


def remove_node(stage: Stage, node: ClusterMember):
    stage.nodes.remove(node)
    stage.cluster.generation += 1
    reload(stage)


def reload(stage: Stage):
    first = stage.nodes[0]
    stage.cluster.give_settings(first)
    result = tribe("reload", "--url", first.url, "--timeout", "30s")
    if result.returncode != 0:
        say(f"tribe reload ended with {result.returncode}: {result.stderr.strip()}")


def is_member(stage: Stage, fourth: ClusterMember) -> bool:
    return all(node.states().get(fourth.id) == "alive" for node in stage.nodes)


def owners(node: ClusterMember) -> list[set[str]] | Failed:
    """Who has a complete copy of each partition."""
    try:
        return view.look(node).complete
    except view.Untold as error:
        return Failed("owners", str(error))


def moved_share(before: list[set[str]] | Failed, after: list[set[str]] | Failed) -> Check:
    what = "share of the copies that moved"
    for side in (before, after):
        if isinstance(side, Failed):
            return Failed(what, side.why)
    moved = sum(len(new - old) for old, new in zip(before, after))
    return Target(what, moved / sum(map(len, after)), MOVED_SHARE_MAX, True)
