"""TLS on one core: tribe beside nginx, with the same certificate, versions and ciphers.

Requests: wrk keeps its connections and asks for 100 bytes over TLS 1.3. Handshakes: the same with a connection for each
request; tickets are of no use to wrk, so every handshake is a full one. Idle connections: resident memory of each.
"""
import argparse
import socket
import ssl
import sys
import tempfile
import time
from pathlib import Path

import bench_connections
import report
import wrk
from bench_http import CLIENT_CORE, SERVER_CORE, TRIBE_PATH, VALUE, Contestant, result_table
from certificates import Certificate
from http_client import Connection
from report import Target, median
from servers import Nginx, Server, Tribe

KIB_MAX = 40
WARM_UP_SECONDS = 1


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--runs", type=int, default=5, help="rounds; the result is their median (5)")
    parser.add_argument("--seconds", type=int, default=8, help="of each run (8)")
    parser.add_argument("--count", type=int, default=10_000, help="idle connections (10000)")
    parser.add_argument("--idle", type=float, default=30, help="seconds that they are idle (30)")


def measure(arguments: argparse.Namespace) -> tuple[str, list[Target]]:
    with tempfile.TemporaryDirectory() as folder:
        certificate = Certificate(Path(folder))
        load, load_targets = measure_load(arguments, certificate)
        idle, idle_targets = measure_idle(arguments, certificate)
    return f"{load}\n\n{idle}", load_targets + idle_targets


def measure_load(arguments: argparse.Namespace, certificate: Certificate) -> tuple[str, list[Target]]:
    with Tribe(SERVER_CORE, tls=certificate) as tribe, Nginx(SERVER_CORE, VALUE, tls=certificate) as nginx:
        with Connection(tribe.port, tls=certificate.client()) as connection:
            connection.request("PUT", TRIBE_PATH, {}, VALUE.encode())
        agreed = {server.name: check(server, path, certificate) for server, path in
                  [(tribe, TRIBE_PATH), (nginx, "/value")]}
        if agreed["tribe"] != agreed["nginx"]:
            raise wrk.LoadError(f"not the same TLS: {agreed}")
        closing = 'wrk.headers["Connection"] = "close"\n'
        contestants = [
            Contestant("tribe GET", tribe, TRIBE_PATH), Contestant("nginx GET", nginx, "/value"),
            Contestant("tribe handshake and GET", tribe, TRIBE_PATH, closing),
            Contestant("nginx handshake and GET", nginx, "/value", closing),
        ]
        loads = run_rounds(contestants, arguments)
    rate = {name: median([load.rate for load in runs]) for name, runs in loads.items()}
    cost = {name: median([load.cpu_microseconds for load in runs]) for name, runs in loads.items()}
    targets = [
        Target("GET over TLS 1.3, tribe / nginx", rate["tribe GET"] / rate["nginx GET"], 0.9),
        Target("CPU per handshake, tribe / nginx", cost["tribe handshake and GET"] / cost["nginx handshake and GET"],
               1.2, is_max=True),
    ]
    heading = (f"One core, {wrk.CONNECTIONS} connections, values of {len(VALUE)} bytes, {agreed['tribe']}, P-256 key. "
               "wrk does its half of each handshake on the other core:")
    return f"{heading}\n\n{result_table(loads)}", targets


def check(server: Server, path: str, certificate: Certificate) -> str:
    """What the server answers is right; the version and the cipher that were agreed on."""
    with Connection(server.port, tls=certificate.client()) as connection:
        response = connection.request("GET", path)
        if response.status != 200 or response.body != VALUE.encode():
            raise wrk.LoadError(f"{server.name} answers {response.status} {response.body!r}")
        return f"{connection.socket.version()} {connection.socket.cipher()[0]}"


def run_rounds(contestants: list[Contestant], arguments: argparse.Namespace) -> dict[str, list[wrk.Load]]:
    loads: dict[str, list[wrk.Load]] = {contestant.name: [] for contestant in contestants}
    for index in range(-1, arguments.runs):
        for entry in contestants:
            seconds = WARM_UP_SECONDS if index < 0 else arguments.seconds
            load = wrk.run(entry.server, entry.path, seconds, CLIENT_CORE, entry.script, is_secure=True)
            if index >= 0:
                loads[entry.name].append(load)
                figures = f"{load.rate:,.0f}/s, {load.cpu_microseconds:.2f} µs"
                print(f"round {index + 1}: {entry.name} {figures}", file=sys.stderr)
    return loads


def measure_idle(arguments: argparse.Namespace, certificate: Certificate) -> tuple[str, list[Target]]:
    limit = {"TRIBE_LIMITS_CONNECTIONS": str(arguments.count)}
    contestants = [
        ("tribe, HTTP", Tribe(SERVER_CORE, settings=limit, tls=certificate), False),
        ("tribe, RESP", Tribe(SERVER_CORE, settings=limit, tls=certificate), True),
        ("nginx", Nginx(SERVER_CORE, tls=certificate), False),
    ]
    costs = {}
    for name, server, speaks_resp in contestants:
        with server:
            costs[name] = hold(server, certificate, arguments, speaks_resp) / 1024
            print(f"{name}: {costs[name]:.2f} KiB", file=sys.stderr)
    heading = f"{arguments.count:,} TLS connections, served once, idle for {arguments.idle:g} s, and served again:"
    rows = [[name, f"{cost:.2f}"] for name, cost in costs.items()]
    targets = [Target(f"{name}, RSS per TLS connection", costs[name], KIB_MAX, True, " KiB")
               for name in ("tribe, HTTP", "tribe, RESP")]
    return f"{heading}\n\n{report.table(['', 'RSS per connection, KiB'], rows)}", targets


def hold(server: Server, certificate: Certificate, arguments: argparse.Namespace, speaks_resp: bool) -> float:
    """Resident bytes that one idle connection costs."""
    context = certificate.client()
    port = server.resp_port if speaks_resp else server.port

    def connect() -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        return context.wrap_socket(plain, server_hostname="localhost")

    with connect() as first:
        serve(first, speaks_resp)
    before = server.resident_bytes()
    connections: list[ssl.SSLSocket] = []
    try:
        for _ in range(arguments.count):
            connections.append(connect())
            serve(connections[-1], speaks_resp)
        # The idle time is the experiment: there is no condition to wait for.
        time.sleep(arguments.idle)
        cost = (server.resident_bytes() - before) / arguments.count
        for connection in connections:
            serve(connection, speaks_resp)
        return cost
    finally:
        for connection in connections:
            connection.close()


def serve(connection: ssl.SSLSocket, speaks_resp: bool):
    connection.sendall(b"PING\r\n" if speaks_resp else b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = connection.recv(65536)
    if not answer.startswith(b"+PONG\r\n" if speaks_resp else b"HTTP/1.1 200 "):
        raise bench_connections.ServiceError(f"{answer!r}")
