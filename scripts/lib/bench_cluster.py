"""Three nodes of tribe beside Redis Cluster 7, three masters and three replicas: any node's reads, writes held twice.

Both clusters run the whole time and one is loaded at a time, in rounds that visit each kind of load, so that a slow
minute of the machine hits all alike. With fewer than four cores all processes of a cluster share one, and the load
generator has another; else each node of tribe, and each master with a replica of another, has its own.
"""
import argparse
import binascii
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import report
from cluster import Cluster
from http_client import Connection
from report import Target, median
from resp_client import OK, RESPConnection
from servers import Redis, free_port, pinned
from waiting import wait_until

CONNECTIONS = 150
VALUE_BYTES = 100
KEYS_COUNT = 100_000
BATCH = 1_000
NODES = 3
SLOTS = 16_384
SOURCE = Path(__file__).parent / "cluster_load/cluster_load.c"
# The port for other nodes is 10,000 above that for clients.
REDIS_PORT_MAX = 65_535 - 10_000

HAS_CORES = (os.cpu_count() or 1) > NODES
CLIENT_CORE = str(NODES) if HAS_CORES else "1"


class BenchmarkError(Exception):
    """A cluster or the load generator did not do what it should: its figures mean nothing."""


@dataclass
class Load:
    rate: float
    cpu_microseconds: float
    busy: float
    median_ms: float
    p99_ms: float
    redirected: float
    # Errors and misses, of which there may be none.
    wrong: int


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--runs", type=int, default=5, help="rounds; the result is their median (5)")
    parser.add_argument("--seconds", type=float, default=5, help="of each run (5)")


def core(number: int) -> str:
    """Of a node's processes."""
    return str(number % NODES) if HAS_CORES else "0"


class TribeCluster:
    name = "tribe"

    def __init__(self):
        self.cluster = Cluster(NODES, {"cache": {"memory": "256MiB"}, "replicas": 2})
        for number, node in enumerate(self.cluster.nodes):
            node.cores = core(number)

    def __enter__(self):
        try:
            self.cluster.start()
        except BaseException:
            self.cluster.end()
            raise
        return self

    def __exit__(self, *_):
        self.cluster.end()

    @property
    def ports(self) -> list[int]:
        return [node.entry["resp"] for node in self.cluster.nodes]

    def cpu_seconds(self) -> float:
        return sum(node.cpu_seconds() for node in self.cluster.nodes)

    def slots(self) -> str:
        return ""

    def port_of(self, key: str) -> int:
        return self.ports[0]


class RedisCluster:
    """Masters first; the replica of each has the core of another."""

    name = "redis"

    def __init__(self):
        options = {"cluster-enabled": "yes", "cluster-config-file": "nodes.conf", "maxmemory": "256mb"}
        self.servers = [Redis(core(number + number // NODES), options) for number in range(2 * NODES)]
        for server in self.servers:
            while server.port > REDIS_PORT_MAX:
                server.port = free_port()
        self.owners = [0] * SLOTS

    def __enter__(self):
        try:
            for server in self.servers:
                server.start()
            self._join()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _join(self):
        addresses = [f"127.0.0.1:{server.port}" for server in self.servers]
        command = ["redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if result.returncode != 0:
            raise BenchmarkError(f"redis-cli --cluster create: {result.stdout[-1_000:]}{result.stderr}")
        wait_until(self._is_well, "the Redis cluster is well", 30)
        with RESPConnection(self.servers[0].port) as client:
            self.ranges = [(first, last, master[1]) for first, last, master, *_ in client.call("CLUSTER", "SLOTS")]
        for first, last, port in self.ranges:
            self.owners[first:last + 1] = [port] * (last + 1 - first)
        self.masters = sorted({port for _, _, port in self.ranges})

    def _is_well(self) -> bool:
        for server in self.servers:
            with RESPConnection(server.port) as client:
                if b"cluster_state:ok" not in client.call("CLUSTER", "INFO"):
                    return False
                replication = client.call("INFO", "replication")
                if b"connected_slaves:1" not in replication and b"master_link_status:up" not in replication:
                    return False
        return True

    def __exit__(self, *_):
        for server in self.servers:
            if server.process is not None and server.process.poll() is None:
                server.kill()
            server.discard()

    @property
    def ports(self) -> list[int]:
        return self.masters

    def cpu_seconds(self) -> float:
        return sum(server.cpu_seconds() for server in self.servers)

    def slots(self) -> str:
        return "".join(f"{first} {last} {port}\n" for first, last, port in self.ranges)

    def port_of(self, key: str) -> int:
        return self.owners[binascii.crc_hqx(key.encode(), 0) % SLOTS]


# Name in the table, cluster, mode of the load generator.
KINDS = [
    ("tribe GET, any node", "tribe", "get"),
    ("redis GET, any node, follows MOVED", "redis", "get-moved"),
    ("redis GET, slot-aware", "redis", "get-slots"),
    ("tribe SET, any node, acks=1", "tribe", "set"),
    ("redis SET and WAIT 1, slot-aware", "redis", "set-wait-slots"),
]


def measure(arguments: argparse.Namespace) -> tuple[str, list[Target]]:
    loads: dict[str, list[Load]] = {name: [] for name, _, _ in KINDS}
    with TribeCluster() as tribe, RedisCluster() as redis:
        generator = build(tribe.cluster.nodes[0].folder)
        clusters = {"tribe": tribe, "redis": redis}
        for each in clusters.values():
            fill(each)
        copies = copies_of_a_write(tribe)
        for index in range(arguments.runs):
            for name, which, mode in KINDS:
                load = run(generator, clusters[which], mode, arguments.seconds, index + 1)
                loads[name].append(load)
                print(f"round {index + 1}: {name} {load.rate:,.0f}/s, {load.cpu_microseconds:.2f} µs, "
                      f"{load.busy:.2f} cores, {load.wrong} wrong", file=sys.stderr)
    place = "each node on a core of its own" if HAS_CORES else "all of a cluster's processes on core 0"
    heading = (f"{CONNECTIONS} connections, values of {VALUE_BYTES} bytes, {KEYS_COUNT:,} keys at random; {place}, the "
               f"load generator on core {CLIENT_CORE}:")
    return f"{heading}\n\n{result_table(loads)}", targets(loads, copies)


def build(folder: Path) -> Path:
    program = folder / "cluster_load"
    subprocess.run(["clang", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE], check=True)
    return program


def fill(each: TribeCluster | RedisCluster):
    by_port: dict[int, list[str]] = {}
    for number in range(KEYS_COUNT):
        key = f"key:{number:012}"
        by_port.setdefault(each.port_of(key), []).append(key)
    for port, keys in by_port.items():
        with RESPConnection(port) as client:
            for start in range(0, len(keys), BATCH):
                replies = client.pipeline(["SET", key, "x" * VALUE_BYTES] for key in keys[start:start + BATCH])
                if wrong := [reply for reply in replies if reply != OK]:
                    raise BenchmarkError(f"{each.name} answers SET with {wrong[0]}")


def copies_of_a_write(tribe: TribeCluster) -> int:
    """The fewest that an answer at any node names: RESP does not say, and takes the same default."""
    named = []
    for node in tribe.cluster.nodes:
        with Connection(node.port) as client:
            for number in range(20):
                answer = client.request("PUT", f"/v1/cache/held:{number}", {}, b"x" * VALUE_BYTES)
                named.append(int((answer.get("X-Tribe-Copies") or "0").partition("/")[0]))
    return min(named)


def run(generator: Path, each: TribeCluster | RedisCluster, mode: str, seconds: float, seed: int) -> Load:
    command = [str(generator), mode, str(CONNECTIONS), str(seconds), str(KEYS_COUNT), str(VALUE_BYTES), str(seed)]
    before = each.cpu_seconds()
    result = subprocess.run(pinned([*command, *map(str, each.ports)], CLIENT_CORE), input=each.slots(),
                            capture_output=True, text=True, timeout=seconds + 60)
    cpu = each.cpu_seconds() - before
    if result.returncode != 0:
        raise BenchmarkError(f"{each.name}, {mode}: {result.stderr}")
    counted, measured, total, redirected, errors, misses, middle, p99 = map(float, result.stdout.split())
    rate = counted / measured
    return Load(rate, cpu / total * 1e6, cpu / (total / rate), middle / 1_000, p99 / 1_000, redirected / total,
                int(errors + misses))


def targets(loads: dict[str, list[Load]], copies: int) -> list[Target]:
    rates = [median([load.rate for load in loads[name]]) for name, _, _ in KINDS]
    wrong = sum(load.wrong for runs in loads.values() for load in runs)
    return [
        Target("reads, tribe at any node / redis at any node", rates[0] / rates[1], 1),
        Target("writes held twice, tribe / redis", rates[3] / rates[4], 1),
        Target("copies of a write at tribe", copies, 2),
        Target("errors and misses", wrong, 0, True),
    ]


def result_table(loads: dict[str, list[Load]]) -> str:
    rows = []
    for name, runs in loads.items():
        rates = [load.rate for load in runs]
        rows.append([
            name, f"{median(rates):,.0f}", f"{min(rates):,.0f} to {max(rates):,.0f}",
            f"{median([load.cpu_microseconds for load in runs]):.2f}", f"{median([load.busy for load in runs]):.2f}",
            f"{median([load.median_ms for load in runs]):.2f}", f"{median([load.p99_ms for load in runs]):.2f}",
            f"{median([load.redirected for load in runs]):.2f}"])
    head = ["", "commands/s", "range", "CPU µs/command", "cores busy", "median ms", "p99 ms", "redirected"]
    return report.table(head, rows)
