"""scripts/chaos [NAME...] [--short]: plays scenarios on real nodes and judges what a recording client was answered.

Without a name all of them. Results go into docs/chaos.md, those of --short only to the terminal. Exits with 1 if a
check failed; what this machine does not allow is reported as not shown.
"""
import argparse
import importlib
import sys
import time
import traceback

import report
from chaos.results import Failed, told
from chaos.stage import say
from servers import raise_descriptor_limit

# The name of a scenario, its module and its function.
SCENARIOS = {
    "kill": "kills.run",
    "pause-short": "pauses.run_short",
    "pause-long": "pauses.run_long",
    "split": "links.run_split",
    "link": "links.run_cut",
    "loss": "links.run_loss",
    "rolling": "restarts.run",
    "grow": "growth.run",
    "clock": "clocks.run",
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"scenarios, of {', '.join(SCENARIOS)} (all)")
    parser.add_argument("--short", action="store_true", help="fewer rounds; docs/chaos.md stays as it is")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - SCENARIOS.keys():
        parser.error(f"no such scenario: {', '.join(sorted(unknown))} (there are {', '.join(SCENARIOS)})")
    return arguments


def play(name: str, is_short: bool) -> tuple[str, bool]:
    module, function = SCENARIOS[name].split(".")
    try:
        return getattr(importlib.import_module(f"chaos.{module}"), function)(is_short)
    except Exception as error:
        # A node that does not start, a client that cannot go on: the scenario has shown nothing.
        traceback.print_exc()
        return told([Failed("the scenario is played to its end", f"{type(error).__name__}: {error}"[:300])])


def main() -> int:
    arguments = parse_arguments()
    raise_descriptor_limit()
    verdicts = {}
    for name in arguments.names or SCENARIOS:
        say(f"== {name}")
        began = time.monotonic()
        text, verdicts[name] = play(name, arguments.short)
        section = report.section(f"scripts/chaos {name}{' --short' if arguments.short else ''}", text)
        verdict = "passed" if verdicts[name] else "FAILED"
        print(f"== {name}: {verdict} in {time.monotonic() - began:.0f} s\n\n{section}\n", flush=True)
        if not arguments.short:
            report.write_section("chaos.md", name, section)
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
