"""Where Tribe answers otherwise than Redis, each with its reason. The same list stands in docs/redis.md."""
from dataclasses import dataclass
from typing import Any, Callable

from resp_client import OK, Error


@dataclass(frozen=True)
class Known:
    """`applies` gets the name of the command, the call and both replies."""

    reason: str
    applies: Callable[[str, list[bytes], Any, Any], bool]


KNOWN = [
    Known("Without tokens AUTH answers OK: clients that are set up with a password work on a developer's machine.",
          lambda name, call, ours, theirs: name == "auth" and ours == OK and isinstance(theirs, Error)),
]


def is_known(name: str, call: list[bytes], ours, theirs) -> bool:
    return any(known.applies(name, call, ours, theirs) for known in KNOWN)
