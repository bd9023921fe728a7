"""Sends blocks to two servers and compares what they answer."""
import time
from dataclasses import dataclass, field

from differential.blocks import Block, BlockWriter, Call, Step
from differential.commands import CONTAINERS, FORMS, IN_BLOCKS, KNOWN_NAMES
from differential.differences import is_known
from differential.replies import Closed, Leeway, are_identical, are_same, name_of, outline, sets_in_the_past
from resp_client import QUEUED, BrokenReply, Error, RESPConnection, encode
from servers import Redis, Server, Tribe

MARK = b"the end of a step"
# Between two clean beginnings. A difference is looked for in what came since the last one.
BLOCKS_PER_PART = 300
SCAN_CALLS_MAX = 100
# Both servers with the same small longest value (words.VALUE_MAX), and with an eviction policy whose OBJECT subcommands
# answer as Tribe's do.
TRIBE_SETTINGS = {"TRIBE_CACHE_VALUEMAX": "1MiB"}
REDIS_SETTINGS = {"maxmemory-policy": "allkeys-lfu", "proto-max-bulk-len": "1mb", "databases": "1"}


def reference_server() -> Redis:
    return Redis(options=REDIS_SETTINGS)


def tested_server(loops: int) -> Tribe:
    return Tribe(loops=loops, memory="1GiB", settings=TRIBE_SETTINGS)


@dataclass
class Difference:
    call: Call
    ours: object
    theirs: object

    @property
    def name(self) -> str:
        return name_of(self.call, CONTAINERS)

    @property
    def signature(self) -> tuple[str, str, str]:
        name = self.name if self.name in KNOWN_NAMES else name_of(self.call[:1], set())
        return name, outline(self.ours), outline(self.theirs)


class Side:
    """One of the two servers, with its connections by number."""

    def __init__(self, server: Server, protocol: int):
        self.port = server.resp_port
        self.protocol = protocol
        self.connections: dict[int, RESPConnection] = {}

    def begin(self):
        """Without keys, and with new connections."""
        self.close()
        with RESPConnection(self.port) as connection:
            connection.call("FLUSHALL")

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.connections = {}

    def connection(self, number: int) -> RESPConnection:
        if number not in self.connections:
            self.connections[number] = RESPConnection(self.port, protocol=self.protocol)
        return self.connections[number]

    def run(self, step: Step) -> list:
        """The replies to a step; up to a mark behind it, since some commands have no reply and others several."""
        connection = self.connection(step.connection)
        replies = []
        try:
            connection.send(step.data() + (b"" if step.is_last else encode("PING", MARK)))
            while not is_mark(reply := connection.read()):
                replies.append(reply)
        except (BrokenReply, OSError) as error:
            replies.append(Closed(type(error).__name__))
            self.connections.pop(step.connection).close()
        return replies

    def scan(self, call: Call) -> list:
        """All that SCAN finds, or the error that it answers."""
        found: set[bytes] = set()
        cursor = b"0"
        for _ in range(SCAN_CALLS_MAX):
            reply = self.connection(0).call(call[0], cursor, *call[2:])
            if isinstance(reply, Error):
                return [reply]
            cursor = reply[0]
            found |= set(reply[1])
            if cursor == b"0":
                return [sorted(found)]
        return [Error(b"a scan without end")]

    def random_key(self) -> list:
        """What RANDOMKEY answers, reduced to whether it is a key."""
        key = self.connection(0).call("RANDOMKEY")
        return [self.connection(0).call("EXISTS", key) if isinstance(key, bytes) else key]


def is_mark(reply) -> bool:
    return reply == MARK or (isinstance(reply, list) and list(reply) == [b"pong", MARK])


class Pair:
    def __init__(self, tribe: Server, redis: Server, protocol: int):
        self.ours = Side(tribe, protocol)
        self.theirs = Side(redis, protocol)
        self.leeway = Leeway()
        self.valid = 0
        self.invalid = 0

    def begin(self):
        self.ours.begin()
        self.theirs.begin()
        self.leeway = Leeway()

    def close(self):
        self.ours.close()
        self.theirs.close()

    def run(self, block: Block) -> list[Difference]:
        """What differs in a block, up to the first step with a difference: later ones may follow from it."""
        for step in block.steps:
            started = time.monotonic()
            ours, theirs = (self._replies(side, block, step) for side in (self.ours, self.theirs))
            self.leeway.seconds = max(self.leeway.seconds, time.monotonic() - started)
            found = self._compare(step, ours, theirs)
            if found:
                return found
        return []

    @staticmethod
    def _replies(side: Side, block: Block, step: Step) -> list:
        match block.kind:
            case "scan":
                return side.scan(step.calls[0])
            case "random":
                return side.random_key()
        return side.run(step)

    def _compare(self, step: Step, ours: list, theirs: list) -> list[Difference]:
        if not len(ours) == len(theirs) == len(step.calls):
            if are_identical(ours, theirs):
                return []
            place = next((index for index, (mine, other) in enumerate(zip(ours, theirs))
                          if not are_identical(mine, other)), min(len(ours), len(theirs)))
            return [Difference(step.calls[0], ours[place:], theirs[place:])]
        queued: list[Call] = []
        for call, mine, other in zip(step.calls, ours, theirs):
            found = self._compare_replies(call, mine, other, queued)
            if found:
                return found
            queued = self._queue_after(call, other, queued)
        return []

    def _compare_replies(self, call: Call, ours, theirs, queued: list[Call]) -> list[Difference]:
        self._count(theirs)
        name = name_of(call, CONTAINERS)
        is_answer_of_queue = name == "exec" and type(ours) is type(theirs) is list
        if is_answer_of_queue and len(ours) == len(theirs) == len(queued):
            inner = (self._compare_replies(each, mine, other, []) for each, mine, other in zip(queued, ours, theirs))
            return next((found for found in inner if found), [])
        if name == "set" and not isinstance(theirs, Error) and theirs != QUEUED and sets_in_the_past(call, time.time()):
            self.leeway.lingering += 1
        if are_same(name, ours, theirs, self.leeway) or is_known(name, call, ours, theirs):
            return []
        return [Difference(call, ours, theirs)]

    @staticmethod
    def _queue_after(call: Call, reply, queued: list[Call]) -> list[Call]:
        if reply == QUEUED:
            return [*queued, call]
        return queued if isinstance(reply, Error) and call[0].upper() not in (b"EXEC", b"DISCARD") else []

    def _count(self, reply):
        if isinstance(reply, Error):
            self.invalid += 1
        else:
            self.valid += 1


@dataclass
class Finding:
    difference: Difference
    seed: int
    protocol: int
    loops: int
    block_number: int
    # All blocks since the last clean beginning, the one that differs included.
    history: list[Block]
    count: int = 1


@dataclass
class Result:
    calls: int = 0
    valid: int = 0
    invalid: int = 0
    findings: list[Finding] = field(default_factory=list)


def compare(tribe: Tribe, redis: Redis, protocol: int, seed: int, calls: int, findings_max: int = 1,
            names: set[str] | None = None) -> Result:
    """So many calls on both; ends early after as many different differences. `names`: of what commands, else all."""
    pair = Pair(tribe, redis, protocol)
    writer = BlockWriter(seed, names or names_of(tribe), protocol, int(time.time()))
    result = Result()
    by_signature: dict[tuple[str, str, str], Finding] = {}
    history: list[Block] = []
    block_number = 0
    pair.begin()
    while result.calls < calls and len(by_signature) < findings_max:
        block = writer.next()
        history.append(block)
        block_number += 1
        result.calls += block.call_count()
        found = pair.run(block)
        for difference in found:
            finding = Finding(difference, seed, protocol, tribe.loops, block_number, history)
            if difference.signature in by_signature:
                by_signature[difference.signature].count += 1
            else:
                by_signature[difference.signature] = finding
        if found or len(history) >= BLOCKS_PER_PART:
            history = []
            pair.begin()
    pair.close()
    result.valid, result.invalid = pair.valid, pair.invalid
    result.findings = list(by_signature.values())
    return result


def names_of(tribe: Server) -> set[str]:
    """The commands that the server has. One that the grammar does not know is an error."""
    listed = listed_names(tribe)
    unknown = listed - KNOWN_NAMES
    if unknown:
        raise LookupError(f"the grammar (differential/commands.py) does not know {sorted(unknown)}")
    return listed | answered_names(tribe)


def listed_names(server: Server) -> set[str]:
    """What COMMAND LIST says, with subcommands as `client|id`; nothing if there is no such command."""
    with RESPConnection(server.resp_port) as connection:
        listed = connection.call("COMMAND", "LIST")
    return set() if isinstance(listed, Error) else {name.decode() for name in listed}


def answered_names(server: Server) -> set[str]:
    """Those of the grammar that are not answered as unknown."""
    names = set()
    for name in {form.name for form in FORMS} | IN_BLOCKS:
        with RESPConnection(server.resp_port) as connection:
            reply = connection.call(*name.split("|"))
        is_unknown = isinstance(reply, Error) and reply.text.startswith(b"ERR unknown ")
        if not is_unknown:
            names.add(name)
    return names
