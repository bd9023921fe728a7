"""What a client did and was answered. Times are seconds of one monotonic clock, which all processes here share."""
import enum
from typing import NamedTuple


class Kind(enum.Enum):
    GET = "get"
    PUT = "put"
    DELETE = "delete"
    INCREMENT = "increment"


class Outcome(enum.Enum):
    OK = "ok"
    # It may stand or not: answered with an error, or not answered.
    UNKNOWN = "unknown"
    # It must not stand: its node has said, or the scenario knows, that it was never executed.
    REFUSED = "refused"


class Operation(NamedTuple):
    key: str
    kind: Kind
    # PUT: what was written; GET: what was read, None for a miss; INCREMENT: the answer; DELETE: None.
    value: int | str | None
    start: float
    end: float
    outcome: Outcome
    # The node that was asked.
    node: str
    # Of a write: the last moment at which it may have taken its place among the writes of its key. That is `end`,
    # unless nobody answered: then a node may have executed it until the deadline of the request.
    latest: float = 0.0
    # Of an acknowledged write: how many nodes hold it, by its answer; 0 if the answer did not say.
    copies: int = 0
    # The answer was marked: not every node that may hold something newer could be asked.
    is_partial: bool = False
    # What went wrong, or how a final value was read.
    detail: str = ""

    @property
    def is_write(self) -> bool:
        return self.kind is not Kind.GET

    @property
    def seconds(self) -> float:
        return self.end - self.start


class Kill(NamedTuple):
    """All that a node held in memory is gone."""

    time: float


class Healed(NamedTuple):
    """Every partition has its full set of complete copies again: what was acknowledged before is on all of them."""

    time: float


Event = Kill | Healed
