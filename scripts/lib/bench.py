"""scripts/bench NAME: measures one promise, prints the result as Markdown, and fails if a target is missed."""
import argparse
import sys

import bench_cluster
import bench_connections
import bench_http
import bench_memory
import bench_resp
import bench_tls
import bench_upstash
import report
from servers import raise_descriptor_limit

BENCHES = {"http": bench_http, "resp": bench_resp, "upstash": bench_upstash, "memory": bench_memory,
           "connections": bench_connections, "tls": bench_tls, "cluster": bench_cluster}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, bench in BENCHES.items():
        summary = bench.__doc__.partition("\n")[0]
        subparser = names.add_parser(name, help=summary, description=summary)
        bench.add_arguments(subparser)
        subparser.add_argument("--write", action="store_true", help="put the result into docs/benchmarks.md")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    raise_descriptor_limit()
    result, targets = BENCHES[arguments.name].measure(arguments)
    words = [word for word in sys.argv[1:] if word != "--write"]
    text = report.section(" ".join(["scripts/bench", *words]), result, report.verdicts(targets))
    print(text)
    if arguments.write:
        report.write_section("benchmarks.md", arguments.name, text)
    return 0 if all(target.is_met for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
