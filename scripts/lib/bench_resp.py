"""The Redis protocol on one core: tribe beside Redis 7, GET and SET, one at a time and 32 at once.

The server has core 0, redis-benchmark core 1. Both servers run the whole time and one is loaded at a time, in rounds
that visit both, so that a slow minute of the machine hits both alike.

With 32 commands at once redis-benchmark may be the one that cannot keep up: where the server's core is not busy, the
rate is that of the client, and says less than the processor time per command, which the table shows beside it.
"""
import argparse
import csv
import io
import subprocess
import sys
from dataclasses import dataclass

import report
from report import Target, median
from resp_client import RESPConnection
from servers import Redis, Server, Tribe

SERVER_CORE, CLIENT_CORE = "0", "1"
CONNECTIONS = 50
VALUE_BYTES = 100
KEYS_COUNT = 100_000
DEPTH = 32
# How many requests make a run of about the asked length, before the first run tells the rate.
FIRST_REQUESTS = {1: 20_000, DEPTH: 200_000}
# A server that is busy for less than this share of a run was not the limit.
BUSY_MIN = 0.9


@dataclass
class Load:
    rate: float
    p99_ms: float
    cpu_microseconds: float
    # Cores that the server kept busy.
    busy: float


class BenchmarkError(Exception):
    """redis-benchmark failed, or a command was answered with an error."""


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--runs", type=int, default=5, help="rounds; the result is their median (5)")
    parser.add_argument("--seconds", type=float, default=5, help="of each run, about (5)")


def measure(arguments: argparse.Namespace) -> tuple[str, list[Target]]:
    loads: dict[tuple[str, str, int], list[Load]] = {}
    with Tribe(SERVER_CORE, memory="1GiB") as tribe, Redis(SERVER_CORE) as redis:
        servers = [tribe, redis]
        for server in servers:
            fill(server)
        kinds = [(command, depth) for depth in (1, DEPTH) for command in ("GET", "SET")]
        requests = {(server.name, *kind): requests_for(server, *kind, arguments.seconds)
                    for server in servers for kind in kinds}
        for index in range(arguments.runs):
            for kind in kinds:
                for server in servers:
                    name = (server.name, *kind)
                    load = run(server, *kind, requests[name])
                    loads.setdefault(name, []).append(load)
                    print(f"round {index + 1}: {name} {load.rate:,.0f}/s, {load.cpu_microseconds:.2f} µs, "
                          f"{load.busy:.2f} cores", file=sys.stderr)
        for server in servers:
            check(server)
    heading = (f"One core, {CONNECTIONS} connections, values of {VALUE_BYTES} bytes, {KEYS_COUNT:,} keys at random; "
               f"depth is how many commands a connection sends at once:")
    return f"{heading}\n\n{result_table(loads)}\n\n{told_limit(loads)}", targets(loads)


def targets(loads: dict[tuple[str, str, int], list[Load]]) -> list[Target]:
    def ratio(command: str, depth: int) -> float:
        ours, theirs = (median([load.rate for load in loads[name, command, depth]]) for name in ("tribe", "redis"))
        return ours / theirs

    return [
        Target("GET, depth 1, tribe / redis", ratio("GET", 1), 0.97),
        Target("SET, depth 1, tribe / redis", ratio("SET", 1), 0.97),
        Target(f"GET, depth {DEPTH}, tribe / redis", ratio("GET", DEPTH), 1.15),
        Target(f"SET, depth {DEPTH}, tribe / redis", ratio("SET", DEPTH), 1.3),
    ]


def fill(server: Server):
    """The keys that redis-benchmark asks for: 12 digits in place of __rand_int__."""
    with RESPConnection(server.resp_port) as connection:
        for start in range(0, KEYS_COUNT, 1_000):
            connection.pipeline(["SET", f"key:{index:012}", "x" * VALUE_BYTES]
                                for index in range(start, start + 1_000))


def check(server: Server):
    """The keys are those that were meant, and have the values that the client wrote."""
    with RESPConnection(server.resp_port) as connection:
        size = connection.call("DBSIZE")
        values = connection.pipeline(["GET", f"key:{index:012}"] for index in range(0, KEYS_COUNT, 997))
    if size != KEYS_COUNT or any(value is None or len(value) != VALUE_BYTES for value in values):
        raise BenchmarkError(f"{server.name} has {size} keys, with values such as {values[0]!r}")


def requests_for(server: Server, command: str, depth: int, seconds: float) -> int:
    """How many requests take about so long; also warms up."""
    first = run(server, command, depth, FIRST_REQUESTS[depth])
    return max(FIRST_REQUESTS[depth], int(first.rate * seconds))


def run(server: Server, command: str, depth: int, requests: int) -> Load:
    busy_before = server.cpu_seconds()
    result = subprocess.run(
        ["taskset", "--cpu-list", CLIENT_CORE, "redis-benchmark", "-h", "127.0.0.1", "-p", str(server.resp_port),
         "-t", command.lower(), "-c", str(CONNECTIONS), "-n", str(requests), "-P", str(depth), "-d", str(VALUE_BYTES),
         "-r", str(KEYS_COUNT), "-e", "--csv"],
        capture_output=True, text=True, timeout=600)
    busy = server.cpu_seconds() - busy_before
    if result.returncode != 0 or "ERR" in result.stdout + result.stderr:
        raise BenchmarkError(f"{server.name}, {command}: {result}")
    row = next(csv.DictReader(io.StringIO(result.stdout[result.stdout.index('"test"'):])))
    rate = float(row["rps"])
    return Load(rate, float(row["p99_latency_ms"]), busy / requests * 1e6, busy / (requests / rate))


def result_table(loads: dict[tuple[str, str, int], list[Load]]) -> str:
    rows = []
    for (name, command, depth), runs in loads.items():
        rates = [load.rate for load in runs]
        rows.append([
            f"{name} {command}, depth {depth}", f"{median(rates):,.0f}", f"{min(rates):,.0f} to {max(rates):,.0f}",
            f"{median([load.cpu_microseconds for load in runs]):.2f}", f"{median([load.busy for load in runs]):.2f}",
            f"{median([load.p99_ms for load in runs]):.2f}"])
    return report.table(["", "commands/s", "range", "CPU µs/command", "cores busy", "p99 ms"], rows)


def told_limit(loads: dict[tuple[str, str, int], list[Load]]) -> str:
    """What the processor times say, and where the rates say less."""
    ratios = []
    for command, depth in [(command, depth) for name, command, depth in loads if name == "tribe"]:
        ours, theirs = (median([load.cpu_microseconds for load in loads[name, command, depth]])
                        for name in ("tribe", "redis"))
        ratios.append(f"{command} at depth {depth} {theirs / ours:.2f}")
    told = f"Commands per second of processor time, tribe / redis: {', '.join(ratios)}."
    idle = [f"{name} {command} at depth {depth}" for (name, command, depth), runs in loads.items()
            if median([load.busy for load in runs]) < BUSY_MIN]
    if not idle:
        return f"{told} The servers were the limit in every row."
    return f"{told} The client or the machine was the limit, not the server: {', '.join(idle)}."
