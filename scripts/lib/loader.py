"""Fills a cache through its own protocol, hundreds of writes in flight on one connection."""
import socket
from typing import Callable, Iterable

KEY_LENGTH, VALUE_LENGTH = 16, 64
BATCH_COUNT = 500
READ_SECONDS = 30


class LoaderError(Exception):
    """The server did not confirm every write."""


def key(index: int) -> bytes:
    return b"key:%012d" % index


def value(index: int) -> bytes:
    return b"%064d" % index


def http_put(index: int) -> bytes:
    return b"PUT /v1/cache/%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 64\r\n\r\n%b" % (key(index), value(index))


def redis_set(index: int) -> bytes:
    return b"*3\r\n$3\r\nSET\r\n$16\r\n%b\r\n$64\r\n%b\r\n" % (key(index), value(index))


def memcached_set(index: int) -> bytes:
    return b"set %b 0 0 64\r\n%b\r\n" % (key(index), value(index))


# How each server says yes. A confirmation never contains the start of another one.
CONFIRMATIONS = {http_put: b"HTTP/1.1 201 Created\r\n", redis_set: b"+OK\r\n", memcached_set: b"STORED\r\n"}


def fill(port: int, indices: range, write: Callable[[int], bytes]):
    """Writes the entries of `indices`, a batch at a time, and counts the confirmations of each batch."""
    confirmation = CONFIRMATIONS[write]
    with socket.create_connection(("127.0.0.1", port), timeout=READ_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(indices), BATCH_COUNT):
            batch = indices[start:start + BATCH_COUNT]
            send_batch(connection, (write(index) for index in batch), len(batch), confirmation)


def send_batch(connection: socket.socket, writes: Iterable[bytes], count: int, confirmation: bytes):
    connection.sendall(b"".join(writes))
    answers = bytearray()
    confirmed = 0
    while confirmed < count:
        try:
            data = connection.recv(1 << 20)
        except TimeoutError:
            data = b""
        if not data:
            raise LoaderError(f"{confirmed} of {count} writes confirmed, then {bytes(answers[:300])!r}")
        answers += data
        confirmed += answers.count(confirmation)
        # A confirmation that was cut in two is found when its rest arrives.
        last = answers.rfind(confirmation)
        if last >= 0:
            del answers[:last + len(confirmation)]
