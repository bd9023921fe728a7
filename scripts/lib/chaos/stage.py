"""Nodes that a scenario plays on: three of them on the loopback interface, or on hosts of their own."""
import subprocess
import sys
import time
from typing import Callable

from chaos import view
from chaos.load import Plan, Target as LoadTarget
from chaos.results import Check, Failed
from cluster import Cluster, ClusterMember
from network import Network
from report import Target

REPLICAS = 2
SETTINGS = {"insecure": True, "cache": {"memory": "256MiB"}, "replicas": REPLICAS}
# What a cluster may take until all is where it belongs; the checks that are about that have limits of their own.
SETTLE_SECONDS = 60
LOOK_SECONDS = 0.1


class Stage:
    """`with Stage() as stage`: the nodes run, and are ended at the end whatever has become of them."""

    def __init__(self, network: Network | None = None, settings: dict | None = None):
        self.cluster = Cluster(0, SETTINGS | (settings or {}))
        for number in (1, 2, 3):
            if network is None:
                self.cluster.nodes.append(ClusterMember(f"n{number}"))
            else:
                hosts = {"host": network.address(number)}
                self.cluster.nodes.append(ClusterMember(f"n{number}", hosts, network.inside(number)))
        # Said once: without what a node does not tell, each wait would fail alike.
        self.untold: str | None = None

    @property
    def nodes(self) -> list[ClusterMember]:
        return self.cluster.nodes

    def __enter__(self):
        try:
            for node in self.nodes:
                self.cluster.give_settings(node)
                node.start()
            self.cluster.wait_until_well(20)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.cluster.end()

    def plan(self, name: str, nodes: list[ClusterMember] | None = None, **more) -> Plan:
        targets = tuple(LoadTarget(node.id, node.entry["host"], node.port) for node in nodes or self.nodes)
        return Plan(name, targets, **more)

    # What is waited for

    def until(self, condition: Callable[[], bool], what: str, seconds: float, since: float | None = None) -> Check:
        """Seconds until it is so, as a check that it was within `seconds`; the clock runs from `since`."""
        began = time.monotonic() if since is None else since
        try:
            while not condition():
                if time.monotonic() - began > seconds:
                    return Failed(what, f"not within {seconds:g} s")
                time.sleep(LOOK_SECONDS)
        except view.Untold as error:
            self.untold = str(error)
            return Failed(what, str(error))
        return Target(what, time.monotonic() - began, seconds, True, " s")

    def until_whole(self, what: str, seconds: float, since: float | None = None) -> Check:
        running = self.cluster.running()
        return self.until(lambda: view.are_whole(running, REPLICAS), what, seconds, since)

    def until_home(self, what: str, seconds: float = SETTLE_SECONDS, since: float | None = None) -> Check:
        owners = view.home(self.nodes, REPLICAS)
        return self.until(lambda: view.are_home(self.nodes, owners), what, seconds, since)


def say(text: str):
    print(text, file=sys.stderr, flush=True)


def network_fault() -> str | None:
    """Why this machine cannot play on hosts of their own, None if it can."""
    try:
        with Network(2) as network:
            network.cut(1, 2)
            network.heal(1, 2)
    except FileNotFoundError as error:
        return f"{error.filename} is missing"
    except subprocess.CalledProcessError as error:
        return f"`{' '.join(error.cmd)}`: {error.stderr.strip()}"
    return None
