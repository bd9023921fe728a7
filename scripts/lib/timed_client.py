"""A client that asks at a fixed rate and notes how long each answer took, counted from when it should have asked."""
import math
import time
from typing import Iterable

from http_client import Connection

CONNECTIONS_COUNT = 8


class ServiceError(Exception):
    """A request of the well-behaved client was not answered with 200."""


class TimedClient:
    """Connected, and served once on each connection, before it measures anything."""

    def __init__(self, port: int, path: str):
        self.path = path
        self.connections = [Connection(port) for _ in range(CONNECTIONS_COUNT)]
        for index in range(CONNECTIONS_COUNT):
            self._ask(index)

    def close(self):
        for connection in self.connections:
            connection.close()

    def latencies(self, rate: int, seconds: float) -> list[float]:
        """Seconds from the planned time of each request to the end of its answer: a stalled server delays the next
        request, and that delay counts too."""
        found = []
        start = time.monotonic()
        for index in range(int(rate * seconds)):
            due = start + index / rate
            early = due - time.monotonic()
            if early > 0:
                time.sleep(early)
            self._ask(index)
            found.append(time.monotonic() - due)
        return found

    def _ask(self, index: int):
        answer = self.connections[index % CONNECTIONS_COUNT].request("GET", self.path)
        if answer.status != 200:
            raise ServiceError(f"request {index}: {answer.status} {answer.body!r}")


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1]
