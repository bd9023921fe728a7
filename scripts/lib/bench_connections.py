"""Ten thousand idle connections: resident memory of each, at tribe, nginx, memcached and Redis.

Every connection is served once, all stay idle for half a minute, memory is read, and every one is served again. Then
tribe, whose limit they reach, must answer one more connection, with 503 or an error, instead of a reset.
"""
import argparse
import socket
import sys
import time
from dataclasses import dataclass

import report
from http_client import Connection
from report import Target
from resp_client import RESPConnection
from servers import Memcached, Nginx, Redis, Server, Tribe

BYTES_MAX = 4096
CORE = "0"


@dataclass
class Contestant:
    name: str
    server: Server
    request: bytes
    # What the answer to `request` begins and ends with.
    begins: bytes
    ends: bytes
    speaks_resp: bool = False

    @property
    def port(self) -> int:
        return self.server.resp_port if self.speaks_resp else self.server.port


class ServiceError(Exception):
    """A connection was not served."""


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--count", type=int, default=10_000, help="connections (10000)")
    parser.add_argument("--seconds", type=float, default=30, help="that they are idle (30)")


def measure(arguments: argparse.Namespace) -> tuple[str, list[Target]]:
    limit = {"TRIBE_LIMITS_CONNECTIONS": str(arguments.count)}
    get = b"GET /%b HTTP/1.1\r\nHost: localhost\r\n\r\n"
    contestants = [
        Contestant("tribe, HTTP", Tribe(CORE, settings=limit), get % b"livez", b"HTTP/1.1 200 ", b""),
        Contestant("tribe, RESP", Tribe(CORE, settings=limit), b"PING\r\n", b"+PONG\r\n", b"+PONG\r\n", True),
        Contestant("nginx", Nginx(CORE), get % b"", b"HTTP/1.1 200 ", b"x" * 100),
        Contestant("memcached", Memcached(CORE), b"get absent\r\n", b"END\r\n", b"END\r\n"),
        Contestant("redis", Redis(CORE), b"PING\r\n", b"+PONG\r\n", b"+PONG\r\n"),
    ]
    rows = []
    costs = {}
    for contestant in contestants:
        with contestant.server as server:
            costs[contestant.name] = hold(contestant, arguments.count, arguments.seconds, isinstance(server, Tribe))
            rows.append([contestant.name, f"{costs[contestant.name] / 1024:.2f}"])
    result = f"{arguments.count:,} connections, each served once, idle for {arguments.seconds:g} s, each served again:"
    targets = [Target(f"{name}, RSS per connection", costs[name] / 1024, BYTES_MAX / 1024, True, " KiB")
               for name in ("tribe, HTTP", "tribe, RESP")]
    return f"{result}\n\n{report.table(['', 'RSS per connection, KiB'], rows)}", targets


def hold(contestant: Contestant, count: int, seconds: float, has_limit: bool) -> float:
    """Resident bytes that one idle connection costs."""
    server = contestant.server
    with socket.create_connection(("127.0.0.1", contestant.port)) as first:
        serve(contestant, first, 0)
    before = server.resident_bytes()
    connections: list[socket.socket] = []
    try:
        for index in range(count):
            connections.append(socket.create_connection(("127.0.0.1", contestant.port), timeout=20))
            serve(contestant, connections[-1], index)
        print(f"{contestant.name}: {count} connections, idle for {seconds:g} s", file=sys.stderr)
        # The idle time is the experiment: there is no condition to wait for.
        time.sleep(seconds)
        cost = (server.resident_bytes() - before) / count
        for index, connection in enumerate(connections):
            serve(contestant, connection, index)
        if has_limit:
            check_one_more_is_refused(contestant, count)
        return cost
    finally:
        for connection in connections:
            connection.close()


def serve(contestant: Contestant, connection: socket.socket, index: int):
    connection.settimeout(20)
    connection.sendall(contestant.request)
    answer = connection.recv(65536)
    if not (answer.startswith(contestant.begins) and answer.endswith(contestant.ends)):
        raise ServiceError(f"{contestant.name}, connection {index}: {answer!r}")


def check_one_more_is_refused(contestant: Contestant, count: int):
    if contestant.speaks_resp:
        with RESPConnection(contestant.port) as connection:
            told = connection.read_to_end()
        is_refused = told == b"-ERR max number of clients reached\r\n"
    else:
        with Connection(contestant.port) as connection:
            told = connection.request("GET", "/livez")
        is_refused = told.status == 503 and "retry-after" in told.headers
    if not is_refused:
        raise ServiceError(f"{contestant.name}, connection {count + 1} got {told}")
