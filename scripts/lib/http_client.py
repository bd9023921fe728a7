"""HTTP/1.1 over a bare socket: what is sent is exactly what the caller wrote, and what comes back is kept raw.

The standard library's client refuses to send most of what a hostile client sends, hides interim answers, and cannot
pipeline. This one does the opposite, and is strict about what it reads: an answer that is not framed as RFC 9112 says
raises `BrokenAnswer`.
"""
import json
import ssl
from dataclasses import dataclass, field

from raw_connection import RawConnection


class BrokenAnswer(Exception):
    """The server closed in the middle of an answer, or sent what is no answer."""


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes
    interim: list[int] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.headers[name.lower()]

    def get(self, name: str) -> str | None:
        return self.headers.get(name.lower())

    def json(self):
        return json.loads(self.body)


class Connection(RawConnection):
    """One connection. `request` waits for the answer; `send` and `read_response` are its halves, for pipelines."""

    def __init__(self, port: int, host: str = "127.0.0.1", timeout: float = 20, tls: ssl.SSLContext | None = None):
        self.host = f"{host}:{port}"
        super().__init__(port, host, timeout, tls)

    def request(self, method: str, path: str, headers: dict[str, str] | None = None,
                body: bytes | None = None) -> Response:
        self.send(render_request(method, path, self.host, headers, body))
        return self.read_response(is_head=method == "HEAD")

    def read_response(self, is_head: bool = False) -> Response:
        """The next final answer, with the statuses of the interim ones before it."""
        interim = []
        while True:
            status, headers = self._read_head()
            if status >= 200:
                break
            interim.append(status)
        has_body = not is_head and status not in (204, 304)
        return Response(status, headers, self._read_body(headers) if has_body else b"", interim)

    def _read_head(self) -> tuple[int, dict[str, str]]:
        head = self._read_through(b"\r\n\r\n").decode("latin-1")
        status_line, *lines = head[:-4].split("\r\n")
        version, _, rest = status_line.partition(" ")
        if version != "HTTP/1.1" or not rest[:3].isdigit():
            raise BrokenAnswer(f"status line {status_line!r}")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip():
                raise BrokenAnswer(f"header line {line!r}")
            if name.lower() in headers:
                raise BrokenAnswer(f"field {name} twice")
            headers[name.lower()] = value.strip()
        return int(rest[:3]), headers

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return self._read_exactly(int(headers["content-length"]))
        if headers.get("transfer-encoding") == "chunked":
            return self._read_chunks()
        raise BrokenAnswer(f"an answer without a length: {headers}")

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := int(self._read_through(b"\r\n")[:-2], 16):
            body += self._read_exactly(size)
            self._expect(b"\r\n")
        self._expect(b"\r\n")
        return bytes(body)

    def _expect(self, data: bytes):
        found = self._read_exactly(len(data))
        if found != data:
            raise BrokenAnswer(f"{found!r} where {data!r} belongs")

    def _read_through(self, mark: bytes) -> bytes:
        start = 0
        while (place := self.buffer.find(mark, start)) < 0:
            start = max(0, len(self.buffer) - len(mark))
            self._fill()
        return self._take(place + len(mark))

    def _read_exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._fill()
        return self._take(count)

    def _take(self, count: int) -> bytes:
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def _fill(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise BrokenAnswer(f"closed after {bytes(self.buffer[-200:])!r}")
        self.buffer += data


def render_request(method: str, path: str, host: str, headers: dict[str, str] | None = None,
                   body: bytes | None = None) -> bytes:
    """The bytes of a request; a body gets its Content-Length unless a header frames it already."""
    fields = {"Host": host} | (headers or {})
    names = {name.lower() for name in fields}
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        fields["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")
