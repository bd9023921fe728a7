"""Where the partitions are, as a node tells it: /v1/cluster/partitions, docs/http.md."""
from dataclasses import dataclass
from typing import Iterable

import placement
from cluster import ClusterMember
from http_client import BrokenAnswer


class Untold(Exception):
    """The node does not tell what is asked for."""


@dataclass
class View:
    node: str
    partitions: list[dict]

    def tell(self, name: str) -> list:
        """One field of all partitions, in their order."""
        try:
            return [partition[name] for partition in self.partitions]
        except KeyError:
            raise Untold(f"/v1/cluster/partitions does not tell `{name}`") from None

    @property
    def primaries(self) -> list[str]:
        return self.tell("primary")

    @property
    def reigns(self) -> list[int]:
        return self.tell("reign")

    @property
    def complete(self) -> list[set[str]]:
        return [set(nodes) for nodes in self.tell("complete")]

    @property
    def moving_count(self) -> int:
        return sum(map(bool, self.tell("moving")))


def look(node: ClusterMember) -> View:
    partitions = node.get("/v1/cluster/partitions")["partitions"]
    return View(node.id, sorted(partitions, key=lambda partition: partition["id"]))


def look_at(nodes: Iterable[ClusterMember]) -> list[View] | None:
    """The views of all of them, None while one cannot be asked."""
    try:
        return [look(node) for node in nodes]
    except (OSError, BrokenAnswer, AssertionError):
        return None


def are_whole(nodes: list[ClusterMember], replicas: int) -> bool:
    """Each partition has a primary that lives and as many complete copies as it can have, in the view of each node."""
    views = look_at(nodes)
    if views is None:
        return False
    living = {node.id for node in nodes}
    wanted = min(replicas, len(living))
    for view in views:
        for primary, complete in zip(view.primaries, view.complete):
            if primary not in living or len(complete & living) < wanted:
                return False
    return all(view.primaries == views[0].primaries for view in views)


def home(nodes: list[ClusterMember], replicas: int, cluster: str = "test") -> list[list[str]]:
    """The home owners of each partition, the primary first, by the other implementation of placement."""
    entries = sorted(({"id": node.id, "weight": 1, "zone": None} for node in nodes), key=lambda entry: entry["id"])
    table = placement.Table(entries, replicas, placement.xxh3(cluster.encode()))
    return [[entries[place]["id"] for place in table.home(number)] for number in range(placement.PARTITIONS)]


def are_home(nodes: list[ClusterMember], owners: list[list[str]]) -> bool:
    """Each partition is where it belongs, complete, and none moves, in the view of each node."""
    views = look_at(nodes)
    if views is None:
        return False
    return all(view.moving_count == 0 and view.primaries == [nodes[0] for nodes in owners]
               and view.complete == [set(nodes) for nodes in owners] for view in views)
