"""All keys of a history as each node answers them at the end, over HTTP and RESP."""
import time

from chaos import requests
from chaos.history import Kind, Operation, Outcome
from cluster import ClusterMember
from http_client import BrokenAnswer, Connection, render_request
from resp_client import BrokenReply, RESPConnection

# Requests that are sent at once; a node takes 1,024 before it has answered the first.
BATCH = 200
# The nearest copy, which need not be the primary.
LOCAL = "?consistency=local"


def read_all(nodes: list[ClusterMember], keys: list[str], is_local_too: bool = False) -> list[Operation]:
    """Of each key and node two reads, three with that of the nearest copy."""
    found = []
    for node in nodes:
        found += _read(_read_http, node, keys, "over HTTP")
        found += _read(_read_resp, node, keys, "over RESP")
        if is_local_too:
            found += _read(_read_local, node, keys, "of the nearest copy")
    return found


def _read(read_batch, node: ClusterMember, keys: list[str], how: str) -> list[Operation]:
    found = []
    for start in range(0, len(keys), BATCH):
        batch = keys[start:start + BATCH]
        began = time.monotonic()
        try:
            values = read_batch(node, batch)
        except (OSError, BrokenAnswer, BrokenReply) as error:
            values = [error] * len(batch)
        now = time.monotonic()
        for key, value in zip(batch, values):
            if isinstance(value, Exception):
                found.append(Operation(key, Kind.GET, None, began, now, Outcome.UNKNOWN, node.id,
                                       detail=f"{how}: {value}"))
            else:
                found.append(Operation(key, Kind.GET, value, began, now, Outcome.OK, node.id, detail=how))
    return found


def _read_http(node: ClusterMember, keys: list[str], query: str = "") -> list:
    values = []
    with Connection(node.port, node.entry["host"]) as client:
        client.send(b"".join(render_request("GET", f"/v1/cache/{key}{query}", client.host) for key in keys))
        for _ in keys:
            answer = client.read_response()
            if answer.status in (200, 404):
                values.append(requests.value_of(answer.body) if answer.status == 200 else None)
            else:
                values.append(RuntimeError(f"{answer.status} {answer.body[:200]!r}"))
    return values


def _read_local(node: ClusterMember, keys: list[str]) -> list:
    return _read_http(node, keys, LOCAL)


def _read_resp(node: ClusterMember, keys: list[str]) -> list:
    with RESPConnection(node.entry["resp"], node.entry["host"]) as client:
        replies = client.pipeline(["GET", key] for key in keys)
    return [reply if reply is None else requests.value_of(reply) if isinstance(reply, bytes)
            else RuntimeError(str(reply)) for reply in replies]


def settled(finals: list[Operation]) -> list[Operation]:
    """What was read at the end of a round, as writes that every copy has: the first operations of a later check."""
    by_key = {final.key: final for final in finals if final.outcome is Outcome.OK}
    return [final._replace(kind=Kind.DELETE if final.value is None else Kind.PUT, latest=final.end, copies=1_000)
            for final in by_key.values()]
