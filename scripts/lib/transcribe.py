"""Fills transcripts in with the replies of a real Redis 7. Tests/Transcripts/README.md describes their format."""
import argparse
import re
import socket
import time
from pathlib import Path

RUN_MIN = 32
# A time of an expiry was computed a little after ours was read.
DRIFT_STEP_MS = 100
TIMES_SECONDS = 10_000_000
ESCAPES = {'"': 0x22, "\\": 0x5C, "n": 0x0A, "r": 0x0D, "t": 0x09}
WORD = re.compile(r'"(?:[^"\\]|\\.)*"(?:\*\d+)?(?:\+"(?:[^"\\]|\\.)*"(?:\*\d+)?)*|[^ ]+')
PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\*(\d+))?')


class VersionRefused(Exception):
    """The server does not speak this version of the protocol."""


class Connection:
    def __init__(self, port: int, version: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.file = self.socket.makefile("rb")
        self.version = version
        if version == 3:
            reply = self.ask([b"HELLO", b"3"], 0)
            if reply[0].startswith("-"):
                raise VersionRefused(reply[0])
        self.ask([b"FLUSHALL"], 0)

    def ask(self, words: list[bytes], now: int) -> list[str]:
        frame = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        self.socket.sendall(frame)
        return self.read(words[0].lower(), now)

    def read(self, command: bytes, now: int, indent: str = "") -> list[str]:
        line = self.file.readline().removesuffix(b"\r\n")
        kind, rest = chr(line[0]), line[1:].decode()
        if kind in "*%~>":
            if rest == "-1":
                return [indent + "nil array"]
            lines = [indent + kind + rest]
            for _ in range(int(rest) * (2 if kind == "%" else 1)):
                lines += self.read(command, now, indent + "  ")
            return lines
        if kind in "$=":
            if rest == "-1":
                return [indent + "nil"]
            data = self.file.read(int(rest) + 2)[:-2]
            return [indent + (quote(data) if kind == "$" else "=" + data.decode())]
        if kind == "_":
            return [indent + "nil"]
        return [indent + kind + (integer(int(rest), command, now) if kind == ":" else rest)]


def integer(number: int, command: bytes, now: int) -> str:
    if command == b"pttl" and number > 0:
        return str(-(-number // DRIFT_STEP_MS) * DRIFT_STEP_MS)
    if abs(number - now) < TIMES_SECONDS * 1000:
        return "{ms%+d}" % (round((number - now) / DRIFT_STEP_MS) * DRIFT_STEP_MS)
    if abs(number - now // 1000) < TIMES_SECONDS:
        return "{s%+d}" % (number - now // 1000)
    return str(number)


def escaped(byte: int) -> str:
    for letter, code in ESCAPES.items():
        if code == byte:
            return "\\" + letter
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"


def quote(data: bytes) -> str:
    pieces, plain, index = [], "", 0
    while index < len(data):
        end = index
        while end < len(data) and data[end] == data[index]:
            end += 1
        if end - index >= RUN_MIN:
            pieces += [f'"{plain}"'] if plain else []
            pieces.append(f'"{escaped(data[index])}"*{end - index}')
            plain = ""
        else:
            plain += escaped(data[index]) * (end - index)
        index = end
    return "+".join(pieces + ([f'"{plain}"'] if plain or not pieces else []))


def unescaped(text: str) -> bytes:
    def byte(match: re.Match) -> str:
        return chr(int(match[1], 16)) if match[1] else chr(ESCAPES[match[2]])
    return re.sub(r"\\(?:x([0-9a-f]{2})|(.))", byte, text).encode("latin-1")


def words(line: str, now: int) -> list[bytes]:
    found = []
    for word in WORD.findall(line):
        if word.startswith('"'):
            found.append(b"".join(unescaped(text) * int(count or 1) for text, count in PIECE.findall(word)))
        else:
            word = re.sub(r"\{s([+-]\d+)\}", lambda match: str(now // 1000 + int(match[1])), word)
            found.append(re.sub(r"\{ms([+-]\d+)\}", lambda match: str(now + int(match[1])), word).encode())
    return found


def replies(lines: list[str], port: int, version: int) -> list[list[str]]:
    connection = Connection(port, version)
    now = time.time_ns() // 1_000_000
    found = []
    for line in lines:
        if line.startswith("> "):
            found.append(connection.ask(words(line[2:], now), now))
        elif line.startswith("~ "):
            time.sleep(int(line[2:]) / 1000)
            now = time.time_ns() // 1_000_000
    return found


def transcribe(path: Path, port: int) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("<")]
    pairs = iter(zip(replies(lines, port, 2), replies(lines, port, 3)))
    written = []
    for line in lines:
        written.append(line)
        if line.startswith("> "):
            two, three = next(pairs)
            if two == three:
                written += ["< " + reply for reply in two]
            else:
                written += ["<2 " + reply for reply in two] + ["<3 " + reply for reply in three]
    path.write_text("\n".join(written) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="of a Redis 7 that may be emptied")
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args()
    for path in options.files:
        transcribe(path, options.port)


if __name__ == "__main__":
    main()
