"""The commands that ask a node, as operators run them: what they print, and how they exit."""
import json
import os
import subprocess

import pytest

from servers import TRIBE

DONE, NEGATIVE, USAGE, UNREACHABLE = 0, 1, 2, 3


@pytest.fixture
def tribe(node):
    def run(*words: str, stdin: bytes = b"", **variables: str) -> subprocess.CompletedProcess:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRIBE_")}
        environment |= {"TRIBE_URL": f"http://127.0.0.1:{node.port}"} | variables
        return subprocess.run([TRIBE, *words], input=stdin, capture_output=True, timeout=60, env=environment)

    return run


def test_a_value_goes_in_and_comes_out_byte_for_byte(tribe):
    value = bytes(range(256)) * 100
    assert tribe("cache", "set", "cli/ä ?%", stdin=value).returncode == DONE
    got = tribe("cache", "get", "cli/ä ?%")
    assert (got.returncode, got.stdout, got.stderr) == (DONE, value, b"")
    described = json.loads(tribe("cache", "get", "cli/ä ?%", "--json").stdout)
    assert described["key"] == "cli/ä ?%" and "value64" in described


def test_options_of_set_reach_the_node(tribe, tmp_path):
    page = tmp_path / "page.html"
    page.write_bytes(b"<p>hello</p>")
    assert tribe("cache", "set", "cli:page", "--file", str(page), "--type", "text/html", "--ttl", "60s",
                 "--tags", "cli").returncode == DONE
    described = json.loads(tribe("cache", "get", "cli:page", "--json").stdout)
    assert described["value"] == "<p>hello</p>" and described["contentType"] == "text/html"
    refused = tribe("cache", "set", "cli:page", "other", "--if-absent")
    assert refused.returncode == NEGATIVE and b"already" in refused.stderr
    assert json.loads(tribe("cache", "set", "cli:new", "x", "--json").stdout)["created"] is True


def test_scan_follows_pages_and_prefixes(tribe):
    for number in range(12):
        assert tribe("redis", "SET", f"cliscan:{number}", "x").returncode == DONE
    lines = tribe("cache", "scan", "--prefix", "cliscan:").stdout.decode().splitlines()
    assert sorted(line.split("\t")[0] for line in lines) == sorted(f"cliscan:{number}" for number in range(12))
    assert len(tribe("cache", "scan", "--prefix", "cliscan:", "--limit", "5").stdout.splitlines()) == 5
    lines = tribe("cache", "scan", "--prefix", "cliscan:", "--json").stdout.splitlines()
    objects = [json.loads(line) for line in lines]
    assert len(objects) == 12 and all(entry["size"] == 1 for entry in objects)


def test_absence_is_an_exit_code(tribe):
    got = tribe("cache", "get", "cli:none")
    assert got.returncode == NEGATIVE and got.stdout == b"" and b"no value" in got.stderr
    assert tribe("cache", "del", "cli:none").returncode == DONE


def test_redis_commands_are_answered_as_redis_cli_prints_them(tribe):
    assert tribe("redis", "SET", "cli:n", "41").stdout == b"OK\n"
    assert tribe("redis", "INCR", "cli:n").stdout == b"42\n"
    assert tribe("redis", "MGET", "cli:n", "cli:missing").stdout == b"42\n\n"
    assert json.loads(tribe("redis", "--json", "MGET", "cli:n", "cli:missing").stdout) == {"result": ["42", None]}
    failed = tribe("redis", "INCR", "cli:n", "x")
    assert failed.returncode == NEGATIVE and b"wrong number of arguments" in failed.stderr


def test_words_that_look_like_options_belong_to_the_redis_command(tribe):
    assert tribe("redis", "SET", "cli:dash", "--json").stdout == b"OK\n"
    assert tribe("redis", "GET", "cli:dash").stdout == b"--json\n"


def test_status_and_stats_tell_of_the_node(tribe, node):
    status = json.loads(tribe("status", "--json").stdout)
    assert status["status"] == "ok" and status["nodes"][0]["http"] == f"127.0.0.1:{node.port}"
    text = tribe("status").stdout.decode()
    assert "all is well" in text and "\x1b" not in text
    stats = json.loads(tribe("cache", "stats", "--json").stdout)
    assert stats["entries"] > 0 and stats["memoryUsed"] <= stats["memoryBudget"]


def test_status_waits_until_the_node_is_ready(tribe):
    assert tribe("status", "--wait", "ready", "--timeout", "20s").returncode == DONE


@pytest.mark.parametrize("words", [("status",), ("cache", "get", "k"), ("redis", "PING"), ("cache", "stats"),
                                   ("status", "--wait", "ready", "--timeout", "300ms")])
def test_nobody_there_is_an_exit_code(tribe, words):
    # Port 9 is discard; nothing listens there.
    failed = tribe(*words, TRIBE_URL="http://127.0.0.1:9")
    assert failed.returncode == UNREACHABLE and failed.stderr.startswith(b"tribe: ")


@pytest.mark.parametrize("words", [("cache", "get", "k", "--url", "foo://x"), ("cache", "get", ""),
                                   ("cache", "set", "k", "--file", "/nonexistent")])
def test_what_cannot_be_asked_is_wrong_usage(tribe, words):
    failed = tribe(*words)
    assert failed.returncode == USAGE and failed.stderr.startswith(b"tribe: ")


def test_versions_name_the_libraries(tribe):
    versions = json.loads(tribe("version", "--json").stdout)
    assert {"tribe", "libuv", "http_parser", "xxHash", "libcurl"} <= versions.keys()
    assert all(version[0].isdigit() for version in versions.values())


def test_the_doctor_sees_a_port_that_is_taken(tribe, node):
    found = tribe("doctor", "--json", TRIBE_LOOPS="1")
    findings = json.loads(found.stdout)["findings"]
    assert {"open files", "memory", "clock", "port", "libuv"} <= {finding["subject"] for finding in findings}
    assert found.returncode in (DONE, NEGATIVE)
    assert all("fix" in finding for finding in findings if finding["severity"] != "ok")


@pytest.mark.parametrize("shell", ["bash"])
def test_completion_scripts_are_scripts(tribe, shell, tmp_path):
    script = tmp_path / "tribe.completion"
    script.write_bytes(tribe("completions", shell).stdout)
    assert subprocess.run([shell, "-n", str(script)]).returncode == 0
    assert b"doctor" in script.read_bytes()


def test_a_token_of_the_environment_is_shown_to_the_node(tribe):
    """Without a tokens file any token has every role: what counts here is that asking with one works."""
    assert tribe("redis", "PING", TRIBE_TOKEN="secret").stdout == b"PONG\n"
