"""A rolling restart of all three nodes behind a load balancer: no request fails, no key is lost."""
import signal
import subprocess
import time

from chaos import results
from chaos.checker import Rules
from chaos.load import Load
from chaos.reading import read_all
from chaos.results import Check, Judgement, worst
from chaos.stage import REPLICAS, Stage, say
from cluster import ClusterMember
from http_client import BrokenAnswer, Connection
from report import Target

CONNECTIONS = 32
RATE = 1_500
# The balancer notices a drain within its 100 ms; a second more is what docs/operations.md recommends.
SETTINGS = {"limits": {"drainDelay": "1s"}}
EXIT_SECONDS = 60
READY_SECONDS = 60


def run(is_short: bool) -> tuple[str, bool]:
    judgement, exits, ready, home = Judgement(), [], [], []
    with Stage(settings=SETTINGS) as stage:
        first = stage.until_home("every partition at home at the start", 30)
        plan = stage.plan("rolling", connections=CONNECTIONS, rate=RATE, follows_readiness=True, seconds_max=400)
        with Load(plan) as load:
            time.sleep(3)
            # One node is no rolling restart, but shows most of it.
            for node in stage.nodes[:1] if is_short else stage.nodes:
                began = time.monotonic()
                exits.append(end(node))
                node.start()
                ready.append(stage.until(lambda: is_ready(node), "/readyz of a restarted node", READY_SECONDS))
                home.append(stage.until_home("every partition at home again after a restart"))
                say(f"{node.id} ended with {exits[-1]}, all in {time.monotonic() - began:.1f} s")
            time.sleep(2)
            recording = load.stop()
        finals = read_all(stage.nodes, plan.all_keys())
        judgement.add(recording.operations, finals, Rules([], REPLICAS))
        failed = recording.failed({node.id for node in stage.nodes})
    by_node = {node: sum(operation.node == node for operation in recording.operations) for node in ("n1", "n2", "n3")}
    checks: list[Check] = [
        first,
        results.failed_requests("failed requests at nodes in rotation", failed, len(recording.refusals)),
        Target("nodes that did not end with 0", sum(code != 0 for code in exits), 0, True),
        worst(ready), worst(home), Target("requests at the least asked node", min(by_node.values()), 500),
        *judgement.checks(3_000)]
    longest = max(operation.seconds for operation in recording.operations)
    heading = (f"{len(exits)} nodes restarted in turn; {CONNECTIONS} connections to each node in rotation, {RATE} "
               f"requests/s at most. The longest request took {longest:.2f} s.")
    return results.told(checks, heading)


def end(node: ClusterMember) -> int | None:
    """SIGTERM, and its exit code; None if it had to be killed."""
    node.process.send_signal(signal.SIGTERM)
    try:
        return node.process.wait(EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        node.kill()
        return None


def is_ready(node: ClusterMember) -> bool:
    try:
        with Connection(node.port, node.entry["host"]) as client:
            return client.request("GET", "/readyz").status == 200
    except (OSError, BrokenAnswer):
        return False
