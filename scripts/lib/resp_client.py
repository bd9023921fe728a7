"""The Redis protocol over a bare socket: what is sent is exactly what the caller wrote, and replies keep their type.

Client libraries turn errors into exceptions, nulls into None whatever their form, and hide what a server pushes. Here
a reply is a Python value that says on which form it came, so that two servers can be compared reply by reply:

    +OK           Status(b"OK")          :1   1         $1 a  b"a"        $-1   None        *-1  NullArray
    -ERR no       Error(b"ERR no")       *1   [...]     ,1.5  Double      #t    True        _    Null
    %1            Map([(key, value)])    ~1   Set([])   >1    Push([])    =txt  Verbatim    (1   BigNumber
"""
import ssl
from dataclasses import dataclass
from typing import Iterable

from raw_connection import RawConnection


class BrokenReply(Exception):
    """The server closed in the middle of a reply, or sent what is no reply."""


@dataclass(frozen=True)
class Status:
    text: bytes


@dataclass(frozen=True)
class Error:
    text: bytes

    @property
    def code(self) -> str:
        return self.text.split(b" ", 1)[0].decode()


@dataclass(frozen=True)
class Double:
    text: bytes


@dataclass(frozen=True)
class BigNumber:
    text: bytes


@dataclass(frozen=True)
class Verbatim:
    format: bytes
    text: bytes


@dataclass(frozen=True)
class NullType:
    """RESP3's null, and RESP2's absence of an array; RESP2's absent string is None."""

    name: str

    def __bool__(self):
        return False


Null = NullType("null")
NullArray = NullType("null array")


class Aggregate(list):
    """A list that is equal only to others of its kind."""

    __hash__ = None

    def __eq__(self, other):
        return type(self) is type(other) and list.__eq__(self, other)

    def __ne__(self, other):
        return not self == other

    def __repr__(self):
        return f"{type(self).__name__}({list.__repr__(self)})"


class Map(Aggregate):
    """Pairs, in the order in which they came."""

    def get(self, name: bytes):
        return next((value for key, value in self if key == name), None)


class Set(Aggregate):
    pass


class Push(Aggregate):
    pass


OK = Status(b"OK")
PONG = Status(b"PONG")
QUEUED = Status(b"QUEUED")

Word = bytes | str | int | float


def encode_word(word: Word) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()


def encode(*words: Word) -> bytes:
    """A command as an array of strings."""
    pieces = [b"*%d\r\n" % len(words)]
    for word in words:
        data = encode_word(word)
        pieces.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(pieces)


class RESPConnection(RawConnection):
    """One connection. `call` waits for the reply; `send` and `read` are its halves, for pipelines and pushes."""

    def __init__(self, port: int, host: str = "127.0.0.1", timeout: float = 20, protocol: int = 2,
                 tls: ssl.SSLContext | None = None):
        super().__init__(port, host, timeout, tls)
        if protocol != 2:
            reply = self.call("HELLO", protocol)
            if not isinstance(reply, Map):
                self.close()
                raise BrokenReply(f"HELLO {protocol}: {reply}")

    def call(self, *words: Word):
        """Sends a command and returns its reply; an error is a value like others."""
        self.send(encode(*words))
        return self.read()

    def pipeline(self, commands: Iterable[Iterable[Word]]) -> list:
        """Sends all commands at once; what they and their replies take must fit into the buffers on the way."""
        commands = [list(command) for command in commands]
        self.send(b"".join(encode(*command) for command in commands))
        return [self.read() for _ in commands]

    def read(self):
        """The next reply, or the next push."""
        line = self._read_line()
        kind, rest = line[:1], line[1:]
        match kind:
            case b"+":
                return Status(rest)
            case b"-":
                return Error(rest)
            case b":":
                return int(rest)
            case b"$":
                return None if rest == b"-1" else self._read_block(int(rest))
            case b"*":
                return NullArray if rest == b"-1" else self._read_items(rest)
            case b"_":
                return Null
            case b",":
                return Double(rest)
            case b"#":
                return {b"t": True, b"f": False}[rest]
            case b"(":
                return BigNumber(rest)
            case b"=":
                text = self._read_block(int(rest))
                return Verbatim(text[:3], text[4:])
            case b"~":
                return Set(self._read_items(rest))
            case b">":
                return Push(self._read_items(rest))
            case b"%":
                return Map((self.read(), self.read()) for _ in range(int(rest)))
        raise BrokenReply(f"{line!r} begins no reply")

    def _read_items(self, count: bytes) -> list:
        return [self.read() for _ in range(int(count))]

    def _read_line(self) -> bytes:
        start = self.place
        while (end := self.buffer.find(b"\r\n", start)) < 0:
            # The buffer moves when it is filled: what is left starts at `place` again.
            scanned = len(self.buffer) - self.place
            self._fill()
            start = self.place + max(0, scanned - 1)
        line = bytes(self.buffer[self.place:end])
        self.place = end + 2
        return line

    def _read_block(self, count: int) -> bytes:
        while len(self.buffer) - self.place < count + 2:
            self._fill()
        end = self.place + count
        block = bytes(self.buffer[self.place:end])
        if self.buffer[end:end + 2] != b"\r\n":
            raise BrokenReply(f"{bytes(self.buffer[end:end + 2])!r} behind a string of {count} bytes")
        self.place = end + 2
        return block

    def _fill(self):
        del self.buffer[:self.place]
        self.place = 0
        data = self.socket.recv(1 << 20)
        if not data:
            raise BrokenReply(f"closed after {bytes(self.buffer[-200:])!r}")
        self.buffer += data
