"""Server-sent events (HTML Living Standard §9.2) as a client sees them."""
import json
import time
from dataclasses import dataclass

from http_client import Connection, render_request


# A stream without events is kept open by comments: a test that waits for one that never comes is to fail.
EVENT_SECONDS = 30


@dataclass
class Event:
    id: str
    name: str
    data: dict


class EventStream(Connection):
    """A stream of `path`; `last`: the id behind which it goes on. Events without data and comments are passed over."""

    def __init__(self, port: int, path: str, last: str | None = None):
        super().__init__(port)
        self.text = b""
        self.retry: int | None = None
        self.send(render_request("GET", path, self.host, {"Last-Event-ID": last} if last else None))
        self.status, self.headers = self._read_head()

    def next_event(self) -> Event:
        deadline = time.monotonic() + EVENT_SECONDS
        while True:
            block, mark, rest = self.text.partition(b"\n\n")
            if not mark:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no event within {EVENT_SECONDS} s")
                self.text += self._read_chunk()
                continue
            self.text = rest
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if ": " in line)
            if "retry" in fields:
                self.retry = int(fields["retry"])
            if "data" in fields:
                return Event(fields["id"], fields["event"], json.loads(fields["data"]))

    def _read_chunk(self) -> bytes:
        size = int(self._read_through(b"\r\n")[:-2], 16)
        data = self._read_exactly(size)
        self._expect(b"\r\n")
        return data
