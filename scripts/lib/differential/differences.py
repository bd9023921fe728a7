"""Where Tribe answers otherwise than Redis, each with its reason. docs/redis.md lists them for users."""
import time
from dataclasses import dataclass
from typing import Any, Callable

from resp_client import OK, Error

# Deadlines in Tribe have 48 bits of milliseconds.
DEADLINE_MAX = (1 << 48) - 1
# What one step of each command's times is, in milliseconds, and whether it counts from now.
ASKING = {"ttl": (1000, True), "pttl": (1, True), "expiretime": (1000, False), "pexpiretime": (1, False)}
EXPIRING = {"expire": (1000, True), "pexpire": (1, True), "expireat": (1000, False), "pexpireat": (1, False)}


@dataclass(frozen=True)
class Known:
    """`applies` gets the name of the command, the call and both replies."""

    reason: str
    applies: Callable[[str, list[bytes], Any, Any], bool]


def answers_auth(name: str, call: list[bytes], ours, theirs) -> bool:
    return name == "auth" and ours == OK and isinstance(theirs, Error)


def tells_the_last_deadline(name: str, call: list[bytes], ours, theirs) -> bool:
    if name not in ASKING or not isinstance(ours, int) or not isinstance(theirs, int):
        return False
    unit, is_relative = ASKING[name]
    last = DEADLINE_MAX - (time.time() * 1000 if is_relative else 0)
    return ours < theirs and abs(ours - last / unit) <= 60_000 / unit


def compares_with_the_last_deadline(name: str, call: list[bytes], ours, theirs) -> bool:
    if name not in EXPIRING or not {option.upper() for option in call[3:]} & {b"GT", b"LT"}:
        return False
    unit, is_relative = EXPIRING[name]
    return {ours, theirs} == {0, 1} and int(call[2]) * unit + (time.time() * 1000 if is_relative else 0) > DEADLINE_MAX


def has_one_representation(name: str, call: list[bytes], ours, theirs) -> bool:
    if name != "object|encoding":
        return False
    # What APPEND and SETRANGE made is raw in Redis, what INCRBYFLOAT made a string even if it is a whole number.
    return theirs == b"raw" and ours in (b"embstr", b"int") or (ours, theirs) == (b"int", b"embstr")


def repeats_what_is_no_text(name: str, call: list[bytes], ours, theirs) -> bool:
    if not isinstance(ours, Error) or not isinstance(theirs, Error) or "\ufffd".encode() not in ours.text:
        return False
    # Where Redis cuts the repetition after so many bytes, Tribe does before it puts three in the place of one.
    begin, _, _ = theirs.text.decode("utf-8", "replace").partition("\ufffd")
    return ours.text.decode().startswith(begin)


def refuses_an_offset_that_wraps(name: str, call: list[bytes], ours, theirs) -> bool:
    if name not in ("bitfield", "bitfield_ro") or ours != Error(b"ERR bit offset is not an integer or out of range"):
        return False
    return any(word.startswith(b"#") and word[1:].isdigit() and int(word[1:]) >= 1 << 56 for word in call)


KNOWN = [
    Known("Errors are text: of what they repeat, bytes that are no UTF-8 become U+FFFD.", repeats_what_is_no_text),
    Known("Without tokens AUTH answers OK: clients that are set up with a password work on a developer's machine.",
          answers_auth),
    Known("Deadlines end with the year 10889: they have 48 bits.", tells_the_last_deadline),
    Known("So GT and LT with later times compare with that.", compares_with_the_last_deadline),
    Known("OBJECT ENCODING names what Redis would store for a SET of the value: there is one representation.",
          has_one_representation),
    Known("BITFIELD's #n times the width does not wrap round at 2^64.", refuses_an_offset_that_wraps),
]


def is_known(name: str, call: list[bytes], ours, theirs) -> bool:
    return any(known.applies(name, call, ours, theirs) for known in KNOWN)
