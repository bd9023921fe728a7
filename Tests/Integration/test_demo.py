"""`tribe demo`: several nodes by one command, and nothing of them left behind."""
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import procfs
from http_client import Connection
from servers import STOP_SECONDS, TRIBE, free_port
from waiting import wait_until


class Demo:
    """A running demo. Its ports are moved to where nothing listens."""

    def __init__(self, folder: Path, count: int = 3, arguments: tuple[str, ...] = ()):
        self.count = count
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self.files = [folder / "output", folder / "errors"]
        self.http, self.resp, self.peer = (free_range(count) for _ in range(3))
        ports = ("-n", str(count), "--http", str(self.http), "--resp", str(self.resp), "--peer", str(self.peer))
        self.arguments = arguments or ports
        self.process: subprocess.Popen | None = None

    def start(self):
        with self.files[0].open("wb") as output, self.files[1].open("wb") as errors:
            self.process = subprocess.Popen(
                [TRIBE, "demo", "--memory", "64MiB", *self.arguments], stdout=output, stderr=errors,
                stdin=subprocess.DEVNULL, env=os.environ | {"TMPDIR": str(self.temporary)}, start_new_session=True)
        return self

    def wait_until_ready(self):
        wait_until(lambda: "ready. Settings" in self.output() or self.process.poll() is not None, "it is ready", 20)
        assert self.process.poll() is None, self.errors()
        return self

    def output(self) -> str:
        return self.files[0].read_text()

    def errors(self) -> str:
        return self.files[1].read_text()

    @property
    def nodes(self) -> list[int]:
        return procfs.children(self.process.pid)

    def end(self, with_signal: int = signal.SIGTERM) -> int:
        self.process.send_signal(with_signal)
        return self.process.wait(STOP_SECONDS)


def free_range(count: int) -> int:
    """The first of so many ports that nobody listens on."""
    while True:
        first = free_port()
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except (OSError, OverflowError):
            continue


def is_gone(pid: int) -> bool:
    """It has ended, even if nobody has asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def start_demo(tmp_path):
    demos = []

    def start(*arguments, **options) -> Demo:
        demos.append(Demo(tmp_path, *arguments, **options))
        return demos[-1].start()

    yield start
    for demo in demos:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()


def test_it_starts_nodes_and_stops_them(start_demo):
    demo = start_demo()
    began = time.monotonic()
    demo.wait_until_ready()
    print(f"three nodes were ready after {time.monotonic() - began:.2f} s")
    nodes = demo.nodes
    assert len(nodes) == 3
    for index in range(3):
        with Connection(demo.http + index) as client:
            assert client.request("GET", "/readyz").status == 200
    prefixes = {line.partition(" | ")[0] for line in demo.errors().splitlines()}
    assert prefixes == {"n1", "n2", "n3"}
    command = re.search(r"curl -X PUT --data-binary hello '(http://[^']+)'", demo.output())
    subprocess.run(["curl", "-sSf", "-X", "PUT", "--data-binary", "hello", command[1]], check=True, timeout=20)
    assert demo.end() == 0, demo.errors()
    assert all(map(is_gone, nodes))
    assert list(demo.temporary.iterdir()) == []


def test_a_terminals_interrupt_drains_all_and_a_second_one_ends_them(start_demo):
    demo = start_demo().wait_until_ready()
    nodes = demo.nodes
    # An upload that does not go on keeps its node from ending by itself.
    with Connection(demo.http) as client:
        assert client.request("GET", "/livez").status == 200
        client.send(b"PUT /v1/cache/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        with Connection(demo.http) as later:
            assert later.request("GET", "/livez").status == 200
        # To all processes of the group, as a terminal does.
        os.killpg(demo.process.pid, signal.SIGINT)
        wait_until(lambda: '"draining"' in demo.errors(), "the nodes drain")
        wait_until(lambda: sum(map(is_gone, nodes)) == 2, "those with nothing to do end")
        os.killpg(demo.process.pid, signal.SIGINT)
        assert demo.process.wait(STOP_SECONDS) == 1
    assert all(map(is_gone, nodes))


def test_nodes_end_with_a_demo_that_is_killed(start_demo):
    demo = start_demo(2).wait_until_ready()
    nodes = demo.nodes
    demo.process.kill()
    demo.process.wait()
    wait_until(lambda: all(map(is_gone, nodes)), "the nodes end too")


def test_a_node_that_is_killed_is_named_and_the_others_go_on(start_demo):
    demo = start_demo().wait_until_ready()
    os.kill(demo.nodes[1], signal.SIGKILL)
    wait_until(lambda: "n2 was ended by signal 9" in demo.errors(), "it is named")
    for index in (0, 2):
        with Connection(demo.http + index) as client:
            assert client.request("GET", "/livez").status == 200
    assert demo.end() == 0, demo.errors()


@pytest.mark.parametrize("kind", ["http", "resp", "peer"])
def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path, kind):
    demo = Demo(tmp_path)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", getattr(demo, kind) + 2))
        holder.listen()
        assert demo.start().process.wait(STOP_SECONDS) == 2
    assert f"127.0.0.1:{getattr(demo, kind) + 2} is taken" in demo.errors()
    assert list(demo.temporary.iterdir()) == []


def test_a_folder_is_kept_and_used_again(start_demo, tmp_path):
    folder = tmp_path / "kept"
    ports = [str(free_range(2)) for _ in range(3)]
    first = ("-n", "2", "--http", ports[0], "--resp", ports[1], "--peer", ports[2], "--dir", str(folder))
    demo = start_demo(2, first).wait_until_ready()
    assert demo.end() == 0

    def uids() -> list[str]:
        return [json.loads((folder / f"data/{node}/node.json").read_text())["uid"] for node in ("n1", "n2")]

    before = uids()
    again = start_demo(2, ("--dir", str(folder))).wait_until_ready()
    assert len(again.nodes) == 2
    assert again.end() == 0
    assert uids() == before


def test_settings_that_are_wrong_end_it_with_2(start_demo):
    demo = start_demo(1, ("-n", "1", "--http", str(free_port()), "--set", "cache.memory=1"))
    assert demo.process.wait(STOP_SECONDS) == 2
    assert "cache.memory" in demo.errors()
