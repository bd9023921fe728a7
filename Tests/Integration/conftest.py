"""Nodes to test: release binaries on free ports, driven from outside and looked at again when they have ended."""
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts/lib"))

import tokens  # noqa: E402
from cluster import Cluster  # noqa: E402
from http_client import Connection  # noqa: E402
from servers import Tribe, raise_descriptor_limit  # noqa: E402

raise_descriptor_limit()


def pytest_configure(config):
    config.addinivalue_line("markers", "memory: weighs the node, which means nothing of an instrumented one")
    config.addinivalue_line("markers", "release: looks into the program as it is shipped, which no instrumented one is")


def finish(server: Tribe):
    """Ends a node as an operator would, unless the test has: it must drain, exit 0, and have logged no error
    and no secret (S14: whatever a test has sent, this is looked for in all that the node said and in its arguments)."""
    if server.process.poll() is None:
        assert tokens.MARKER not in Path(f"/proc/{server.process.pid}/cmdline").read_text()
        assert server.stop() == 0, server.output()
    assert server.process.returncode in (0, 1), f"ended with {server.process.returncode}:\n{server.output()[-5_000:]}"
    for line in server.log():
        assert {"time", "level", "message"} <= line.keys(), line
        assert line["level"] not in ("error", "critical"), line
    for secret in (tokens.MARKER, "PRIVATE KEY"):
        assert secret not in server.output()
    server.discard()


@pytest.fixture(scope="module", params=[1, 4], ids=["1-loop", "4-loops"])
def node(request):
    """A node with default settings, shared by the tests of a file: each takes keys of its own."""
    server = Tribe(loops=request.param).start()
    yield server
    finish(server)


@pytest.fixture
def start_node():
    """Starts nodes with settings of the test's choice."""
    servers = []

    def start(**options) -> Tribe:
        servers.append(Tribe(**options))
        return servers[-1].start()

    yield start
    for server in servers:
        finish(server)


@pytest.fixture
def start_cluster():
    """Starts clusters with settings of the test's choice."""
    clusters = []

    def start(count: int = 3, **options) -> Cluster:
        clusters.append(Cluster(count, **options))
        return clusters[-1].start()

    yield start
    for cluster in clusters:
        cluster.end()


@pytest.fixture
def client(node):
    with Connection(node.port) as connection:
        yield connection


@pytest.fixture
def connect(node):
    """Opens further connections to the node, closed when the test ends."""
    connections = []

    def open_connection() -> Connection:
        connections.append(Connection(node.port))
        return connections[-1]

    yield open_connection
    for connection in connections:
        connection.close()


@pytest.fixture
def key() -> str:
    return f"test:{uuid.uuid4().hex}"


@pytest.fixture
def path(key) -> str:
    return f"/v1/cache/{key}"
