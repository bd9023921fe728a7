"""Slow attacks: what another client feels while slowhttptest holds a thousand connections, at tribe and at nginx.

The server has core 0; slowhttptest and the well-behaved client share core 1, on a loopback interface of their own with
packets of 1,500 bytes (scripts/soak). The client asks for a small value at a fixed rate. Rounds visit both servers in
turn; a mode's figure is the median of its rounds.
"""
import argparse
import csv
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import report
from http_client import Connection
from report import median
from servers import Nginx, Server, Tribe
from timed_client import TimedClient, percentile

SERVER_CORE, CLIENT_CORE = 0, 1
ATTACKERS_COUNT = 1_000
ATTACKERS_PER_SECOND = 500
REQUESTS_PER_SECOND = 500
RATIO_MAX = 2.0
# Fewer than this and the attack did not take place: the run proves nothing.
ATTACKERS_SHARE_MIN = 0.99
# More than the kernel keeps for a connection, so that the server has to hold on to the rest.
BIG_VALUE = b"x" * (4 << 20)


@dataclass
class Mode:
    name: str
    options: list[str]
    # What is attacked: "small", "big" or "upload" of `Victim`.
    path: str


MODES = [
    Mode("-H, slow headers", ["-H", "-i", "2"], "small"),
    Mode("-B, slow body", ["-B", "-i", "2", "-t", "PUT", "-s", "65536"], "upload"),
    Mode("-R, ranges", ["-R", "-a", "1", "-b", "1000", "-t", "HEAD"], "big"),
    Mode("-X, slow read", ["-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32"], "big"),
]


@dataclass
class Victim:
    server: Server
    paths: dict[str, str]


@dataclass
class Finding:
    p99: dict[str, list[float]] = field(default_factory=dict)
    attackers: dict[str, list[int]] = field(default_factory=dict)


class NoAttack(Exception):
    """slowhttptest did not open its connections."""


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--runs", type=int, default=3, help="rounds; the result is their median (3)")
    parser.add_argument("--seconds", type=int, default=20, help="of each attack (20)")


def prove(arguments: argparse.Namespace) -> tuple[str, bool]:
    os.sched_setaffinity(0, {CLIENT_CORE})
    with Tribe(str(SERVER_CORE)) as tribe, Nginx(str(SERVER_CORE)) as nginx:
        victims = [prepare_tribe(tribe), prepare_nginx(nginx)]
        findings = [examine(mode, victims, arguments) for mode in MODES]
    rows = []
    is_clean = True
    for mode, finding in zip(MODES, findings):
        ours, theirs = median(finding.p99["tribe"]), median(finding.p99["nginx"])
        is_clean = is_clean and ours / theirs < RATIO_MAX
        rows.append([mode.name, f"{ours * 1000:.2f}", f"{theirs * 1000:.2f}", f"{ours / theirs:.2f}",
                     f"{min(finding.attackers['tribe'])} / {min(finding.attackers['nginx'])}"])
    heading = (f"p99 of a client with {REQUESTS_PER_SECOND} requests/s under attack by {ATTACKERS_COUNT} connections, "
               f"which must stay under {RATIO_MAX:g} times that at nginx:")
    columns = ["slowhttptest", "p99 at tribe, ms", "p99 at nginx, ms", "ratio", "attackers, tribe / nginx"]
    return f"{heading}\n\n{report.table(columns, rows)}", is_clean


def prepare_tribe(server: Tribe) -> Victim:
    paths = {name: f"/v1/cache/slow:{name}" for name in ("small", "big", "upload")}
    with Connection(server.port) as connection:
        for name, value in (("small", b"x" * 100), ("big", BIG_VALUE)):
            answer = connection.request("PUT", paths[name], {}, value)
            if answer.status != 201:
                raise RuntimeError(f"PUT {paths[name]}: {answer.status} {answer.body!r}")
    return Victim(server, paths)


def prepare_nginx(server: Nginx) -> Victim:
    (server.files / "big").write_bytes(BIG_VALUE)
    return Victim(server, {"small": "/", "big": "/files/big", "upload": "/files/upload"})


def examine(mode: Mode, victims: list[Victim], arguments: argparse.Namespace) -> Finding:
    finding = Finding()
    for index in range(arguments.runs):
        for victim in victims:
            name = victim.server.name
            p99, attackers = attack(mode, victim, arguments.seconds)
            finding.p99.setdefault(name, []).append(p99)
            finding.attackers.setdefault(name, []).append(attackers)
            print(f"round {index + 1}: {mode.name} at {name}, p99 {p99 * 1000:.2f} ms, {attackers} attackers",
                  file=sys.stderr)
    return finding


def attack(mode: Mode, victim: Victim, seconds: int) -> tuple[float, int]:
    """The client's p99 during the attack, and how many connections the attack opened in all."""
    statistics = victim.server.folder / "slowhttptest"
    attackers: list[int] = []
    client = TimedClient(victim.server.port, victim.paths["small"])
    thread = threading.Thread(target=lambda: attackers.extend(attack_for(seconds, mode, victim, statistics)))
    thread.start()
    found = client.latencies(REQUESTS_PER_SECOND, seconds)
    thread.join()
    client.close()
    if sum(attackers) < ATTACKERS_COUNT * ATTACKERS_SHARE_MIN:
        raise NoAttack(f"{mode.name} at {victim.server.name}: {attackers} of {ATTACKERS_COUNT} connections")
    return percentile(found, 0.99), sum(attackers)


def attack_for(seconds: int, mode: Mode, victim: Victim, statistics: Path) -> list[int]:
    """Attacks again as soon as all attackers have been served or closed; the connections of each attack."""
    attackers = []
    end = time.monotonic() + seconds
    while (left := round(end - time.monotonic())) > 0:
        url = f"http://127.0.0.1:{victim.server.port}{victim.paths[mode.path]}"
        subprocess.run(
            ["slowhttptest", *mode.options, "-c", str(ATTACKERS_COUNT), "-r", str(ATTACKERS_PER_SECOND),
             "-l", str(left), "-u", url, "-g", "-o", str(statistics), "-v", "0"],
            stdout=subprocess.DEVNULL, check=True, timeout=seconds + 60)
        attackers.append(opened(statistics.with_suffix(".csv")))
    return attackers


def opened(file: Path) -> int:
    """The most connections that were open or had been closed at one time."""
    with file.open() as lines:
        return max(int(row["Connected"]) + int(row["Closed"]) for row in csv.DictReader(lines, skipinitialspace=True))
