"""The command: what it prints, what it refuses, and how it logs."""
import datetime
import os
import re
import signal
import socket
import subprocess

import pytest

from http_client import Connection
from servers import TRIBE, STOP_SECONDS
from waiting import wait_until


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess:
    """Runs a command that is expected to end by itself."""
    return subprocess.run([TRIBE, *arguments], env=os.environ | settings, capture_output=True, text=True, timeout=20)


def test_it_prints_what_to_try(start_node):
    node = start_node()
    output = wait_until(node.output_file.read_text, "something is printed")
    request = re.search(r"curl -X PUT --data-binary hello '(http://[^']+)'", output)
    assert request, output
    subprocess.run(["curl", "-sSf", "-X", "PUT", "--data-binary", "hello", request[1]], check=True, timeout=20)
    get = request[1].partition("?")[0]
    assert get in output
    assert subprocess.run(["curl", "-sSf", get], capture_output=True, check=True, timeout=20).stdout == b"hello"


def test_every_log_line_is_a_json_object(start_node):
    node = start_node(loops=2)
    assert node.stop() == 0
    lines = node.log()
    assert [line["message"] for line in lines] == ["listening", "draining", "drained"]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00"))


def test_on_a_terminal_it_logs_for_people():
    leader, follower = os.openpty()
    command = [TRIBE, "dev", "--http", "127.0.0.1:0", "--resp", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    text = ""

    def has_begun() -> bool:
        nonlocal text
        text += os.read(leader, 65_536).decode()
        return "listening" in text

    try:
        wait_until(has_begun, "the first line")
        assert "{" not in text
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        os.close(leader)


def test_a_port_that_is_taken_is_refused():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = run("dev", "--http", f"127.0.0.1:{port}", "--resp", "127.0.0.1:0")
    assert result.returncode == 2
    assert f"127.0.0.1:{port}: another process listens there" in result.stderr


def test_two_nodes_do_not_share_a_port(start_node):
    node = start_node(loops=4)
    for flag, port in (("--http", node.port), ("--resp", node.resp_port)):
        other = "--resp" if flag == "--http" else "--http"
        result = run("dev", flag, f"127.0.0.1:{port}", other, "127.0.0.1:0", "--loops", "4")
        assert result.returncode == 2
        assert f"127.0.0.1:{port}: the node of process {node.process.pid} listens there" in result.stderr


def test_a_node_needs_two_ports():
    result = run("dev", "--http", "127.0.0.1:7381", "--resp", "127.0.0.1:7381")
    assert result.returncode == 2
    assert "127.0.0.1:7381" in result.stderr


@pytest.mark.parametrize("attempt", range(8))
def test_of_two_nodes_that_start_at_once_one_has_the_port(attempt):
    """Both find it free: neither listens yet when the other looks."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [TRIBE, "dev", "--http", f"127.0.0.1:{port}", "--resp", "127.0.0.1:0", "--loops", "2"]
    nodes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        loser = wait_until(lambda: [node for node in nodes if node.poll() is not None], "one of them ends")[0]
        winner = nodes[1 - nodes.index(loser)]
        assert loser.returncode == 2
        assert f"127.0.0.1:{port}: the node of process {winner.pid} listens there" in loser.stderr.read()
        wait_until(lambda: is_served(port), "the other one serves")
        # From when it says so it can be stopped.
        assert "listens" in winner.stdout.readline()
        assert winner.poll() is None
    finally:
        for node in nodes:
            if node.poll() is None:
                node.send_signal(signal.SIGTERM)
            node.communicate(timeout=STOP_SECONDS)
    assert winner.returncode == 0


def is_served(port: int) -> bool:
    try:
        with Connection(port) as client:
            return client.request("GET", "/readyz").status == 200
    except ConnectionRefusedError:
        return False


@pytest.mark.parametrize("arguments", [
    ["--loops", "0"], ["--loops", "x"], ["--memory", "1"], ["--memory", "x"], ["--memory", "8388607TiB"],
    ["--http", "nowhere"],
    ["--http", "127.0.0.1:99999"], ["--unknown"], ["more"]])
def test_a_wrong_argument_is_named(arguments):
    result = run("dev", *arguments)
    assert result.returncode == 2
    assert arguments[0].lstrip("-") in result.stderr


@pytest.mark.parametrize("arguments", [["--bogus"], ["bogus"]])
def test_a_wrong_command_is_named_and_told_how_it_is_used(arguments):
    result = run(*arguments)
    assert result.returncode == 2
    assert arguments[0] in result.stderr and "Usage: tribe" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("name, value", [
    ("TRIBE_LIMITS_CONNECTIONS", "many"), ("TRIBE_LIMITS_IDLETIMEOUT", "75"), ("TRIBE_CACHE_VALUEMAX", "0"),
    ("TRIBE_LIMITS_MADEUP", "1")])
def test_a_wrong_setting_is_named(name, value):
    result = run("dev", "--http", "127.0.0.1:0", "--resp", "127.0.0.1:0", **{name: value})
    assert result.returncode == 2
    assert name in result.stderr


def test_all_wrong_settings_are_named_at_once():
    result = run("dev", TRIBE_LIMITS_FIELDSMAX="x", TRIBE_LIMITS_URIMAX="x")
    assert "TRIBE_LIMITS_FIELDSMAX" in result.stderr and "TRIBE_LIMITS_URIMAX" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["--help"], ["help", "dev"], ["dev", "--help"]])
def test_help_is_printed(arguments):
    result = run(*arguments)
    assert result.returncode == 0
    assert "dev" in result.stdout and not result.stderr


def test_the_version_is_printed():
    result = run("--version")
    assert result.returncode == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", result.stdout)


def test_the_soft_limit_of_descriptors_is_raised(start_node):
    node = start_node()
    limits = open(f"/proc/{node.process.pid}/limits").read()
    soft, hard = re.search(r"Max open files\s+(\d+)\s+(\d+)", limits).groups()
    assert soft == hard
