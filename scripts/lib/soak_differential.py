"""Differential test: the same 100,000 random commands to Tribe and to Redis 7, in RESP2 and RESP3, on 1 and 4 loops."""
import argparse
import random
import sys

import report
from differential import runner, shrinking


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--calls", type=int, default=100_000, help="commands of each run (100000)")
    parser.add_argument("--seed", type=int, help="to repeat a run (random)")
    parser.add_argument("--findings", type=int, default=20, help="different differences that end a run (20)")


def prove(arguments: argparse.Namespace) -> tuple[str, bool]:
    rows = []
    findings = []
    with runner.reference_server() as redis:
        for loops in (1, 4):
            with runner.tested_server(loops) as tribe:
                for protocol in (2, 3):
                    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
                    print(f"RESP{protocol}, {loops} loops: seed {seed}", file=sys.stderr)
                    result = runner.compare(tribe, redis, protocol, seed, arguments.calls, arguments.findings)
                    findings += [shrinking.describe(finding, shrinking.shrink(finding, tribe, redis))
                                 for finding in result.findings]
                    share = result.valid / (result.valid + result.invalid)
                    rows.append([f"RESP{protocol}, {loops} loops", str(seed), f"{result.calls:,}", f"{share:.0%}",
                                 str(len(result.findings))])
    print("\n".join(findings), file=sys.stderr)
    return report.table(["", "seed", "commands", "valid", "differences"], rows), not findings
