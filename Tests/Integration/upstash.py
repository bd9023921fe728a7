"""The Upstash front as its tests see it: commands, answers and streams of events over a bare connection."""
import base64
import json
import re

from http_client import Connection, Response

BASE64 = {"Upstash-Encoding": "base64"}
RESP2 = {"Upstash-Response-Format": "resp2"}
EVENTS = {"Accept": "text/event-stream"}


def post(client: Connection, path: str, body, headers: dict[str, str] | None = None) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.request("POST", path, headers, data)


def command(client: Connection, *words, headers: dict[str, str] | None = None) -> Response:
    return post(client, "/", list(words), headers)


def result(response: Response):
    """The result of a command that succeeded, whose answer has all that every such answer has."""
    assert response.status == 200, response
    expect_fields(response)
    assert response["content-type"] == "application/json"
    answer = response.json()
    assert list(answer) == ["result"], answer
    return answer["result"]


def run(client: Connection, *words):
    return result(command(client, *words))


def error(response: Response, status: int = 400) -> str:
    """The text of an error, in this front's form."""
    assert response.status == status, response
    expect_fields(response)
    assert response["content-type"] == "application/json"
    answer = response.json()
    assert list(answer) == ["error"], answer
    if status == 503:
        assert int(response["retry-after"]) > 0
    if status == 405:
        assert response["allow"] == "GET, HEAD, POST, PUT"
    return answer["error"]


def expect_fields(response: Response):
    assert re.fullmatch(r"[0-9a-f]+", response["upstash-sync-token"])
    assert response["x-request-id"] and response["date"]
    assert response["cache-control"] == "no-store"
    assert response["x-content-type-options"] == "nosniff"
    if response.get("content-length") is not None and response.body:
        assert int(response["content-length"]) == len(response.body)


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


class Events:
    """A stream of events: opened when this returns, read one event after the other."""

    def __init__(self, port: int, path: str, method: str = "POST", body: bytes | None = b"[]"):
        self.connection = Connection(port)
        self.text = b""
        length = f"Content-Length: {len(body)}\r\n" if body is not None else ""
        self.connection.send((f"{method} {path} HTTP/1.1\r\nHost: {self.connection.host}\r\n"
                              f"Accept: text/event-stream\r\n{length}\r\n").encode() + (body or b""))
        status, self.headers = self.connection._read_head()
        assert status == 200 and self.headers["content-type"] == "text/event-stream"
        assert self.headers["transfer-encoding"] == "chunked"
        assert self.headers["upstash-sync-token"] and self.headers["x-request-id"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def next(self) -> bytes:
        """The data of the next event; comments are passed over."""
        while True:
            event, end, rest = self.text.partition(b"\n\n")
            if not end:
                self.text += self._read_chunk()
                continue
            self.text = rest
            if not event.startswith(b":"):
                lines = event.split(b"\n")
                assert all(line.startswith(b"data: ") for line in lines), event
                return b"\n".join(line[len(b"data: "):] for line in lines)

    def is_ended(self) -> bool:
        """Whether the server ended the stream; waits up to the time-out."""
        return self._read_chunk() == b"" and self.connection.is_closed_by_server()

    def _read_chunk(self) -> bytes:
        size = int(self.connection._read_through(b"\r\n")[:-2], 16)
        data = self.connection._read_exactly(size)
        assert self.connection._read_exactly(2) == b"\r\n"
        return data
