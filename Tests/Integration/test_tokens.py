"""Tokens: how a node starts with them, how they change while it runs, clients that have one, and that none leaks.

Who may call which route and command is tested from the tables themselves, in Tests/NodeTests/Access.
"""
import json
import os
import signal
import subprocess
import threading
import time

import pytest
import redis
import upstash_redis
from upstash_redis.errors import UpstashError

import tokens
from http_client import BrokenAnswer, Connection
from resp_client import OK, Error, RESPConnection, encode
from servers import TRIBE
from waiting import wait_until

MISSING = Error(b"NOAUTH Authentication required.")
# After a reload a removed token may be used for so long.
REMOVED_SECONDS_MAX = 1.0


@pytest.fixture
def token_file(tmp_path):
    return tokens.write(tmp_path / "tokens.json", [tokens.entry("web"), tokens.entry("reader", ["read"])])


@pytest.fixture(params=[1, 4], ids=["1-loop", "4-loops"])
def node(start_node, token_file, request):
    return start_node(loops=request.param, tokens=token_file)


def reload(node, entries, expected: str = "tokens reloaded"):
    """Puts another file in force, and waits until the node says what it made of it."""
    seen = len(node.log())
    tokens.write(node.tokens, entries)
    node.process.send_signal(signal.SIGHUP)
    return wait_until(
        lambda: next((line for line in node.log()[seen:] if line["message"] == expected), None), expected)


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess:
    return subprocess.run([TRIBE, *arguments], env=os.environ | settings, capture_output=True, text=True, timeout=20)


# Starting

DEV = ["dev", "--http", "127.0.0.1:0", "--resp", "127.0.0.1:0"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_file_that_others_may_use_is_refused(tmp_path, mode):
    file = tokens.write(tmp_path / "tokens.json", [tokens.entry("web")], mode=mode)
    result = run(*DEV, "--tokens", str(file))
    assert result.returncode == 2
    assert f"0{mode:o}" in result.stderr and "chmod 600" in result.stderr and "--tokens" in result.stderr


@pytest.mark.parametrize("content, named", [
    ("", "there is no file"), ("[", "line 1"), ('[{"name":"a"}]', "/0/sha256"), ('{"tokens":[]}', "array")])
def test_a_file_that_is_wrong_is_refused(tmp_path, content, named):
    file = tmp_path / "tokens.json"
    if content:
        tokens.write(file, content)
    result = run(*DEV, TRIBE_TOKENSFILE=str(file))
    assert result.returncode == 2
    assert named in result.stderr.lower() and "TRIBE_TOKENSFILE" in result.stderr


def test_all_faults_of_a_file_are_named_at_once_and_no_token_is_repeated(tmp_path):
    file = tokens.write(tmp_path / "tokens.json", [
        tokens.entry("web") | {"sha256": tokens.text("web")}, tokens.entry("x") | {"roles": ["reader"]},
        tokens.entry("y") | {"key": ["a*"]}])
    result = run(*DEV, "--tokens", str(file))
    assert result.returncode == 2
    for pointer in ["/0/sha256", "/1/roles/0", "/2/key"]:
        assert pointer in result.stderr
    assert tokens.text("web") not in result.stderr


@pytest.mark.parametrize("option", ["--http", "--resp"])
@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_without_tokens_a_node_listens_on_loopback_only(option, address):
    result = run(*DEV, option, address)
    assert result.returncode == 2
    assert option in result.stderr and "tokens" in result.stderr


def test_with_tokens_it_listens_anywhere(token_file):
    command = [TRIBE, "dev", "--http", "0.0.0.0:0", "--resp", "0.0.0.0:0", "--tokens", token_file]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert '"listening"' in process.stderr.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_new_token_is_printed_once_with_its_entry(start_node, tmp_path):
    result = run("token", "new", "shop", "--roles", "read,write", "--keys", "shop:*", "--rate", "1000")
    assert result.returncode == 0 and result.stderr == ""
    token, entry = result.stdout.splitlines()
    assert json.loads(entry) | {"sha256": ""} == {
        "name": "shop", "sha256": "", "roles": ["read", "write"], "keys": ["shop:*"],
        "rate": {"perSecond": 1000, "burst": 2000}}
    assert token not in entry
    node = start_node(tokens=tokens.write(tmp_path / "tokens.json", f"[{entry}]"))
    with RESPConnection(node.resp_port) as client:
        assert client.call("AUTH", "shop", token) == OK
        assert client.call("SET", "shop:1", "x") == OK
        assert client.call("SET", "till:1", "x").code == "NOPERM"


@pytest.mark.parametrize("arguments", [
    ["a b", "--roles", "read"], ["web", "--roles", "reader"], ["web", "--roles", ""], ["web"],
    ["web", "--roles", "read", "--rate", "0"], ["web", "--roles", "read", "--burst", "1"]])
def test_no_token_is_printed_that_a_node_would_refuse(arguments):
    result = run("token", "new", *arguments)
    assert result.returncode == 2
    assert result.stdout == ""


# Clients

def test_curl(node):
    url = f"http://127.0.0.1:{node.port}/v1/cache/curl"

    def curl(*arguments: str) -> str:
        command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *arguments, url]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout

    assert curl() == "401"
    assert curl("-X", "PUT", "-d", "x") == "401"
    assert curl("-H", f"Authorization: Bearer {tokens.text('reader')}", "-X", "PUT", "-d", "x") == "403"
    assert curl("-H", f"Authorization: Bearer {tokens.text('web')}", "-X", "PUT", "-d", "x") == "201"
    assert curl("--oauth2-bearer", tokens.text("reader")) == "200"


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("name", [None, "default", "web"])
def test_redis_py(node, protocol, name):
    with redis.Redis(port=node.resp_port, protocol=protocol, username=name, password=tokens.text("web")) as client:
        assert client.set("k", "v") is True
        assert client.get("k") == b"v"
        assert client.pipeline().incr("n").incr("n").execute()[1] > 1
        assert {line["user"] for line in client.client_list()} == {"web"}
    with redis.Redis(port=node.resp_port, protocol=protocol, password=tokens.text("reader")) as client:
        assert client.get("k") == b"v"
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.set("k", "w")
    with redis.Redis(port=node.resp_port, protocol=protocol, password="wrong") as client:
        with pytest.raises(redis.exceptions.AuthenticationError):
            client.get("k")
    with redis.Redis(port=node.resp_port, protocol=protocol) as client:
        with pytest.raises(redis.exceptions.AuthenticationError):
            client.get("k")


def test_redis_cli(node):
    def cli(*arguments: str, **settings: str) -> str:
        command = ["redis-cli", "-p", str(node.resp_port), *arguments]
        result = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, timeout=20)
        return result.stdout.strip()

    assert cli("GET", "k") == "NOAUTH Authentication required."
    assert cli("SET", "k", "v", REDISCLI_AUTH=tokens.text("web")) == "OK"
    assert cli("--user", "reader", "GET", "k", REDISCLI_AUTH=tokens.text("reader")) == "v"
    assert cli("SET", "k", "v", REDISCLI_AUTH=tokens.text("reader")).startswith("NOPERM")


def test_upstash_redis(node):
    def client(token: str):
        return upstash_redis.Redis(url=f"http://127.0.0.1:{node.port}", token=token, rest_retries=0)

    with client(tokens.text("web")) as web, client(tokens.text("reader")) as reader, client("wrong") as stranger:
        assert web.set("k", "v") is True
        assert reader.get("k") == "v"
        with pytest.raises(UpstashError, match="NOPERM"):
            reader.set("k", "w")
        with pytest.raises(UpstashError, match="WRONGPASS"):
            stranger.get("k")


# Reloading

class Caller(threading.Thread):
    """Asks over one connection again and again, and notes when it was first refused and when it last was not."""

    def __init__(self, node, name: str):
        super().__init__(daemon=True)
        self.node, self.token_name = node, name
        self.answers = 0
        self.first_refusal: float | None = None
        self.last_success = 0.0
        self.unexpected: list = []
        self.is_over = threading.Event()

    def run(self):
        try:
            while not self.is_over.is_set():
                began = time.monotonic()
                answer = self.ask()
                self.answers += 1
                if answer == self.success:
                    self.last_success = began
                elif answer in self.refusals:
                    self.first_refusal = self.first_refusal or time.monotonic()
                else:
                    self.unexpected.append(answer)
        except Exception as error:
            self.unexpected.append(error)

    def end(self):
        self.is_over.set()
        self.join(20)
        self.connection.close()


CUT = "cut"


class HTTPCaller(Caller):
    success, refusals = 200, (401, 429, CUT)

    def __init__(self, node, name: str):
        super().__init__(node, name)
        self.connection = Connection(node.port)

    def ask(self):
        try:
            return self.connection.request("GET", "/v1/cache/load", tokens.bearer(self.token_name)).status
        except BrokenAnswer:
            # What a removed token has under way on another loop ends with its connection.
            if self.token_name != "gone":
                raise
            self.connection.close()
            self.connection = Connection(self.node.port)
            return CUT


class RESPCaller(Caller):
    success, refusals = b"v", (MISSING,)

    def __init__(self, node, name: str):
        super().__init__(node, name)
        self.connection = RESPConnection(node.resp_port)
        assert self.connection.call("AUTH", tokens.text(name)) == OK

    def ask(self):
        return self.connection.call("GET", "load")


def test_a_removed_token_is_refused_within_a_second_and_no_other_request_fails(node):
    reload(node, [tokens.entry("web"), tokens.entry("gone")])
    with RESPConnection(node.resp_port) as setter:
        assert setter.call("AUTH", tokens.text("web")) == OK
        assert setter.call("SET", "load", "v") == OK
    staying = [kind(node, "web") for kind in (HTTPCaller, RESPCaller) for _ in range(2)]
    leaving = [kind(node, "gone") for kind in (HTTPCaller, RESPCaller) for _ in range(2)]
    for caller in staying + leaving:
        caller.start()
    wait_until(lambda: all(caller.answers > 50 for caller in staying + leaving), "everybody is answered")
    for step in range(10):
        # The tokens of those who stay are the same; others come and go.
        reload(node, [tokens.entry("web"), tokens.entry("gone"), tokens.entry(f"other{step}")])
    removed_at = time.monotonic()
    reload(node, [tokens.entry("web")])
    wait_until(lambda: all(caller.first_refusal for caller in leaving), "the removed token is refused")
    answers = [caller.answers for caller in staying]
    wait_until(
        lambda: all(caller.answers > before + 50 for caller, before in zip(staying, answers)), "others go on")
    for caller in staying + leaving:
        caller.end()
    assert [caller.unexpected for caller in staying + leaving] == [[]] * 8
    assert all(caller.first_refusal is None for caller in staying)
    used = max(caller.last_success for caller in leaving) - removed_at
    print(f"{sum(caller.answers for caller in staying)} requests of others, none refused;"
          f" the removed token was last accepted {used * 1_000:.0f} ms after SIGHUP")
    assert used < REMOVED_SECONDS_MAX
    assert all(caller.last_success < caller.first_refusal for caller in leaving), "once refused, always refused"


@pytest.mark.parametrize("content, mode", [("[{}]", 0o600), ("[", 0o600), ("[]", 0o644)])
def test_a_file_that_is_wrong_leaves_the_tokens_as_they_are(start_node, token_file, content, mode):
    node = start_node(loops=2, tokens=token_file)
    tokens.write(token_file, content, mode=mode)
    node.process.send_signal(signal.SIGHUP)
    line = wait_until(lambda: next((line for line in node.log() if line["level"] == "warning"), None), "a warning")
    assert str(token_file) in line["faults"]
    with Connection(node.port) as client:
        assert client.request("GET", "/v1/cache/k", tokens.bearer("reader")).status == 404
    reload(node, [tokens.entry("next")])
    with Connection(node.port) as client:
        assert client.request("GET", "/v1/cache/k", tokens.bearer("reader")).status == 401
        assert client.request("GET", "/v1/cache/k", tokens.bearer("next")).status == 404


def test_hanging_up_a_node_without_tokens_does_nothing(start_node):
    node = start_node()
    node.process.send_signal(signal.SIGHUP)
    with Connection(node.port) as client:
        assert client.request("GET", "/livez").status == 200


# Failed logins

def test_failed_logins_are_limited_over_all_loops(node):
    statuses = []
    for _ in range(100):
        with Connection(node.port) as client:
            statuses.append(client.request("GET", "/metrics", {"Authorization": "Bearer wrong"}).status)
    assert statuses == [401] * 60 + [429] * 40
    with RESPConnection(node.resp_port) as client:
        assert client.call("AUTH", "wrong").text.startswith(b"ERR too many failed logins from this address")
        assert client.is_closed_by_server()
    with Connection(node.port) as client:
        answer = client.request("GET", "/metrics", {"Authorization": "Bearer wrong"})
        assert answer.status == 429 and 1 <= int(answer["Retry-After"]) <= 60
        assert answer.json()["code"] == "too_many_requests"
        assert client.request("GET", "/metrics", tokens.bearer("reader")).status == 200
    with RESPConnection(node.resp_port) as client:
        assert client.call("AUTH", tokens.text("reader")) == OK


# Secrets

def test_no_token_appears_anywhere(node):
    """Right and wrong tokens are shown in every way that there is; then all that the node says is searched for them."""
    right, wrong = tokens.text("web"), "tribe_marker_of_a_wrong_one"
    heard: list[bytes] = []
    with RESPConnection(node.resp_port) as monitor, RESPConnection(node.resp_port) as admin:
        assert admin.call("AUTH", right) == OK
        assert monitor.call("AUTH", right) == OK
        assert admin.call("CONFIG", "SET", "slowlog-log-slower-than", "0") == OK
        assert monitor.call("MONITOR") == OK
        for token in (right, wrong):
            with RESPConnection(node.resp_port) as client:
                for words in (["AUTH", token], ["auth", "web", token], ["AUTH", "a", "b", token],
                              ["HELLO", "3", "AUTH", "web", token, "SETNAME", "n"],
                              ["HELLO", "9", "AUTH", "web", token],
                              ["HELLO", "2", "AUTH", "web", token, "SETNAME", "a b"], ["MULTI"], ["AUTH", token],
                              ["DISCARD"], ["GET", "k"]):
                    client.send(encode(*words))
                    heard.append(repr(client.read()).encode())
                client.send(f"AUTH {token}\r\nGET k\r\n".encode())
                heard.append(repr([client.read(), client.read()]).encode())
            with Connection(node.port) as client:
                header = {"Authorization": f"Bearer {token}"}
                for method, path, headers in [
                        ("GET", "/v1/cache/k", header), ("GET", "/nope", header), ("POST", "/", header),
                        ("GET", "/get/k", header), ("GET", f"/get/k?_token={token}", {}),
                        ("GET", f"/nosuch/k?_token={token}", {}), ("GET", f"/get?_token={token}", {}),
                        ("GET", f"/v1/cache/k?_token={token}", header), ("GET", "/metrics", header),
                        ("GET", "/", header), ("GET", "/openapi.json", header), ("GET", "/v1/cluster", header)]:
                    answer = client.request(method, path, headers)
                    # A fault of a parameter names it, not its value.
                    heard.append(repr(answer.headers).encode() + answer.body)
        for words in (["INFO", "everything"], ["CLIENT", "LIST"], ["SLOWLOG", "GET", "-1"], ["CONFIG", "GET", "*"],
                      ["COMMAND"], ["COMMAND", "DOCS"], ["LATENCY", "LATEST"], ["KEYS", "*"], ["CLIENT", "INFO"]):
            heard.append(repr(admin.call(*words)).encode())
        slow = heard[-7]
        assert b"(redacted)" in slow, "AUTH was slow, and is there without its words"
        admin.call("SET", "end", "x")
        seen = b""
        while b'"end"' not in seen:
            seen += repr(monitor.read()).encode()
        assert b"(redacted)" in seen
        heard.append(seen)
    reload(node, [tokens.entry("web"), tokens.entry("reader") | {"sha256": wrong}],
           "settings rejected: the old ones stay in force")
    reload(node, [tokens.entry("web")])
    assert node.stop() == 0
    heard.append(node.output().encode())
    heard.append(" ".join(node.command()).encode())
    for text in heard:
        assert right.encode() not in text and wrong.encode() not in text, text[:2_000]
    assert all(isinstance(text, bytes) and text for text in heard)
    print(f"{len(heard)} texts of {sum(map(len, heard))} bytes searched for both tokens")
