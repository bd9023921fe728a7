"""When two replies to one call are the same."""
import re
from dataclasses import dataclass

from resp_client import Error, Map

# What tells of the server, its clock, its memory or its clients: the form has to be the same, the content is its own.
OWN_CONTENT = {
    "time", "info", "client|id", "client|info", "client|list", "memory|usage", "object|freq", "object|refcount",
    "config|get", "latency|latest", "latency|history", "latency|reset", "slowlog|get", "slowlog|len", "command",
    "command|count", "command|list", "command|docs", "command|info", "scan", "randomkey",
}
LETTERS = re.compile(rb"[A-Za-z ]*")
UNORDERED = {"keys", "pubsub|channels"}
# Seconds or milliseconds that depend on when a call arrived.
# These are compared only where it is known which call a reply belongs to.
NOT_EXACT = OWN_CONTENT | UNORDERED | {"ttl", "expiretime", "pttl", "pexpiretime", "dbsize", "hello", "auth"}
CLOCKED = {"ttl": 1, "expiretime": 1, "pttl": 1000, "pexpiretime": 1000}


@dataclass(frozen=True)
class Closed:
    """The server closed the connection, or did not answer in time."""

    reason: str


def name_of(call: list[bytes], containers: set[str]) -> str:
    name = call[0].decode("latin-1").lower()
    if name in containers and len(call) > 1:
        return f"{name}|{call[1].decode('latin-1').lower()}"
    return name


def are_identical(ours, theirs) -> bool:
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, (list, tuple)):
        return len(ours) == len(theirs) and all(map(are_identical, ours, theirs))
    return ours == theirs


@dataclass
class Leeway:
    """What has happened so far by which replies may differ."""

    # By how many seconds the servers may have got a call at different times.
    seconds: float = 0
    # Keys that were set with a time in the past: who counts keys may still count them, or not.
    lingering: int = 0


def are_same(name: str, ours, theirs, leeway: Leeway) -> bool:
    if are_identical(ours, theirs):
        return True
    if isinstance(ours, Error) or isinstance(theirs, Error) or type(ours) is not type(theirs):
        return False
    if name in OWN_CONTENT or name.endswith("|help"):
        return True
    if name in CLOCKED:
        return min(ours, theirs) > 0 and abs(ours - theirs) <= CLOCKED[name] * (1 + leeway.seconds)
    if name == "dbsize":
        return abs(ours - theirs) <= leeway.lingering
    if name in UNORDERED:
        return sorted(ours) == sorted(theirs)
    if name == "hello":
        return describe_greeting(ours) == describe_greeting(theirs)
    return False


def sets_in_the_past(call: list[bytes], now: float) -> bool:
    """Whether a SET that was done gave the key a time that is over."""
    for option, word in zip(call[3:], call[4:]):
        if option.upper() in (b"EXAT", b"PXAT") and word.isdigit():
            return int(word) / (1 if option.upper() == b"EXAT" else 1000) < now
    return False


def describe_greeting(reply) -> list:
    """The names that HELLO lists, and which protocol it speaks."""
    pairs = list(reply) if isinstance(reply, Map) else list(zip(reply[::2], reply[1::2]))
    return [(key, value if key == b"proto" else type(value)) for key, value in pairs]


def outline(reply) -> str:
    """What kind of reply it is, so that differences of one cause look alike."""
    if isinstance(reply, Error):
        # Up to what it quotes.
        return "Error " + LETTERS.match(reply.text)[0].decode()
    if isinstance(reply, list):
        return f"{type(reply).__name__}[{', '.join(sorted({outline(item) for item in reply}))}]"
    return type(reply).__name__
