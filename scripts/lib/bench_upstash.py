"""The Upstash front on one core: its requests beside the plain HTTP GET of the same value, and pipelines of them.

The server has core 0, wrk core 1. One node serves all of it; what is measured is what a command in JSON costs beside a
path and a header, so the runs are interleaved.
"""
import argparse
import base64
import json

import bench_http
import wrk
from bench_http import CLIENT_CORE, KEY, SERVER_CORE, TRIBE_PATH, VALUE, Contestant
from http_client import Connection
from report import Target, median
from servers import Tribe

PIPELINE_LENGTH = 50
RATIO_MIN = 0.6


def add_arguments(parser: argparse.ArgumentParser):
    bench_http.add_arguments(parser)


def measure(arguments: argparse.Namespace) -> tuple[str, list[Target]]:
    get = ["GET", KEY]
    with Tribe(SERVER_CORE) as tribe:
        check(tribe, get)
        contestants = [
            Contestant("HTTP GET", tribe, TRIBE_PATH),
            Contestant("POST / GET, base64", tribe, "/", post_script(get)),
            Contestant("POST / GET, text", tribe, "/", post_script(get, is_base64=False)),
            Contestant("GET /get/{key}", tribe, f"/get/{KEY}"),
            Contestant("POST / SET", tribe, "/", post_script(["SET", KEY, VALUE])),
            Contestant(f"pipeline of {PIPELINE_LENGTH} GET", tribe, "/pipeline", post_script([get] * PIPELINE_LENGTH)),
        ]
        loads = bench_http.run_rounds(contestants, arguments, CLIENT_CORE, threads=1)
    rate = {name: median([load.rate for load in runs]) for name, runs in loads.items()}
    targets = [Target("POST / GET / HTTP GET", rate["POST / GET, base64"] / rate["HTTP GET"], RATIO_MIN)]
    heading = f"One core, {wrk.CONNECTIONS} keep-alive connections, a value of {len(VALUE)} bytes:"
    return f"{heading}\n\n{bench_http.result_table(loads)}", targets


def check(tribe: Tribe, get: list[str]):
    """The value that HTTP stores is what the front reads."""
    with Connection(tribe.port) as connection:
        connection.request("PUT", TRIBE_PATH, {"Content-Type": "text/plain"}, VALUE.encode())
        answer = connection.request("POST", "/", {"Upstash-Encoding": "base64"}, json.dumps(get).encode())
    if answer.status != 200 or base64.b64decode(answer.json()["result"]) != VALUE.encode():
        raise wrk.LoadError(f"{get} is answered with {answer.status} {answer.body!r}")


def post_script(body: list, is_base64: bool = True) -> str:
    """The same POST again and again, with the fields that a client of Upstash sends: wrk renders it once."""
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{json.dumps(body)}]==]",
             'wrk.headers["Content-Type"] = "application/json"', 'wrk.headers["Authorization"] = "Bearer token"']
    if is_base64:
        lines.append('wrk.headers["Upstash-Encoding"] = "base64"')
    return "\n".join(lines) + "\n"
