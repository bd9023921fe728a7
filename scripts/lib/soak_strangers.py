"""Strangers: random and replayed bytes on the peer port of a cluster, whose memory, processor time and members stay."""
import argparse
import random
import socket
import ssl
import sys
import time
from dataclasses import dataclass
from typing import Callable

import report
from cluster import HOST, Cluster, ClusterMember

MIB = 1 << 20
# The first round has pages touched and tables grown; what the last has more than that is a leak.
GROWTH_MAX = 4 * MIB
# Processor time of a stranger in the last round, of that in the first.
COST_RATIO_MAX = 1.5
PAYLOAD_MAX = 20_000
IDLE_SECONDS = 5


@dataclass
class Round:
    """What a node had used when so many strangers had come and gone."""

    resident: int
    cpu_milliseconds_each: float


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--rounds", type=int, default=4, help="rounds (4)")
    parser.add_argument("--strangers", type=int, default=5_000, help="of each round (5000)")


def prove(arguments: argparse.Namespace) -> tuple[str, bool]:
    rows, is_clean = [], True
    for secret in (True, False):
        cluster = Cluster(3, secret=secret)
        try:
            cluster.start()
            node = cluster.nodes[0]
            idle_before = idle_share(node)
            rounds = [visit(node, arguments.strangers, seed) for seed in range(arguments.rounds)]
            idle_after = idle_share(node)
            states = set(node.states().values())
            events = [line for member in ("n2", "n3") for line in node.changes(member)
                      if line["message"] != "member is alive"]
        finally:
            cluster.end()
        first, last = rounds[0], rounds[-1]
        is_clean &= last.resident - first.resident <= GROWTH_MAX and states == {"alive"} and not events
        is_clean &= last.cpu_milliseconds_each <= COST_RATIO_MAX * first.cpu_milliseconds_each
        rows.append([
            "with a secret" if secret else "without", f"{arguments.rounds * arguments.strangers:,}",
            " ".join(f"{one.resident / MIB:.1f}" for one in rounds),
            " ".join(f"{one.cpu_milliseconds_each:.2f}" for one in rounds),
            f"{idle_before:.2f}; {idle_after:.2f}", "all alive" if not events else f"{len(events)} changes"])
        print(rows[-1], file=sys.stderr)
    head = ["peer port", "strangers", "RSS after each round, MiB", "CPU of each, ms", "idle CPU before; after, %",
            "members"]
    return report.table(head, rows), is_clean


def visit(node: ClusterMember, count: int, seed: int) -> Round:
    """Has so many connections made to the peer port, one after the other, each of which says what no peer says."""
    source = random.Random(seed)
    before = node.cpu_seconds()
    for number in range(count):
        call(node.entry["peer"], SAYINGS[number % len(SAYINGS)](source))
    return Round(node.resident_bytes(), (node.cpu_seconds() - before) / count * 1_000)


def call(port: int, words: bytes):
    """Sends them, and reads until the node has closed."""
    with socket.create_connection((HOST, port), timeout=30) as connection:
        try:
            connection.sendall(words)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 16):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass


def client_hello() -> bytes:
    """The first flight of a real TLS client, which has no key that the node knows."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


HELLO = client_hello()
SAYINGS: list[Callable[[random.Random], bytes]] = [
    lambda source: source.randbytes(source.randint(1, PAYLOAD_MAX)),
    lambda source: HELLO,
    lambda source: HELLO + source.randbytes(PAYLOAD_MAX),
    # A frame's header, as far as its length and type go, and nonsense behind it.
    lambda source: source.randint(0, 1 << 16).to_bytes(4, "little") + bytes([source.randint(0, 8)])
    + source.randbytes(PAYLOAD_MAX),
    lambda source: b"GET / HTTP/1.1\r\nHost: tribe\r\n\r\n",
]


def idle_share(node: ClusterMember) -> float:
    """Percent of a core that the node uses while nobody asks anything."""
    before, started = node.cpu_seconds(), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return 100 * (node.cpu_seconds() - before) / (time.monotonic() - started)
