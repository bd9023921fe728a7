"""`tribe start` and its settings: the data directory, and what a reload does."""
import json
import os
import signal
import stat
import subprocess

import pytest

from cluster_node import ClusterNode
from conftest import finish
from expectations import expect_problem
from http_client import Connection
from resp_client import RESPConnection, Status
from servers import TRIBE, Tribe
from waiting import wait_until


@pytest.fixture
def start():
    nodes = []

    def start_node(*arguments, **options) -> ClusterNode:
        nodes.append(ClusterNode(*arguments, **options))
        return nodes[-1].start()

    yield start_node
    for node in nodes:
        finish(node)


def reload(node) -> subprocess.CompletedProcess:
    return subprocess.run([TRIBE, "reload", "--url", f"http://127.0.0.1:{node.port}"], capture_output=True, text=True,
                          timeout=20)


def config(node, name: bytes) -> bytes:
    with RESPConnection(node.resp_port) as client:
        return client.call(b"CONFIG", b"GET", name)[1]


def logged(node, message: str) -> list[dict]:
    return [line for line in node.log() if line["message"].startswith(message)]


def run_start(node) -> subprocess.CompletedProcess:
    return subprocess.run(node.command(), env=node.environment(), capture_output=True, text=True, timeout=20)


# MARK: Data directory


def test_the_data_directory_is_its_owners_and_keeps_who_the_node_is(start):
    node = start()
    for path, mode in [(node.folder / "data", 0o700), (node.data, 0o700), (node.data / "node.json", 0o600)]:
        assert stat.S_IMODE(path.stat().st_mode) == mode
    with Connection(node.port) as client:
        uid = client.request("GET", "/v1/cluster").json()["members"][0]["uid"]
    assert json.loads((node.data / "node.json").read_text())["uid"] == uid
    assert node.stop() == 0
    node.start()
    with Connection(node.port) as client:
        assert client.request("GET", "/v1/cluster").json()["members"][0]["uid"] == uid


def test_two_processes_do_not_share_a_data_directory(start):
    node = start()
    other = ClusterNode({"dataDir": str(node.data)})
    result = run_start(other)
    assert result.returncode == 1 and "another process uses" in result.stderr
    other.discard()


def test_what_was_fixed_at_the_first_start_is_refused_at_a_later_one(start):
    node = start()
    assert node.stop() == 0
    node.change(jobPartitions=32, jobReplicas=5)
    result = run_start(node)
    assert result.returncode == 2
    assert "/jobPartitions: jobPartitions was fixed at 16" in result.stderr
    assert "/jobReplicas: jobReplicas was fixed at 3" in result.stderr
    node.change(jobPartitions=16, jobReplicas=3)
    node.start()


def test_the_directory_of_another_node_is_refused(start):
    node = start()
    assert node.stop() == 0
    record = node.data / "node.json"
    record.write_text(record.read_text().replace('"id":"n1"', '"id":"n2"'))
    result = run_start(node)
    assert result.returncode == 2 and "that of node n2" in result.stderr


def test_a_record_that_cannot_be_read_is_left_alone(start):
    node = start()
    assert node.stop() == 0
    record = node.data / "node.json"
    record.write_text("{")
    result = run_start(node)
    assert result.returncode == 1 and "node.json" in result.stderr and record.read_text() == "{"


# MARK: Reloading


def test_a_reload_applies_what_is_live_and_names_what_needs_a_restart(start):
    node = start()
    node.change(loops=3, cache={"memory": "80MiB", "eviction": "refuse", "valueMax": "1MiB"})
    result = reload(node)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (
        "Generation 2 is in force. Applied: generation, cache.memory, cache.eviction, cache.valueMax. "
        "After a restart: loops.\n")
    assert config(node, b"maxmemory") == b"%d" % (80 << 20)
    assert config(node, b"maxmemory-policy") == b"noeviction"
    with Connection(node.port) as client:
        assert client.request("GET", "/v1/cluster").json()["generation"] == 2
        expect_problem(client.request("PUT", "/v1/cache/a", body=b"x" * ((1 << 20) + 1)), 413)


def test_a_reload_of_what_is_in_force_is_no_fault(start):
    node = start()
    result = reload(node)
    assert result.returncode == 0 and result.stdout == "Generation 1 is in force already.\n"
    node.write(json.dumps(dict(reversed(node.members.items()))))
    assert reload(node).stdout == "Generation 1 is in force already.\n"


def test_a_change_without_a_higher_generation_is_refused_with_the_number_to_write(start):
    node = start()
    node.write(node.members | {"cache": {"memory": "80MiB"}})
    result = reload(node)
    assert result.returncode == 2
    assert "/generation" in result.stderr and 'Write "generation": 2' in result.stderr
    assert config(node, b"maxmemory") == b"%d" % (64 << 20)


def test_an_older_generation_is_refused(start):
    node = start({"generation": 5})
    node.write(node.members | {"generation": 4})
    assert reload(node).returncode == 2
    assert reload(node).stderr.count("generation 4 is older than 5") == 1


@pytest.mark.parametrize("text", ['{"cluster": ', '{"cluster": "test", "generation": 2, "nodes": []}'])
def test_a_bad_file_leaves_the_old_settings_running(start, text):
    node = start()
    node.write(text)
    result = reload(node)
    assert result.returncode == 2 and "line 1, column" in result.stderr
    assert config(node, b"maxmemory") == b"%d" % (64 << 20)
    assert f"{node.file}:1:" in logged(node, "settings rejected")[-1]["faults"]


def test_what_was_fixed_is_refused_by_a_reload(start):
    node = start()
    node.change(jobPartitions=32, replicas=3)
    with Connection(node.port) as client:
        problem = expect_problem(client.request("POST", "/v1/cluster/reload"), 422, "settings_rejected")
        assert [fault["pointer"] for fault in problem["errors"]] == ["/jobPartitions"]
        assert client.request("GET", "/v1/cluster").json()["generation"] == 1


@pytest.mark.parametrize("is_renamed", [True, False], ids=["renamed", "overwritten"])
def test_a_change_of_the_file_is_noticed(start, is_renamed):
    node = start()
    for memory in (80, 96):
        if is_renamed:
            node.change(cache={"memory": f"{memory}MiB"})
        else:
            node.members |= {"generation": memory, "cache": {"memory": f"{memory}MiB"}}
            node.file.write_text(json.dumps(node.members))
        wait_until(lambda: config(node, b"maxmemory") == b"%d" % (memory << 20), "the change is in force")
    assert logged(node, "settings reloaded")[-1]["cause"] == "a file has changed"


def test_a_file_that_comes_back_is_noticed(start):
    node = start()
    node.file.unlink()
    wait_until(lambda: node.has_logged("settings rejected: the old ones stay in force"), "its absence is noticed")
    node.change(cache={"memory": "80MiB"})
    wait_until(lambda: config(node, b"maxmemory") == b"%d" % (80 << 20), "the change is in force")


def test_a_hangup_reloads(start):
    node = start()
    node.process.send_signal(signal.SIGHUP)
    line = wait_until(lambda: logged(node, "settings are in force already"), "the signal is answered")[-1]
    assert line["cause"] == "SIGHUP" and node.process.poll() is None


def test_limits_are_live_on_every_loop(start):
    node = start()
    clients = [Connection(node.port) for _ in range(16)]
    for client in clients:
        assert client.request("GET", "/livez").status == 200
    node.change(limits={"idleTimeout": "200ms", "upstashBodyMax": "1KiB", "connections": 20})
    assert reload(node).returncode == 0
    for client in clients:
        assert client.is_closed_by_server()
    assert config(node, b"maxclients") == b"20"
    for _ in range(8):
        with Connection(node.port) as client:
            refused = client.request("POST", "/", body=b'["GET","' + b"x" * 2_000 + b'"]')
            assert refused.status == 400, refused


def test_what_config_set_changed_stays_until_the_file_changes_the_same(start):
    node = start()
    with RESPConnection(node.resp_port) as client:
        assert client.call(b"CONFIG", b"SET", b"maxmemory", b"%d" % (72 << 20)) == Status(b"OK")
    node.change(limits={"idleTimeout": "60s"})
    assert reload(node).returncode == 0
    assert config(node, b"maxmemory") == b"%d" % (72 << 20)
    node.change(cache={"memory": "80MiB"})
    assert reload(node).returncode == 0
    assert config(node, b"maxmemory") == b"%d" % (80 << 20)


def test_hosts_of_the_roster_are_known_after_a_reload(start):
    node = start()
    first = node.members["nodes"][0]

    def status(host: str) -> int:
        with Connection(node.port) as client:
            client.send(f"GET /v1/cluster HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            return client.read_response().status

    assert status("cache.example") == 403
    node.change(insecure=True, nodes=[first, first | {"id": "n2", "host": "cache.example"}])
    assert reload(node).returncode == 0
    for _ in range(8):
        assert status("cache.example") == 200


def test_flags_and_variables_win_over_a_file_that_changes(start):
    node = start(arguments=("--memory", "100MiB"), settings={"TRIBE_CACHE_EVICTION": "refuse"})
    node.change(cache={"memory": "80MiB", "eviction": "evict"})
    assert reload(node).returncode == 0
    assert config(node, b"maxmemory") == b"%d" % (100 << 20)
    assert config(node, b"maxmemory-policy") == b"noeviction"


def test_a_developers_node_has_nothing_to_reload(start_node):
    node: Tribe = start_node()
    with Connection(node.port) as client:
        expect_problem(client.request("POST", "/v1/cluster/reload"), 409, "no_settings_file")
    result = reload(node)
    assert result.returncode == 1 and "settings file" in result.stderr


def test_nobody_answers_a_reload():
    command = [TRIBE, "reload", "--url", "http://127.0.0.1:1"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert result.returncode == 3 and "127.0.0.1:1" in result.stderr


def test_requests_go_on_while_settings_change(start):
    node = start()
    with Connection(node.port) as client:
        assert client.request("PUT", "/v1/cache/k", body=b"v").status == 201
        for round_number in range(20):
            node.change(cache={"memory": f"{70 + round_number}MiB"})
            os.kill(node.process.pid, signal.SIGHUP)
            for _ in range(50):
                assert client.request("GET", "/v1/cache/k").body == b"v"
    wait_until(lambda: config(node, b"maxmemory") == b"%d" % (89 << 20), "the last change is in force")
