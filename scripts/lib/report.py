"""Results as Markdown: tables, verdicts against targets, and sections of a document that a script rewrites."""
import datetime
import os
import platform
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from servers import REPOSITORY


@dataclass
class Target:
    """A promise about one figure. `is_max`: the figure may not be above `limit`; else it may not be below."""

    what: str
    value: float
    limit: float
    is_max: bool = False
    unit: str = ""

    @property
    def is_met(self) -> bool:
        return self.value <= self.limit if self.is_max else self.value >= self.limit

    def row(self) -> list[str]:
        sign = "≤" if self.is_max else "≥"
        verdict = "met" if self.is_met else "**missed**"
        return [self.what, f"{self.value:.2f}{self.unit}", f"{sign} {self.limit:g}{self.unit}", verdict]


def median(values) -> float:
    return statistics.median(values)


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def verdicts(targets: list[Target]) -> str:
    return table(["target", "measured", "limit", "verdict"], [target.row() for target in targets])


def section(command: str, *parts: str) -> str:
    """The text of a result: when, where and by what it was made, then its parts."""
    today = datetime.date.today().isoformat()
    origin = f"{today}, `{command}`, on {machine()}. Revision `{revision()}`."
    return "\n\n".join([origin, *parts])


def machine() -> str:
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, {system}, Linux {platform.release()}"


def revision() -> str:
    """The commit that was measured, with a plus sign if the sources differ from it."""
    git = ["git", "-C", str(REPOSITORY)]
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    changes = subprocess.run(
        [*git, "status", "--porcelain", "Sources", "Package.swift"], capture_output=True, text=True, check=True)
    return commit.stdout.strip() + ("+" if changes.stdout else "")


def write_section(document: str, name: str, text: str):
    """Replaces what stands between the two markers of `name` in a file of docs/."""
    file = REPOSITORY / "docs" / document
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, found_begin, rest = file.read_text().partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise RuntimeError(f"docs/{document} has no markers {begin} and {end}")
    file.write_text(f"{before}{begin}\n{text}\n{end}{after}")
