"""Subscribers: 10,000 connections, half of them on one channel, of which some never read."""
import argparse
import selectors
import socket
import sys
import threading
import time
from contextlib import ExitStack

import report
from http_client import Connection
from resp_client import PONG, RESPConnection, encode
from servers import Tribe

MIB = 1 << 20
LOOPS = 2
PAYLOAD_BYTES = 100
SILENT_PAYLOAD_BYTES = 8_000
# What each that does not read may leave unread; all together twice that. Resident memory may grow by both, and by what
# the allocator keeps of it.
OUTPUT_MAX = 8 * MIB
GROWTH_MAX = 64 * MIB
# So many of those that read get what the silent are dropped for, too.
WITNESSES = 10
# Calls between two that a publisher waits for: what is under way has to fit into the buffers of the kernel.
BURST = 20
IDLE_SECONDS = 30


class SubscriberError(Exception):
    """A connection was answered wrongly, or got other messages than were published."""


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("--connections", type=int, default=10_000, help="in all (10000)")
    parser.add_argument("--subscribers", type=int, default=5_000, help="of them (5000)")
    parser.add_argument("--silent", type=int, default=20, help="subscribers that do not read (20)")
    parser.add_argument("--messages", type=int, default=200, help="to everybody who reads (200)")


def prove(arguments: argparse.Namespace) -> tuple[str, bool]:
    size = f"{OUTPUT_MAX // MIB}MiB"
    limits = {"TRIBE_LIMITS_CONNECTIONS": str(arguments.connections), "TRIBE_LIMITS_OUTPUTMAX": size,
              "TRIBE_CACHE_VALUEMAX": size}
    with Tribe(loops=LOOPS, memory="256MiB", settings=limits) as server, ExitStack() as stack:
        def connect(count: int) -> list[RESPConnection]:
            return [stack.enter_context(RESPConnection(server.resp_port)) for _ in range(count)]

        publisher, = connect(1)
        others = connect(arguments.connections - arguments.subscribers - 1)
        readers = connect(arguments.subscribers - arguments.silent)
        silent = connect(arguments.silent)
        for connection in silent:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        subscribe(readers + silent, b"channel", 1)
        subscribe(readers[:WITNESSES] + silent, b"large", 2)
        ask(others)
        print(f"{arguments.connections} connections, {arguments.subscribers} of them subscribers", file=sys.stderr)
        memory = [server.resident_bytes()]
        seconds = Audience(server, publisher, readers, b"channel", memory).hear(arguments.messages, PAYLOAD_BYTES)
        ask(others)
        # Those who do not read are dropped one after the other: beyond what all may leave, or each.
        witnesses = Audience(server, publisher, readers[:WITNESSES], b"large", memory)
        while dropped(server) < arguments.silent and witnesses.number < 4 * OUTPUT_MAX // SILENT_PAYLOAD_BYTES:
            witnesses.hear(BURST, SILENT_PAYLOAD_BYTES)
        ask(others)
        memory.append(server.resident_bytes())
        gone = dropped(server)
        rows = [
            ["connections", f"{arguments.connections:,}"],
            ["subscribers of one channel", f"{arguments.subscribers:,}"],
            ["of them silent; dropped", f"{arguments.silent:,}; {gone:,}"],
            ["messages received, each complete and in its order", f"{arguments.messages * len(readers):,}"],
            ["per second", f"{arguments.messages * len(readers) / seconds:,.0f}"],
            ["large messages until the last of the silent was dropped", f"{witnesses.number:,}"],
            ["RSS before the first message, MiB", f"{memory[0] / MIB:.1f}"],
            ["RSS at most; at the end, MiB", f"{max(memory) / MIB:.1f}; {memory[-1] / MIB:.1f}"]]
        is_clean = gone == arguments.silent and max(memory) - memory[0] <= GROWTH_MAX
    return f"{LOOPS} loops, messages of {PAYLOAD_BYTES} bytes to all, then of {SILENT_PAYLOAD_BYTES:,} to the silent " \
        f"and {WITNESSES} more:\n\n{report.table(['', ''], rows)}", is_clean


def subscribe(connections: list[RESPConnection], channel: bytes, count: int):
    for connection in connections:
        connection.send(encode("SUBSCRIBE", channel))
    for connection in connections:
        expect(connection.read(), [b"subscribe", channel, count])


def ask(connections: list[RESPConnection]):
    for connection in connections:
        connection.send(encode("PING"))
    for connection in connections:
        expect(connection.read(), PONG)


def expect(found, wanted):
    if found != wanted:
        raise SubscriberError(f"{found!r} instead of {wanted!r}")


def dropped(server: Tribe) -> int:
    """Clients that were disconnected because of what they left unread."""
    with Connection(server.port) as connection:
        page = connection.request("GET", "/metrics").body.decode()
    return sum(int(line.rpartition(" ")[2]) for line in page.splitlines()
               if line.startswith("tribe_clients_dropped_total{") and 'reason="output"' in line)


class Audience:
    """Subscribers that read, and compare every byte with what was published. `memory`: grows by what the node takes."""

    def __init__(self, server: Tribe, publisher: RESPConnection, readers: list[RESPConnection], channel: bytes,
                 memory: list[int]):
        self.server = server
        self.publisher = publisher
        self.readers = readers
        self.channel = channel
        self.memory = memory
        self.number = 0

    def hear(self, count: int, size: int) -> float:
        """Has so many messages of `size` bytes published and read; returns the seconds that it took."""
        messages = [b"%0*d" % (size, self.number + index) for index in range(count)]
        self.number += count
        head = b"*3\r\n$7\r\nmessage\r\n$%d\r\n%b\r\n" % (len(self.channel), self.channel)
        expected = b"".join(b"%b$%d\r\n%b\r\n" % (head, size, message) for message in messages)
        failures = []

        def publish():
            try:
                for start in range(0, count, BURST):
                    for receivers in self.publisher.pipeline(
                            [("PUBLISH", self.channel, message) for message in messages[start:start + BURST]]):
                        if not isinstance(receivers, int) or receivers < len(self.readers):
                            raise SubscriberError(f"PUBLISH: {receivers!r} for {len(self.readers)} readers")
                    self.memory.append(self.server.resident_bytes())
            except Exception as error:
                failures.append(error)

        started = time.monotonic()
        thread = threading.Thread(target=publish)
        thread.start()
        self.read(expected)
        thread.join()
        if failures:
            raise failures[0]
        return time.monotonic() - started

    def read(self, expected: bytes):
        places = dict.fromkeys((connection.socket for connection in self.readers), 0)
        with selectors.DefaultSelector() as selector:
            for connected in places:
                selector.register(connected, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(timeout=IDLE_SECONDS)
                if not ready:
                    raise SubscriberError(f"{len(selector.get_map())} subscribers get nothing any more")
                for key, _ in ready:
                    place = places[key.fileobj]
                    data = key.fileobj.recv(min(1 << 16, len(expected) - place))
                    if not data or data != expected[place:place + len(data)]:
                        raise SubscriberError(f"a subscriber got {data[:200]!r} at {place}")
                    places[key.fileobj] += len(data)
                    if places[key.fileobj] == len(expected):
                        selector.unregister(key.fileobj)
