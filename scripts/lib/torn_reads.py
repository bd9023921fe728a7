"""Writers that set several keys at once, and readers that must see all of a write or nothing of it.

Every write gives one value to all keys of a group, so a reply is whole if its values are the same. Replies have a fixed
form, and one regular expression looks through a thousand of them: Python keeps several loops busy.
"""
import multiprocessing
import random
import re
import socket
from dataclasses import dataclass

from resp_client import encode

GROUPS = [[b"torn:%d:%d" % (group, place) for place in range(4)] for group in range(4)]
VALUE_LENGTH = 8
# Of each connection. A read of keys on several loops waits for the one before it on its connection, so a reader has
# many.
BATCH = 20
CONNECTIONS = 64
WRITE_BATCH = 25
RECEIVE_SECONDS = 60

VALUES = rb"\*4\r\n(\$8\r\n[0-9]{8}\r\n)\1\1\1"
QUEUED = rb"\+OK\r\n(?:\+QUEUED\r\n){4}"
WHOLE = {"MGET": re.compile(rb"(?:%b)*" % VALUES), "EXEC": re.compile(rb"(?:%b%b)*" % (QUEUED, VALUES))}
REPLY_LENGTH = {"MGET": 4 + 4 * 14, "EXEC": 5 + 4 * 9 + 4 + 4 * 14}


@dataclass
class Reading:
    """What one reader saw. `changes`: how often a batch ended with another value than the one before."""

    kind: str
    reads: int = 0
    torn: int = 0
    changes: int = 0
    example: bytes = b""

    def add(self, answer: bytes, is_change: bool):
        self.reads += BATCH
        self.changes += is_change
        if not WHOLE[self.kind].fullmatch(answer):
            length = REPLY_LENGTH[self.kind]
            replies = [answer[start:start + length] for start in range(0, len(answer), length)]
            torn = [reply for reply in replies if not WHOLE[self.kind].fullmatch(reply)]
            self.torn += len(torn)
            self.example = torn[0]


def write_command(kind: str, group: list[bytes], value: bytes) -> bytes:
    if kind == "MSET":
        return encode("MSET", *(word for key in group for word in (key, value)))
    return encode("MULTI") + b"".join(encode("SET", key, value) for key in group) + encode("EXEC")


def read_command(kind: str, group: list[bytes]) -> bytes:
    if kind == "MGET":
        return encode("MGET", *group)
    return encode("MULTI") + b"".join(encode("GET", key) for key in group) + encode("EXEC")


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=RECEIVE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise ConnectionError(f"closed after {bytes(data[-100:])!r}")
        data += piece
    return bytes(data)


def write(port: int, kind: str, seed: int, must_end):
    """Writes until it is told to end."""
    numbers = random.Random(seed)
    acknowledged = b"+OK\r\n" if kind == "MSET" else b"+OK\r\n" + b"+QUEUED\r\n" * 4 + b"*4\r\n" + b"+OK\r\n" * 4
    with connect(port) as connection:
        while not must_end.is_set():
            commands = [write_command(kind, numbers.choice(GROUPS), b"%08d" % numbers.randrange(10**VALUE_LENGTH))
                        for _ in range(WRITE_BATCH)]
            connection.sendall(b"".join(commands))
            answer = receive(connection, len(acknowledged) * WRITE_BATCH)
            if answer != acknowledged * WRITE_BATCH:
                raise RuntimeError(f"{kind} was answered {answer[:300]!r}")


def read(port: int, kind: str, count: int, seed: int, results):
    reading = Reading(kind)
    numbers = random.Random(seed)
    batches = [read_command(kind, group) * BATCH for group in GROUPS]
    last = b""
    connections = [connect(port) for _ in range(CONNECTIONS)]
    while reading.reads < count:
        for connection in connections:
            connection.sendall(numbers.choice(batches))
        for connection in connections:
            answer = receive(connection, REPLY_LENGTH[kind] * BATCH)
            reading.add(answer, is_change=answer[-VALUE_LENGTH:] != last)
            last = answer[-VALUE_LENGTH:]
    for connection in connections:
        connection.close()
    results.put(reading)


def look_for(port: int, reads: int, readers: tuple[str, ...] = ("MGET", "EXEC"),
             writers: tuple[str, ...] = ("MSET", "EXEC")) -> list[Reading]:
    """So many reads in all, by one process for each of `readers`."""
    with connect(port) as connection:
        for group in GROUPS:
            connection.sendall(write_command("MSET", group, b"0" * VALUE_LENGTH))
            receive(connection, len(b"+OK\r\n"))
    context = multiprocessing.get_context("spawn")
    must_end, results = context.Event(), context.Queue()
    writing = [context.Process(target=write, args=(port, kind, index, must_end), daemon=True)
               for index, kind in enumerate(writers)]
    reading = [context.Process(target=read, args=(port, kind, reads // len(readers), index, results), daemon=True)
               for index, kind in enumerate(readers)]
    for process in writing + reading:
        process.start()
    try:
        return sorted((next_of(results, reading) for _ in reading), key=lambda found: found.kind)
    finally:
        must_end.set()
        for process in writing + reading:
            process.join(RECEIVE_SECONDS)
            if process.exitcode != 0:
                raise RuntimeError(f"a reader or a writer ended with {process.exitcode}")


def next_of(results, processes) -> Reading:
    """What a reader found, unless one of them failed."""
    while True:
        try:
            return results.get(timeout=1)
        except multiprocessing.queues.Empty:
            if any(process.exitcode not in (None, 0) for process in processes):
                raise RuntimeError("a reader failed") from None
