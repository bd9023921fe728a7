"""Fuzzing: libFuzzer with AddressSanitizer on every decoder that reads bytes of a stranger."""
import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import report
from servers import REPOSITORY

SCRATCH = ".build-fuzz"
# Each target with the folder of Tests/Corpus that it starts from.
TARGETS = {"FuzzFrames": "frames", "FuzzHTTPGate": "http", "FuzzJSON": "json", "FuzzRESP": "resp"}
# An input that takes longer is a hang, which is a finding like a crash.
INPUT_SECONDS_MAX = 10


@dataclass
class Outcome:
    executions: int
    seconds: float
    edges: str
    fault: str | None


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--runs", type=int, default=10_000_000, help="executions of each target (10000000)")
    parser.add_argument("--target", dest="part", action="append", choices=TARGETS,
                        help="only this one; may be given again, and is printed only (all)")


def prove(arguments: argparse.Namespace) -> tuple[str, bool]:
    rows = []
    is_clean = True
    for target in arguments.part or TARGETS:
        outcome = fuzz(build(target), target, REPOSITORY / "Tests/Corpus" / TARGETS[target], arguments.runs)
        is_clean = is_clean and outcome.fault is None
        rows.append([target, f"{outcome.executions:,}", f"{outcome.seconds:,.0f}", outcome.edges,
                     outcome.fault or "no crash, no hang"])
    return report.table(["target", "executions", "seconds", "edges reached", "finding"], rows), is_clean


def build(target: str) -> Path:
    command = ["swift", "build", "-c", "release", "--sanitize=fuzzer", "--sanitize=address", "--scratch-path", SCRATCH]
    environment = os.environ | {"TRIBE_FUZZ": "1"}
    # The linker warns about each symbol of the sanitizer; what it says is shown only if it fails.
    result = subprocess.run([*command, "--product", target], cwd=REPOSITORY, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode != 0:
        print(result.stdout, file=sys.stderr)
        raise RuntimeError(f"{target} does not build")
    folder = subprocess.run([*command, "--show-bin-path"], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE,
                            text=True, check=True)
    return Path(folder.stdout.strip()) / target


def fuzz(binary: Path, target: str, seeds: Path, runs: int) -> Outcome:
    # What it finds on the way is kept, so that the next run starts further on.
    found = REPOSITORY / SCRATCH / "corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    log = REPOSITORY / SCRATCH / f"{target}.log"
    started = time.monotonic()
    with log.open("w") as output:
        result = subprocess.run(
            [binary, f"-runs={runs}", f"-timeout={INPUT_SECONDS_MAX}", "-print_final_stats=1",
             f"-artifact_prefix={REPOSITORY / SCRATCH}/{target}-", found, seeds],
            stdout=output, stderr=output)
    seconds = time.monotonic() - started
    return read_log(log.read_text(errors="replace"), result.returncode, seconds, runs)


def read_log(log: str, exit_code: int, seconds: float, runs: int) -> Outcome:
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", log)
    executions = int(executed[1]) if executed else 0
    edges = re.findall(r"\bcov: (\d+)", log)
    fault = None
    if exit_code != 0:
        artifact = re.search(r"Test unit written to (\S+)", log)
        summary = re.search(r"^SUMMARY: (.*)$", log, re.MULTILINE)
        fault = f"{summary[1] if summary else f'exit {exit_code}'} ({artifact[1] if artifact else 'no input kept'})"
    elif executions < runs:
        fault = "stopped early"
    return Outcome(executions, seconds, edges[-1] if edges else "none", fault)
