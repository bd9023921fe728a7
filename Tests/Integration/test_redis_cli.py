"""redis-cli and redis-benchmark, unmodified, against a node with one loop and one with four."""
import json
import re
import subprocess

import pytest

from resp_client import Error, RESPConnection, encode

# By what it prints. All that it measures by default but lists, sets, hashes and sorted sets, of which there are none.
BENCHMARKS = {"PING_INLINE": "ping_inline", "PING_MBULK": "ping_mbulk", "SET": "set", "GET": "get", "INCR": "incr",
              "MSET": "mset"}


def redis_cli(node, *arguments: str, stdin: bytes | None = None) -> bytes:
    result = subprocess.run(
        ["redis-cli", "-h", "127.0.0.1", "-p", str(node.resp_port), *arguments], input=stdin, capture_output=True,
        timeout=60)
    assert result.returncode == 0, result
    return result.stdout


@pytest.fixture
def resp(node):
    with RESPConnection(node.resp_port) as connection:
        connection.call("FLUSHALL")
        yield connection


@pytest.mark.parametrize("protocol", ["-2", "-3"])
def test_it_sets_gets_and_deletes(node, key, protocol):
    assert redis_cli(node, protocol, "SET", key, "a value") == b"OK\n"
    assert redis_cli(node, protocol, "GET", key) == b"a value\n"
    assert redis_cli(node, protocol, "--no-raw", "GET", key) == b'"a value"\n'
    assert redis_cli(node, protocol, "--no-raw", "DEL", key, key) == b"(integer) 1\n"
    assert redis_cli(node, protocol, "--no-raw", "GET", key) == b"(nil)\n"


def test_it_shows_errors_as_redis_words_them(node):
    assert redis_cli(node, "GET").strip() == b"ERR wrong number of arguments for 'get' command"


def test_a_value_from_standard_input(node, key, resp):
    value = bytes(range(256)) * 100
    assert redis_cli(node, "-x", "SET", key, stdin=value) == b"OK\n"
    assert resp.call("GET", key) == value


def test_a_session_of_several_lines(node, key):
    lines = f"MULTI\nSET {key} 1\nINCR {key}\nEXEC\nGET {key}\n"
    answers = redis_cli(node, stdin=lines.encode()).split()
    assert answers == [b"OK", b"QUEUED", b"QUEUED", b"OK", b"2", b"2"]


def test_pipe_mode_confirms_every_command(node, resp):
    count = 10_000
    commands = b"".join(encode("SET", f"pipe:{index}", index) for index in range(count))
    output = redis_cli(node, "--pipe", stdin=commands)
    assert f"errors: 0, replies: {count}".encode() in output, output
    assert resp.call("GET", "pipe:9999") == b"9999"
    assert resp.call("DBSIZE") == count


def test_scan_lists_every_key_once(node, resp):
    resp.pipeline([["SET", f"scan:{index}", "x"] for index in range(1_000)])
    resp.pipeline([["SET", f"other:{index}", "x"] for index in range(100)])
    found = redis_cli(node, "--scan", "--pattern", "scan:*").split()
    assert len(found) == 1_000
    assert set(found) == {b"scan:%d" % index for index in range(1_000)}


def test_a_map_of_resp3_is_shown_as_one(node):
    answer = json.loads(redis_cli(node, "-3", "--json", "HELLO", "3"))
    assert answer["proto"] == 3 and answer["server"]


def test_the_help_of_commands_is_built_from_the_table(node, resp):
    assert {b"summary", b"since", b"1.0.0", b"string"} <= set(redis_cli(node, "COMMAND", "DOCS", "get").split(b"\n"))
    assert int(redis_cli(node, "COMMAND", "COUNT")) > 50


@pytest.mark.parametrize("options", [[], ["-P", "16"], ["-r", "1000"], ["-d", "10000"], ["--threads", "2"], ["-3"]],
                         ids=["plain", "pipelined", "many-keys", "large", "threads", "RESP3"])
def test_redis_benchmark_sees_no_error(node, options, resp):
    result = subprocess.run(
        ["redis-benchmark", "-h", "127.0.0.1", "-p", str(node.resp_port), "-n", "2000", "--csv", "-e",
         "-t", ",".join(BENCHMARKS.values()), *options],
        capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result
    assert "ERR" not in result.stdout + result.stderr, result
    measured = re.findall(r'^"(\w+)[^"]*","[0-9.]+"', result.stdout, re.MULTILINE)
    assert measured == list(BENCHMARKS), result.stdout


def test_redis_benchmark_with_a_command_of_ones_own(node, resp):
    assert not isinstance(resp.call("SET", "counter", "0"), Error)
    result = subprocess.run(
        ["redis-benchmark", "-h", "127.0.0.1", "-p", str(node.resp_port), "-n", "1000", "-q", "-e", "INCR", "counter"],
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and "ERR" not in result.stdout + result.stderr, result
    assert resp.call("GET", "counter") == b"1000"
