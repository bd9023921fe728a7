"""Torn reads: MSET and EXEC write groups of keys while MGET and EXEC read them, ten million times, on 4 loops."""
import argparse
import time

import report
import torn_reads
from servers import Tribe

LOOPS = 4


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--reads", type=int, default=10_000_000, help="in all (10000000)")


def prove(arguments: argparse.Namespace) -> tuple[str, bool]:
    with Tribe(loops=LOOPS) as server:
        started = time.monotonic()
        found = torn_reads.look_for(server.resp_port, arguments.reads)
        seconds = time.monotonic() - started
    rows = [[reading.kind, f"{reading.reads:,}", f"{reading.changes:,}", str(reading.torn)] for reading in found]
    table = report.table(["read by", "reads", "changes seen", "torn"], rows)
    rate = sum(reading.reads for reading in found) / seconds
    is_clean = all(reading.torn == 0 and reading.changes > 100 for reading in found)
    return f"{LOOPS} loops, {rate:,.0f} reads/s of 4 keys on several loops:\n\n{table}", is_clean
