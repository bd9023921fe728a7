"""Commands about the node: INFO, CONFIG, COMMAND, SLOWLOG, LATENCY, over one loop and over four; and redis-cli."""
import os
import pty
import signal
import subprocess
import threading
import time
import urllib.request

import pytest

from resp_client import OK, Error, Map, RESPConnection, Set, Status, Verbatim
from waiting import wait_until


@pytest.fixture
def redis(node):
    with RESPConnection(node.resp_port) as connection:
        yield connection


@pytest.fixture
def redis3(node):
    with RESPConnection(node.resp_port, protocol=3) as connection:
        yield connection


def info(redis, *sections) -> dict[str, str]:
    lines = redis.call("INFO", *sections).decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if line and not line.startswith("#"))


def command_counts(redis, name: str) -> dict[str, float]:
    row = info(redis, "commandstats").get(f"cmdstat_{name}", "")
    return {field: float(value) for field, _, value in (part.partition("=") for part in row.split(",")) if field}


# INFO


def test_info_has_what_clients_read(redis, client, key, path):
    assert redis.call("SET", f"{key}:stays", "v") == OK
    assert client.request("PUT", f"{path}?ttl=60s", body=b"v").status == 201
    fields = info(redis)
    assert fields["redis_version"] == "7.0.15"
    assert fields["redis_mode"] == "standalone"
    assert fields["role"] == "master"
    assert fields["loading"] == "0"
    assert fields["maxmemory_policy"] == "allkeys-s3fifo"
    assert int(fields["connected_clients"]) >= 1
    assert 0 < int(fields["used_memory"]) < int(fields["maxmemory"])
    assert int(fields["used_memory_peak"]) >= int(fields["used_memory"])
    assert len(fields["run_id"]) == 40
    keys, expires, ttl = (int(field.split("=")[1]) for field in fields["db0"].split(","))
    assert keys > expires > 0 and ttl == 0
    assert "tribe_version" in fields
    assert "cmdstat_info" not in fields


def test_info_shows_the_sections_that_are_asked_for(redis, redis3):
    def titles(*sections):
        text = redis.call("INFO", *sections).decode()
        return [line[2:] for line in text.split("\r\n") if line.startswith("#")]

    assert titles("cpu") == ["CPU"]
    assert titles("keyspace", "CLIENTS", "nosuch") == ["Clients", "Keyspace"]
    assert redis.call("INFO", "nosuch") == b""
    assert titles("everything") == titles("all")
    assert set(titles("all")) - set(titles()) == {"Commandstats"}
    assert isinstance(redis3.call("INFO"), Verbatim)


def test_every_call_is_counted_once(redis, key):
    before = {name: command_counts(redis, name).get("calls", 0) for name in ("set", "get", "mget", "incr", "ping")}
    keys = [f"{key}:{number}" for number in range(20)]
    redis.pipeline([("SET", name, "v") for name in keys])
    redis.pipeline([("GET", name) for name in keys])
    redis.call("MGET", *keys)
    for words in (["MULTI"], ["GET", keys[0]], ["INCR", keys[1]], ["EXEC"]):
        redis.call(*words)
    redis.call("PING")
    after = {name: command_counts(redis, name)["calls"] for name in before}
    assert {name: after[name] - before[name] for name in before} == {
        "set": 20, "get": 21, "mget": 1, "incr": 1, "ping": 1}
    assert command_counts(redis, "mget")["usec"] >= 0


def test_errors_are_counted_by_code_and_command(redis, node, key):
    redis.call("CONFIG", "RESETSTAT")
    names = [f"{key}:{number}" for number in range(10)]
    redis.pipeline([("SET", name, "no number") for name in names])
    assert {reply.code for reply in redis.pipeline([("INCR", name) for name in names])} == {"ERR"}
    redis.call("GET")
    redis.call("NOSUCH")
    redis.call("HELLO", 9)
    assert info(redis, "errorstats") == {"errorstat_ERR": "count=12", "errorstat_NOPROTO": "count=1"}
    assert command_counts(redis, "incr")["failed_calls"] == 10
    assert command_counts(redis, "get")["rejected_calls"] == 1
    assert int(info(redis, "stats")["total_error_replies"]) == 13
    page = urllib.request.urlopen(f"http://127.0.0.1:{node.port}/metrics").read().decode()
    samples = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert int(samples['tribe_resp_errors_total{error="NOPROTO"}']) >= 1
    assert int(samples['tribe_resp_commands_total{command="incr"}']) >= 10
    assert sum(int(value) for name, value in samples.items() if name.startswith("tribe_resp_connections{")) >= 1


def test_resetstat_begins_anew_for_info_alone(redis, key):
    redis.call("GET", key)
    assert redis.call("CONFIG", "RESETSTAT") == OK
    stats = info(redis, "stats")
    assert (stats["keyspace_misses"], stats["total_connections_received"]) == ("0", "0")
    redis.call("GET", key)
    assert info(redis, "stats")["keyspace_misses"] == "1"


# CONFIG


def test_config_get_takes_names_and_patterns(redis, redis3):
    assert redis.call("CONFIG", "GET", "save") == [b"save", b""]
    assert redis.call("CONFIG", "GET", "appendonly") == [b"appendonly", b"no"]
    assert redis.call("CONFIG", "GET", "nosuch") == []
    found = redis3.call("CONFIG", "GET", "SLOWLOG-*", "Timeout", "*max-len")
    assert isinstance(found, Map)
    assert sorted(name for name, _ in found) == [b"Timeout", b"slowlog-log-slower-than", b"slowlog-max-len"]


def test_maxmemory_is_in_force_at_once(start_node):
    node = start_node(loops=2, memory="64MiB")
    with RESPConnection(node.resp_port) as redis:
        value = b"x" * 10_000
        for start in range(0, 4_000, 100):
            redis.pipeline([("SET", f"k{number}", value) for number in range(start, start + 100)])
        assert int(info(redis, "memory")["used_memory"]) > 32 << 20
        assert redis.call("CONFIG", "SET", "maxmemory", "20mb") == OK
        assert redis.call("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"20971520"]
        wait_until(lambda: int(info(redis, "memory")["used_memory"]) <= 20 << 20, "the cache has shed")
        assert int(info(redis, "stats")["evicted_keys"]) > 0
        assert redis.call("CONFIG", "SET", "maxmemory", "1").code == "ERR"


def test_config_set_does_all_or_nothing(redis):
    before = redis.call("CONFIG", "GET", "slowlog-*")
    for words in (["slowlog-max-len", "7", "nosuch", "1"], ["slowlog-max-len", "7", "port", "1"],
                  ["slowlog-max-len", "7", "slowlog-log-slower-than", "x"]):
        assert redis.call("CONFIG", "SET", *words).code == "ERR"
    assert redis.call("CONFIG", "GET", "slowlog-*") == before
    # What is fixed may be set to what it is.
    assert redis.call("CONFIG", "SET", "save", "", "appendonly", "no", "timeout", "0") == OK


def test_maxclients_is_in_force_at_once(start_node):
    node = start_node(loops=2)
    with RESPConnection(node.resp_port) as redis:
        assert redis.call("CONFIG", "SET", "maxclients", 1) == OK
        with RESPConnection(node.resp_port) as other:
            assert other.read() == Error(b"ERR max number of clients reached")
            assert other.is_closed_by_server()
        assert info(redis, "stats")["rejected_connections"] == "1"
        assert redis.call("CONFIG", "SET", "maxclients", 100) == OK
        with RESPConnection(node.resp_port) as other:
            assert other.call("PING") == Status(b"PONG")


# SLOWLOG and LATENCY


@pytest.fixture
def slow_log(redis):
    """Logs every command of the test."""
    redis.call("CONFIG", "SET", "slowlog-log-slower-than", 0)
    redis.call("SLOWLOG", "RESET")
    yield
    redis.call("CONFIG", "SET", "slowlog-log-slower-than", 10_000, "slowlog-max-len", 128)


def test_the_slow_log_keeps_the_newest_of_all_loops(redis, node, slow_log, key):
    redis.call("CLIENT", "SETNAME", "me")
    others = [RESPConnection(node.resp_port) for _ in range(8)]
    for number, other in enumerate(others):
        assert other.call("SET", f"{key}:{number}", "v") == OK
    redis.call("SET", "k" * 200, "v")
    redis.call("MGET", *range(40))
    redis.call("AUTH", "default", "secret")
    redis.call("MULTI")
    redis.call("GET", key)
    redis.call("EXEC")
    entries = redis.call("SLOWLOG", "GET", -1)
    ids = [entry[0] for entry in entries]
    assert ids == sorted(ids, reverse=True)
    words = [entry[3] for entry in entries]
    assert [b"GET", key.encode()] in words
    assert [b"AUTH", b"(redacted)", b"(redacted)"] in words
    assert [b"SET", b"k" * 128 + b"... (72 more bytes)", b"v"] in words
    assert [b"MGET", *(b"%d" % number for number in range(30)), b"... (10 more arguments)"] in words
    assert all([b"SET", f"{key}:{number}".encode(), b"v"] in words for number in range(8))
    latest = next(entry for entry in entries if entry[3][0] == b"MGET")
    assert abs(latest[1] - time.time()) < 60 and latest[2] >= 0
    assert latest[4] == b"%s:%d" % (redis.socket.getsockname()[0].encode(), redis.socket.getsockname()[1])
    assert latest[5] == b"me"
    assert redis.call("CONFIG", "SET", "slowlog-max-len", 3) == OK
    assert redis.call("SLOWLOG", "LEN") == 3
    assert len(redis.call("SLOWLOG", "GET", 2)) == 2
    for other in others:
        other.close()


def test_a_command_that_sleeps_is_slow_and_holds_up_nobody(redis, node):
    redis.call("SLOWLOG", "RESET")
    sleeper = threading.Thread(target=lambda: RESPConnection(node.resp_port).call("DEBUG", "SLEEP", "0.3"))
    sleeper.start()
    wait_until(lambda: b"blocked_clients:1\r" in redis.call("INFO", "clients"), "somebody sleeps")
    assert redis.call("PING") == Status(b"PONG")
    assert sleeper.is_alive()
    sleeper.join()
    entries = redis.call("SLOWLOG", "GET")
    assert [entry[3] for entry in entries] == [[b"DEBUG", b"SLEEP", b"0.3"]]
    assert entries[0][2] >= 290_000


def test_stalls_of_a_loop_are_kept(start_node):
    node = start_node(loops=2)
    with RESPConnection(node.resp_port) as redis:
        assert redis.call("LATENCY", "LATEST") == []
        assert redis.call("CONFIG", "SET", "latency-monitor-threshold", 200) == OK
        os.kill(node.process.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        wait_until(lambda: time.monotonic() > stopped + 0.6, "the loops have been away")
        os.kill(node.process.pid, signal.SIGCONT)
        event, at, latest, worst = wait_until(lambda: redis.call("LATENCY", "LATEST"), "the stall is noted")[0]
        assert event == b"event-loop" and abs(at - time.time()) < 60
        assert worst >= latest >= 200
        assert [latency >= 200 for _, latency in redis.call("LATENCY", "HISTORY", "event-loop")]
        assert redis.call("LATENCY", "HISTORY", "fork") == []
        assert redis.call("LATENCY", "RESET", "fork") == 0
        assert redis.call("LATENCY", "RESET") == 1
        assert redis.call("LATENCY", "LATEST") == []


# COMMAND


def test_command_has_the_shapes_of_redis_7(redis, redis3):
    count = redis.call("COMMAND", "COUNT")
    names = redis.call("COMMAND", "LIST")
    assert len(redis.call("COMMAND")) == count == sum(b"|" not in name for name in names)
    assert redis3.call("COMMAND", "INFO", "get", "nosuch", "client|id")[0] == [
        b"get", 2, Set([Status(b"readonly"), Status(b"fast")]), 1, 1, 1,
        Set([Status(b"@read"), Status(b"@string"), Status(b"@fast")]), Set([]),
        Set([Map([
            (b"flags", Set([Status(b"RO"), Status(b"access")])),
            (b"begin_search", Map([(b"type", b"index"), (b"spec", Map([(b"index", 1)]))])),
            (b"find_keys", Map([(b"type", b"range"), (b"spec", Map([
                (b"lastkey", 0), (b"keystep", 1), (b"limit", 0)]))]))])]),
        Set([])]
    docs = redis3.call("COMMAND", "DOCS")
    assert len(docs) == count
    assert {key for key, _ in docs.get(b"client")} == {b"summary", b"since", b"group", b"complexity", b"subcommands"}
    assert docs.get(b"get").get(b"group") == b"string"
    assert docs.get(b"config").get(b"subcommands").get(b"config|get").get(b"since") == b"2.0.0"


def test_every_command_names_its_keys(redis):
    assert redis.call("COMMAND", "GETKEYS", "MSET", "a", 1, "b", 2) == [b"a", b"b"]
    assert redis.call("COMMAND", "GETKEYSANDFLAGS", "SET", "a", 1) == [[b"a", [Status(b"OW"), Status(b"update")]]]
    assert redis.call("COMMAND", "GETKEYSANDFLAGS", "SET", "a", 1, "GET") == [
        [b"a", [Status(b"RW"), Status(b"access"), Status(b"update")]]]
    assert redis.call("COMMAND", "GETKEYS", "CLIENT", "ID") == Error(b"ERR The command has no key arguments")
    assert redis.call("COMMAND", "GETKEYS", "NOSUCH", "a") == Error(b"ERR Invalid command specified")


# redis-cli


def run_redis_cli(node, *words) -> str:
    command = ["redis-cli", "-p", str(node.resp_port), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout


def test_redis_cli_runs_commands(node, key):
    assert run_redis_cli(node, "SET", key, "value") == "OK\n"
    assert run_redis_cli(node, "GET", key) == "value\n"
    assert run_redis_cli(node, "-3", "CONFIG", "GET", "save") == "save \n"
    assert "role:master" in run_redis_cli(node, "INFO")
    assert "cmd=client|list" in run_redis_cli(node, "CLIENT", "LIST")


def test_redis_cli_learns_the_commands_when_it_is_interactive(node):
    """It asks COMMAND DOCS and shows what it learned for `help`."""
    controller, terminal = pty.openpty()
    client = subprocess.Popen(
        ["redis-cli", "-p", str(node.resp_port)], stdin=terminal, stdout=terminal, stderr=terminal,
        env=os.environ | {"TERM": "dumb", "HOME": "/nonexistent"})
    os.close(terminal)
    output = bytearray()

    def reader():
        try:
            while data := os.read(controller, 65_536):
                output.extend(data)
        except OSError:
            pass

    thread = threading.Thread(target=reader)
    thread.start()
    try:
        wait_until(lambda: b"> " in output, "redis-cli prompts")
        os.write(controller, b"help client setinfo\nconfig get save\nquit\n")
        assert client.wait(20) == 0
    finally:
        if client.poll() is None:
            client.kill()
            client.wait()
        thread.join(20)
        os.close(controller)
    assert b"Notes which library the client is made with, and its version." in output
    assert b'1) "save"' in output
