"""HTTP on one core: tribe beside nginx answering a constant and webdis over Redis.

The server has core 0, wrk core 1. All servers run the whole time and one is loaded at a time, in rounds that visit each
of them, so that a slow minute of the machine hits all alike. Redis shares core 0 with webdis, whose processor time is
that of both.
"""
import argparse
import os
import sys
from dataclasses import dataclass

import report
import wrk
from http_client import Connection
from report import Target, median
from servers import Nginx, Server, Tribe, Webdis

SERVER_CORE, CLIENT_CORE = "0", "1"
VALUE = "x" * 100
KEY = "bench:0000000001"
TRIBE_PATH = f"/v1/cache/{KEY}"
KEYS_COUNT = 1_000
WARM_UP_SECONDS = 1


@dataclass
class Contestant:
    name: str
    server: Server
    path: str
    script: str | None = None


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--runs", type=int, default=5, help="rounds; the result is their median (5)")
    parser.add_argument("--seconds", type=int, default=8, help="of each run (8)")


def measure(arguments: argparse.Namespace) -> tuple[str, list[Target]]:
    one_core, targets = measure_one_core(arguments)
    two_cores, more_targets = measure_two_cores(arguments)
    return f"{one_core}\n\n{two_cores}", targets + more_targets


def measure_one_core(arguments: argparse.Namespace) -> tuple[str, list[Target]]:
    with Tribe(SERVER_CORE) as tribe, Nginx(SERVER_CORE, VALUE) as nginx, Webdis(SERVER_CORE) as webdis:
        check_keeps_bodies_apart(tribe, TRIBE_PATH, TRIBE_PATH)
        check_keeps_bodies_apart(nginx, "/value", "/value")
        check_keeps_bodies_apart(webdis, f"/SET/{KEY}", f"/GET/{KEY}.txt")
        put = wrk.put_script(VALUE)
        contestants = [
            Contestant("tribe GET", tribe, TRIBE_PATH),
            Contestant("nginx GET", nginx, "/value"),
            Contestant("webdis GET", webdis, f"/GET/{KEY}.txt"),
            Contestant("tribe PUT", tribe, TRIBE_PATH, put),
            Contestant("nginx PUT", nginx, "/value", put),
        ]
        loads = run_rounds(contestants, arguments, CLIENT_CORE, threads=1)
    rate = {name: median([load.rate for load in runs]) for name, runs in loads.items()}
    targets = [
        Target("GET, tribe / nginx", rate["tribe GET"] / rate["nginx GET"], 0.95),
        Target("GET, tribe / webdis", rate["tribe GET"] / rate["webdis GET"], 2.0),
        Target("PUT, tribe / nginx", rate["tribe PUT"] / rate["nginx PUT"], 0.75),
    ]
    heading = f"One core, {wrk.CONNECTIONS} keep-alive connections, values of {len(VALUE)} bytes:"
    return f"{heading}\n\n{result_table(loads)}", targets


def measure_two_cores(arguments: argparse.Namespace) -> tuple[str, list[Target]]:
    """What the second loop costs: many keys, half of which belong to the loop that did not read the request."""
    has_more = (os.cpu_count() or 1) >= 4
    client_cores = "2-3" if has_more else "0-1"
    get = wrk.many_keys_script("/v1/cache/bench:", KEYS_COUNT)
    put = wrk.many_keys_script("/v1/cache/bench:", KEYS_COUNT, "PUT", VALUE)
    with Tribe(SERVER_CORE, loops=1) as one, Tribe("0-1", loops=2) as two:
        for server in (one, two):
            store_keys(server)
        contestants = [
            Contestant("one loop GET", one, "/", get), Contestant("two loops GET", two, "/", get),
            Contestant("one loop PUT", one, "/", put), Contestant("two loops PUT", two, "/", put),
        ]
        loads = run_rounds(contestants, arguments, client_cores, threads=2)
    cost = {name: median([load.cpu_microseconds for load in runs]) for name, runs in loads.items()}
    ratio = cost["two loops GET"] / cost["one loop GET"]
    targets = [Target("GET, CPU per request, two loops / one", ratio, 1.15, is_max=True)]
    place = "on cores of its own" if has_more else "on the same two cores"
    heading = f"Two loops on two cores, {KEYS_COUNT} keys in turn, wrk {place}, so that CPU per request is what counts:"
    return f"{heading}\n\n{result_table(loads)}", targets


def check_keeps_bodies_apart(server: Server, put_path: str, get_path: str):
    """One connection, a PUT and then a GET: the value comes back, and the body was read, not taken for a request."""
    with Connection(server.port) as connection:
        put = connection.request("PUT", put_path, {"Content-Type": "text/plain"}, VALUE.encode())
        get = connection.request("GET", get_path)
    if put.status not in (200, 201, 204) or get.status != 200 or get.body != VALUE.encode():
        raise wrk.LoadError(f"{server.name} answers PUT with {put.status} and GET with {get.status} {get.body!r}")


def store_keys(server: Server):
    with Connection(server.port) as connection:
        for index in range(1, KEYS_COUNT + 1):
            answer = connection.request("PUT", f"/v1/cache/bench:{index}", {}, VALUE.encode())
            if answer.status != 201:
                raise wrk.LoadError(f"PUT of key {index}: {answer.status} {answer.body!r}")


def run_rounds(contestants: list[Contestant], arguments: argparse.Namespace, cores: str,
               threads: int) -> dict[str, list[wrk.Load]]:
    loads: dict[str, list[wrk.Load]] = {contestant.name: [] for contestant in contestants}
    for entry in contestants:
        wrk.run(entry.server, entry.path, WARM_UP_SECONDS, cores, entry.script, threads)
    for index in range(arguments.runs):
        for entry in contestants:
            load = wrk.run(entry.server, entry.path, arguments.seconds, cores, entry.script, threads)
            loads[entry.name].append(load)
            figures = f"{load.rate:,.0f}/s, {load.cpu_microseconds:.2f} µs"
            print(f"round {index + 1}: {entry.name} {figures}", file=sys.stderr)
    return loads


def result_table(loads: dict[str, list[wrk.Load]]) -> str:
    rows = []
    for name, runs in loads.items():
        rates = [load.rate for load in runs]
        rows.append([
            name, f"{median(rates):,.0f}", f"{min(rates):,.0f} to {max(rates):,.0f}",
            f"{median([load.cpu_microseconds for load in runs]):.2f}", f"{median([load.busy for load in runs]):.2f}",
            f"{median([load.p99_ms for load in runs]):.2f}"])
    return report.table(["", "requests/s", "range", "CPU µs/request", "cores busy", "p99 ms"], rows)
