"""Memory of a million entries of 16 + 64 bytes: tribe beside memcached and Redis, filled through their protocols."""
import argparse
import random
import sys
import time
from typing import Callable

import loader
import report
from http_client import Connection
from report import Target
from servers import Memcached, Redis, Server, Tribe
from waiting import wait_until

GROWTH_MAX = 150_000_000
SAMPLE_COUNT = 1_000
SETTLE_SECONDS = 10


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--entries", type=int, default=1_000_000, help="how many (1000000)")


def measure(arguments: argparse.Namespace) -> tuple[str, list[Target]]:
    contestants: list[tuple[Server, Callable[[int], bytes]]] = [
        (Tribe("0", memory="1GiB"), loader.http_put), (Memcached("0"), loader.memcached_set),
        (Redis("0"), loader.redis_set)]
    rows = []
    growths = {}
    for server, write in contestants:
        with server:
            growth, seconds = fill(server, arguments.entries, write)
            if isinstance(server, Tribe):
                check_sample(server, arguments.entries)
        growths[server.name] = growth
        payload = loader.KEY_LENGTH + loader.VALUE_LENGTH
        rows.append([server.name, f"{growth / 1e6:.1f}", f"{growth / arguments.entries - payload:.1f}",
                     f"{seconds:.1f}"])
    result = report.table(["", "RSS growth, MB", "bytes per entry beyond key and value", "seconds to fill"], rows)
    limit = GROWTH_MAX * arguments.entries / 1_000_000
    target = Target(f"RSS growth with {arguments.entries:,} entries", growths["tribe"] / 1e6, limit / 1e6, True, " MB")
    return result, [target]


def fill(server: Server, count: int, write: Callable[[int], bytes]) -> tuple[int, float]:
    """Bytes by which `server` grew, and the seconds that filling took."""
    # A first write, so that what a server sets up once is not counted against its entries.
    loader.fill(server.port, range(1), write)
    before = server.resident_bytes()
    started = time.monotonic()
    print(f"{server.name}: filling", file=sys.stderr)
    loader.fill(server.port, range(1, count), write)
    seconds = time.monotonic() - started
    return settled_memory(server) - before, seconds


def settled_memory(server: Server) -> int:
    """Resident bytes once they no longer change: tables may still be growing into place."""
    previous = 0

    def is_settled() -> bool:
        nonlocal previous
        last, previous = previous, server.resident_bytes()
        return last == previous

    try:
        wait_until(is_settled, "memory settles", SETTLE_SECONDS, interval=1)
    except TimeoutError:
        pass
    return previous


def check_sample(server: Server, count: int):
    """Nothing was evicted or mixed up: random keys have their values."""
    with Connection(server.port) as connection:
        for index in random.Random(1).sample(range(count), min(SAMPLE_COUNT, count)):
            answer = connection.request("GET", "/v1/cache/" + loader.key(index).decode())
            if answer.status != 200 or answer.body != loader.value(index):
                raise loader.LoaderError(f"key {index}: {answer.status} {answer.body!r}")
