"""ThreadSanitizer: the unit tests, then the integration tests against an instrumented server, but for those that weigh
its memory, most of which is then the sanitizer's, or that look into the program as it is shipped."""
import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import report
from servers import REPOSITORY

SCRATCH = ".build-tsan"
WARNING = "WARNING: ThreadSanitizer"
# Swift 6.3.1 emits invalid code when it compiles some files of Services for this sanitizer in one batch.
FLAGS = ["--sanitize=thread", "--scratch-path", SCRATCH, "-Xswiftc", "-disable-batch-mode"]
# Pure cores: values of one thread, which take ten times as long when each of their accesses is watched.
CORES = "|".join([
    r"ClusterTests\.(JobPlacement|Placement|RendezvousScores|Membership|Roster|ClusterCore|LocalHealth|LinkTable)",
    "SimulatorTests"])


@dataclass
class Outcome:
    tests: str
    races: int
    exit_code: int

    @property
    def is_clean(self) -> bool:
        return self.exit_code == 0 and self.races == 0 and self.tests != "0"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--suite", dest="part", choices=SUITES, help="only this one, which is printed only (both)")


def prove(arguments: argparse.Namespace) -> tuple[str, bool]:
    names = [arguments.part] if arguments.part else list(SUITES)
    outcomes = {name: SUITES[name]() for name in names}
    rows = [[f"{name} tests", outcome.tests, str(outcome.races),
             "clean" if outcome.is_clean else f"exit {outcome.exit_code}"] for name, outcome in outcomes.items()]
    is_clean = all(outcome.is_clean for outcome in outcomes.values())
    return report.table(["suite", "tests passed", "data races", "result"], rows), is_clean


def run_unit_tests() -> Outcome:
    log, exit_code = run(["swift", "test", *FLAGS, "--skip", CORES], "unit")
    passed = re.search(r"Test run with (\d+) tests?.* passed", log)
    return Outcome(passed[1] if passed else "0", log.count(WARNING), exit_code)


def run_integration_tests() -> Outcome:
    subprocess.run(["swift", "build", *FLAGS, "--product", "tribe"], cwd=REPOSITORY, stdout=sys.stderr, check=True)
    reports = REPOSITORY / SCRATCH / "races"
    # A server that saw a race ends with 66 instead of 0, and its test fails.
    log, exit_code = run(
        [str(REPOSITORY / ".build-python/bin/python"), "-m", "pytest", "-q", "-m", "not memory and not release",
         "Tests/Integration"], "integration",
        TRIBE_BINARY=str(REPOSITORY / SCRATCH / "debug/tribe"), TSAN_OPTIONS=f"exitcode=66 log_path={reports}")
    races = sum(file.read_text(errors="replace").count(WARNING) for file in reports.parent.glob("races.*"))
    passed = re.search(r"(\d+) passed", log)
    return Outcome(passed[1] if passed else "0", races, exit_code)


def run(command: list[str], name: str, **environment: str) -> tuple[str, int]:
    """Runs a suite; its output goes to a file that is named if it fails."""
    file = REPOSITORY / SCRATCH / f"{name}.log"
    file.parent.mkdir(exist_ok=True)
    for stale in Path(REPOSITORY / SCRATCH).glob("races.*"):
        stale.unlink()
    with file.open("w") as output:
        result = subprocess.run(command, cwd=REPOSITORY, env=os.environ | environment, stdout=output, stderr=output)
    if result.returncode != 0:
        print(f"{name} tests failed: {file}", file=sys.stderr)
    return file.read_text(errors="replace"), result.returncode


SUITES = {"unit": run_unit_tests, "integration": run_integration_tests}
