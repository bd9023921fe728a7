"""The requests of the recording client and their answers as bytes, quick enough for some thousands a second."""
import re
from typing import NamedTuple

from chaos.history import Kind

VALUE_BYTES = 100
PADDING = b"x" * VALUE_BYTES
HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
COPIES = re.compile(rb"\r\nx-tribe-copies: *(\d+)/\d+", re.IGNORECASE)
PARTIAL = re.compile(rb"\r\nx-tribe-partial: *true", re.IGNORECASE)
CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
CODE = re.compile(rb'"code":"(\w+)"')
READINESS = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Answer(NamedTuple):
    status: int
    body: bytes
    # Nodes that hold the write; 0 if the answer does not say.
    copies: int
    is_partial: bool
    closes: bool

    @property
    def fault(self) -> str:
        """The status, and what the problem is called."""
        code = CODE.search(self.body)
        return f"{self.status} {code[1].decode()}" if code else str(self.status)


def body_of(serial: int) -> bytes:
    """A value that tells which write it is of."""
    return (b"%d." % serial + PADDING)[:VALUE_BYTES]


def value_of(body: bytes) -> int | str:
    """The serial number of what was written, the number of a counter, or what it says that is neither."""
    digits = body.partition(b".")[0]
    if digits.isdigit() and body in (digits, body_of(int(digits))):
        return int(digits)
    return f"{len(body)} bytes {body[:40]!r}"


def request(kind: Kind, key: str, serial: int, acks: int | None) -> bytes:
    path = f"/v1/cache/{key}".encode()
    if kind is Kind.GET:
        return b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path
    if kind is Kind.DELETE:
        return b"DELETE %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path
    if kind is Kind.INCREMENT:
        return (b"POST %b/increment HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b'Content-Length: 8\r\n\r\n{"by":1}' % path)
    query = b"" if acks is None else b"?acks=%d" % acks
    return (b"PUT %b%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b"
            % (path, query, VALUE_BYTES, body_of(serial)))


def parse(data: bytearray) -> Answer | None:
    """The answer that `data` holds, None while it is not all there. There is one, for one request is under way."""
    end = data.find(HEAD_END)
    if end < 0:
        return None
    head = bytes(data[:end])
    length = LENGTH.search(head)
    start = end + len(HEAD_END)
    size = int(length[1]) if length else 0
    if len(data) < start + size:
        return None
    copies = COPIES.search(head)
    return Answer(int(head[9:12]), bytes(data[start:start + size]), int(copies[1]) if copies else 0,
                  PARTIAL.search(head) is not None, CLOSES.search(head) is not None)
