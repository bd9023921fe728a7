"""Membership: kills, pauses and a cut link, with real nodes on this machine.

Three nodes with the timings of `lan`. The cut link needs network namespaces and nft, and so root.
"""
import argparse
import random
import subprocess
import time

import report
from cluster import Cluster, ClusterMember
from network import Network
from waiting import wait_until

# A second beyond what a pause lasts, in which a suspicion that it caused would end.
SETTLE_SECONDS = 5


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--kills", type=int, default=20, help="kill -9 of a node (20)")
    parser.add_argument("--pauses", type=int, default=50, help="SIGSTOP of 1 s at random (50)")
    parser.add_argument("--long-pauses", type=int, default=5, help="SIGSTOP of 10 s (5)")
    parser.add_argument("--cut", type=int, default=60, help="seconds for which one link of three is cut (60)")
    parser.add_argument("--seed", type=int, default=1, help="of what is paused when (1)")


def prove(arguments: argparse.Namespace) -> tuple[str, bool]:
    targets = []
    cluster = Cluster(3)
    try:
        cluster.start()
        targets += kills(cluster, arguments.kills)
        targets += pauses(cluster, arguments.pauses, random.Random(arguments.seed))
        targets += long_pauses(cluster, arguments.long_pauses)
    finally:
        cluster.end()
    targets += cut_link(arguments.cut)
    return report.verdicts(targets), all(target.is_met for target in targets)


def kills(cluster: Cluster, count: int) -> list[report.Target]:
    """Seconds from the kill until the last survivor calls the node unreachable, by turns."""
    times = []
    for number in range(count):
        victim = cluster.nodes[number % len(cluster.nodes)]
        victim.kill()
        times.append(cluster.wait_until_seen(victim.id, "unreachable", cluster.others(victim)))
        victim.start()
        cluster.wait_until_well()
    return [report.Target(f"{count} kills: until every survivor knows, median", report.median(times), 1, True, " s"),
            report.Target(f"{count} kills: the same, worst", max(times), 1, True, " s")]


def declared(cluster: Cluster) -> int:
    """How often any node has called any other unreachable, by their logs."""
    return sum(line["message"] == "member is unreachable" for node in cluster.nodes for member in cluster.nodes
               for line in node.changes(member.id))


def pauses(cluster: Cluster, count: int, chance: random.Random) -> list[report.Target]:
    before = declared(cluster)
    for _ in range(count):
        victim = chance.choice(cluster.nodes)
        time.sleep(chance.uniform(0, 1))
        victim.pause()
        time.sleep(1)
        victim.resume()
    time.sleep(SETTLE_SECONDS)
    cluster.wait_until_well()
    return [report.Target(f"{count} pauses of 1 s: called unreachable", declared(cluster) - before, 0, True)]


def long_pauses(cluster: Cluster, count: int) -> list[report.Target]:
    gone, back, accused = [], [], 0
    for number in range(count):
        victim = cluster.nodes[number % len(cluster.nodes)]
        others = cluster.others(victim)
        own_before = len(victim.changes(others[0].id)) + len(victim.changes(others[1].id))
        began = time.monotonic()
        victim.pause()
        gone.append(cluster.wait_until_seen(victim.id, "unreachable", others))
        time.sleep(max(0.0, 10 - (time.monotonic() - began)))
        victim.resume()
        back.append(cluster.wait_until_seen(victim.id, "alive", others))
        cluster.wait_until_well()
        own = victim.changes(others[0].id) + victim.changes(others[1].id)
        accused += sum(line["message"] == "member is unreachable" for line in own[own_before:])
    return [report.Target(f"{count} pauses of 10 s: until unreachable, first", min(gone), 2.5, False, " s"),
            report.Target(f"{count} pauses of 10 s: the same, last", max(gone), 4, True, " s"),
            report.Target(f"{count} pauses of 10 s: alive after going on, worst", max(back), 1, True, " s"),
            report.Target(f"{count} pauses of 10 s: others it called unreachable", accused, 0, True)]


def cut_link(seconds: int) -> list[report.Target]:
    """Drops all that n1 and n2 send each other; both are heard by n3."""
    with Network(3) as network:
        cluster = Cluster(0, {"insecure": True})
        cluster.nodes = [ClusterMember(f"n{number}", {"host": network.address(number)}, network.inside(number))
                         for number in (1, 2, 3)]
        try:
            for node in cluster.nodes:
                cluster.give_settings(node)
                node.start()
            wait_until(cluster.is_well, "all members see each other alive", 20)
            network.cut(1, 2)
            worst = watch(cluster, seconds)
            network.heal(1, 2)
            wait_until(cluster.is_well, "all is well again", 20)
            return [report.Target(f"one of three links cut for {seconds} s: called unreachable", worst, 0, True)]
        finally:
            cluster.end()


def watch(cluster: Cluster, seconds: int) -> int:
    """How often a node was called unreachable in that time."""
    before = declared(cluster)
    try:
        subprocess.run(["sleep", str(seconds)], check=True)
    finally:
        after = declared(cluster)
    return after - before
