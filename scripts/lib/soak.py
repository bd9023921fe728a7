"""scripts/soak NAME: long proofs. Each writes what it found into docs/soak.md and fails if it found a fault."""
import argparse
import sys

import report
import soak_differential
import soak_fuzz
import soak_membership
import soak_slow
import soak_strangers
import soak_subscribers
import soak_torn
import soak_tsan
from servers import raise_descriptor_limit

SOAKS = {
    "slow": soak_slow, "fuzz": soak_fuzz, "tsan": soak_tsan, "differential": soak_differential, "torn": soak_torn,
    "subscribers": soak_subscribers, "membership": soak_membership, "strangers": soak_strangers}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, soak in SOAKS.items():
        summary = soak.__doc__.partition("\n")[0]
        subparser = names.add_parser(name, help=summary, description=summary)
        subparser.set_defaults(part=None)
        soak.add_arguments(subparser)
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    raise_descriptor_limit()
    result, is_clean = SOAKS[arguments.name].prove(arguments)
    text = report.section(" ".join(["scripts/soak", *sys.argv[1:]]), result)
    print(text)
    # A part of a proof does not stand for all of it.
    if not arguments.part:
        report.write_section("soak.md", arguments.name, text)
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
