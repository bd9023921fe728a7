"""Transcripts of the Redis protocol over the network: on four loops, commands about several keys run on copies."""
from pathlib import Path

import pytest

import transcribe
from conftest import finish
from servers import Tribe

FOLDER = Path(__file__).resolve().parents[1] / "Transcripts/resp"
# Where time passes in one, the clock of the player in NodeTests is asked instead.
FILES = [path for path in sorted(FOLDER.glob("*.txt")) if "\n~ " not in path.read_text()]


class Node(Tribe):
    """With values of a mebibyte at most, as the transcripts have it."""

    def __init__(self, loops: int):
        super().__init__(loops=loops, settings={"TRIBE_CACHE_VALUEMAX": "1MiB"})


@pytest.fixture(scope="module", params=[1, 4], ids=["1-loop", "4-loops"])
def resp_port(request):
    server = Node(request.param).start()
    yield server.resp_port
    finish(server)


def scenes(lines: list[str], version: int) -> list[tuple[str, list[str]]]:
    """Each command with the lines of its reply."""
    found = []
    for line in lines:
        mark, _, text = line.partition(" ")
        if mark == ">":
            found.append((text, []))
        elif mark in ("<", f"<{version}"):
            found[-1][1].append(text)
    return found


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_commands_answer_as_written(resp_port, path, version):
    lines = path.read_text().splitlines()
    try:
        replies = transcribe.replies(lines, resp_port, version)
    except transcribe.VersionRefused as refusal:
        pytest.skip(str(refusal))
    for (command, wanted), found in zip(scenes(lines, version), replies, strict=True):
        assert found == wanted, command
