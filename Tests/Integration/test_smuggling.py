"""Request smuggling: of every vector in Tests/Corpus/http/smuggling, the hidden request never runs.

Each file is one connection's bytes. The hidden request is aimed at /livez instead of /smuggled, byte for byte the same
length, because answers of /livez are counted: the count must stay at nothing while all vectors pass.
"""
import socket
from pathlib import Path

import pytest

from expectations import metrics, total
from http_client import Connection

CORPUS = Path(__file__).resolve().parents[1] / "Corpus/http/smuggling"
VECTORS = sorted(CORPUS.glob("*.http"))
VECTORS_MIN = 60
HIDDEN, COUNTED = b"/smuggled", b"/livez?aa"


def vector_bytes(vector: Path) -> bytes:
    content = vector.read_bytes()
    assert HIDDEN in content, "a vector without a hidden request proves nothing"
    return content.replace(HIDDEN, COUNTED)


def harmless_vectors() -> set[str]:
    """Those whose hidden request is a body, by every reading of the standard: nothing is refused."""
    lines = (CORPUS / "faults.txt").read_text().splitlines() if VECTORS else []
    return {line.split()[0] for line in lines if line.split()[1:] == ["-"]}


def count_hidden(node) -> float:
    with Connection(node.port) as client:
        return total(metrics(client), "tribe_http_requests_total", 'route="/livez"')


def final_statuses(answers: bytes) -> list[int]:
    """The statuses in a stream of answers. No body here has a line that looks like a status line."""
    statuses = [int(line[9:12]) for line in answers.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    return [status for status in statuses if status >= 200]


def test_the_corpus_is_there():
    assert len(VECTORS) >= VECTORS_MIN


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.stem)
def test_the_hidden_request_never_runs(node, vector):
    before = count_hidden(node)
    with Connection(node.port, timeout=5) as connection:
        connection.send(vector_bytes(vector))
        if vector.name in harmless_vectors():
            connection.socket.shutdown(socket.SHUT_WR)
            statuses = final_statuses(connection.read_to_end())
        else:
            # The server closes, and without waiting for us to do so.
            statuses = final_statuses(connection.read_to_end())
            assert all(status >= 400 for status in statuses), statuses
    assert len(statuses) == 1, statuses
    assert count_hidden(node) == before


def test_the_count_would_have_told(node):
    before = count_hidden(node)
    with Connection(node.port) as connection:
        connection.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % COUNTED)
        assert connection.read_response().status == 200
    assert count_hidden(node) == before + 1
