"""A cluster of real nodes on this machine, each with a settings file and a data folder of its own."""
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

from http_client import Connection
from servers import TRIBE, Tribe, free_port
from waiting import wait_until

HOST = "127.0.0.1"


class ClusterMember(Tribe):
    """One node of a cluster. `roster` is the list of nodes that its own copy of the settings has at first."""

    def __init__(self, node_id: str, hosts: dict | None = None, prefix: tuple[str, ...] = ()):
        super().__init__()
        self.id = node_id
        # What goes before the command: to run it in a network namespace.
        self.prefix = prefix
        self.entry = {"id": node_id, "host": HOST, "peer": free_port(), "http": free_port(), "resp": free_port()}
        self.entry |= hosts or {}
        self.settings_file = self.folder / "cluster.json"

    def write(self, members: dict):
        draft = self.folder / "cluster.json.draft"
        draft.write_text(json.dumps(members, indent=4))
        os.replace(draft, self.settings_file)

    def command(self) -> list[str]:
        return [*self.prefix, str(TRIBE), "start", "--config", str(self.settings_file), "--node", self.id]

    @property
    def url(self) -> str:
        return f"http://{self.entry['host']}:{self.entry['http']}"

    def start(self):
        self.port = 0
        return super().start()

    def get(self, path: str) -> dict:
        with Connection(self.port, self.entry["host"]) as client:
            response = client.request("GET", path)
            assert response.status == 200, response
            return response.json()

    def states(self) -> dict[str, str]:
        """How it sees each member."""
        return {member["id"]: member["state"] for member in self.get("/v1/cluster")["members"]}

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """At once, as a crash does. A stopped process dies of it too."""
        super().kill()

    def changes(self, member: str) -> list[dict]:
        """What it has logged of a member: every change of its state, in order."""
        return [line for line in self.log()
                if line["message"].startswith("member is ") and line.get("member") == member]


class Cluster:
    """`count` nodes n1, n2, …; the first roster has all of them."""

    def __init__(self, count: int, settings: dict | None = None, secret: bool = False):
        self.settings = settings or {}
        self.nodes = [ClusterMember(f"n{number}") for number in range(1, count + 1)]
        self.generation = 1
        self.secret = secrets.token_hex(32) if secret else None
        for node in self.nodes:
            self.give_settings(node)

    def members(self, nodes: list[ClusterMember] | None = None) -> dict:
        entries = [node.entry for node in nodes or self.nodes]
        return {"cluster": "test", "generation": self.generation, "loops": 1, "cache": {"memory": "32MiB"},
                "dataDir": "data", "nodes": entries} | self.settings

    def give_settings(self, node: ClusterMember, **more):
        if self.secret and "secretFile" not in more:
            write_secret(node.folder / "secret", self.secret)
            more["secretFile"] = "secret"
        node.write(self.members() | more)

    def __getitem__(self, node_id: str) -> ClusterMember:
        return next(node for node in self.nodes if node.id == node_id)

    def start(self):
        for node in self.nodes:
            node.start()
        self.wait_until_well()
        return self

    def running(self) -> list[ClusterMember]:
        return [node for node in self.nodes if node.process is not None and node.process.poll() is None]

    def wait_until_well(self, seconds: float = 15):
        """Until every running node sees all nodes of the roster alive."""
        wait_until(self.is_well, "all members see each other alive", seconds)

    def is_well(self) -> bool:
        try:
            return all(set(node.states().values()) == {"alive"} for node in self.running())
        except OSError:
            return False

    def wait_until_seen(self, node_id: str, state: str, by: list[ClusterMember], seconds: float = 15) -> float:
        """Until each of `by` sees the node in this state; seconds that it took."""
        began = time.monotonic()
        wait_until(lambda: all(node.states().get(node_id) == state for node in by), f"{node_id} is {state}", seconds,
                   interval=0.005)
        return time.monotonic() - began

    def others(self, node: ClusterMember) -> list[ClusterMember]:
        return [other for other in self.running() if other is not node]

    def add(self, node: ClusterMember):
        self.nodes.append(node)
        self.generation += 1

    def end(self):
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.kill()
            node.discard()


def write_secret(file: Path, *lines: str):
    """Replaces it as a whole, readable by its owner alone."""
    draft = file.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text("".join(f"{line}\n" for line in lines))
    os.replace(draft, file)


def tribe(*words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([TRIBE, *words], env=os.environ | environment, capture_output=True, text=True, timeout=60)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
