"""Calls put together into blocks, after each of which every connection is as it was before."""
import random
from dataclasses import dataclass, field

from differential.commands import FORMS, NEVER_SPOILT, RARE
from differential.grammar import Form, Writer
from differential.replies import NOT_EXACT
from differential.words import Words
from resp_client import encode

Call = list[bytes]

STRANGE_COMMANDS = [b"FOO", b"GETT", b"", b"\x00", b"GET\r\n", b"x" * 200, b"SE T", b"NOSUCH", b"get|set", b"\xff"]
INLINE_BYTES_MAX = 1_000
# What does not belong inside a transaction: it would end it, or lists what the other commands change.
NOT_QUEUED = {"exec", "discard"}


@dataclass
class Step:
    """Calls that are sent at once on one of the connections. `is_last`: the server closes it."""

    calls: list[Call]
    connection: int = 0
    is_last: bool = False
    # Which calls are sent as a line of text.
    inline: frozenset[int] = frozenset()

    def data(self) -> bytes:
        return b"".join(inline(call) if index in self.inline else encode(*call)
                        for index, call in enumerate(self.calls))


@dataclass
class Block:
    """`kind`: "steps"; "scan": `calls[0]` is repeated through all cursors; "random": RANDOMKEY, and whether it is."""

    steps: list[Step] = field(default_factory=list)
    kind: str = "steps"

    def call_count(self) -> int:
        return sum(len(step.calls) for step in self.steps)


def inline(call: Call) -> bytes:
    def quoted(word: bytes) -> bytes:
        if word and word.isalnum():
            return word
        return b'"' + b"".join(b"\\x%02x" % byte if byte < 32 or byte > 126 or byte in b'"\\' else bytes([byte])
                               for byte in word) + b'"'

    return b" ".join(quoted(word) for word in call) + b"\r\n"


class BlockWriter:
    """`names`: the commands that the tested server has, as COMMAND LIST names them."""

    def __init__(self, seed: int, names: set[str], protocol: int, now: int):
        self.random = random.Random(seed)
        self.words = Words(self.random, now)
        self.writer = Writer(self.random, self.words)
        self.names = names
        self.protocol = protocol
        self.forms = [form for form in FORMS if form.name in names]
        self.kinds = [(weight, write) for weight, needs, write in [
            (60, set(), self._pipeline),
            (15, {"multi", "exec", "discard"}, self._transaction),
            (6, {"multi", "exec", "watch"}, self._watched),
            (3, {"subscribe", "unsubscribe", "psubscribe", "punsubscribe"}, self._subscription),
            (2, set(), self._strange),
            (2, {"hello", "reset"}, self._greeting),
            (2, {"client|reply"}, self._silence),
            (1, {"quit"}, self._end),
            (3, {"scan"}, self._scan),
            (2, {"randomkey", "exists"}, self._random_key),
        ] if needs <= names]

    def next(self) -> Block:
        write = self.random.choices([write for _, write in self.kinds], [weight for weight, _ in self.kinds])[0]
        return write()

    def _form(self, without: set[str] = frozenset()) -> Form:
        while True:
            form = self.random.choice(self.forms)
            if form.name not in without and self.random.random() < RARE.get(form.name, 1):
                return form

    def _call(self, without: set[str] = frozenset()) -> Call:
        form = self._form(without)
        if form.name in NEVER_SPOILT:
            return self.writer.valid_call(form)
        return self.writer.call(form)

    def _calls(self, most: int, without: set[str] = frozenset()) -> list[Call]:
        return [self._call(without) for _ in range(self.random.randint(1, most))]

    def _pipeline(self) -> Block:
        calls = self._calls(self.random.choice([1, 3, 16]))
        short = (index for index, call in enumerate(calls) if sum(map(len, call)) < INLINE_BYTES_MAX)
        return Block([Step(calls, inline=frozenset(index for index in short if self.random.random() < 0.03))])

    def _queued(self) -> list[Call]:
        """A whole transaction; now and then what may not stand in one."""
        calls = self._calls(6, NOT_QUEUED) if self.random.random() < 0.95 else []
        if self.random.random() < 0.1:
            calls.insert(self.random.randint(0, len(calls)), self.random.choice([[b"MULTI"], [b"WATCH", b"a"], [b"FOO"],
                                                                                [b"UNWATCH"], [b"GET"]]))
        end = b"EXEC" if self.random.random() < 0.85 else b"DISCARD"
        return [[b"MULTI"], *calls, [end]]

    def _transaction(self) -> Block:
        return Block([Step(self._queued())])

    def _watched(self) -> Block:
        keys = self.random.sample([self.words.key() for _ in range(4)], self.random.randint(1, 3))
        steps = [Step([[b"WATCH", *keys]])]
        if self.random.random() < 0.7:
            steps.append(Step(self._calls(2, NOT_QUEUED), connection=1))
        if self.random.random() < 0.3:
            steps.append(Step(self._calls(2, NOT_QUEUED)))
        if self.random.random() < 0.1:
            steps.append(Step([[b"UNWATCH"]]))
        steps.append(Step(self._queued()))
        return Block(steps)

    def _subscription(self) -> Block:
        """On a connection of its own. What no name is given for comes in any order, so all are named."""
        channels = [self.words.channel() for _ in range(self.random.randint(1, 3))]
        patterns = [self.words.pattern() for _ in range(self.random.randint(0, 2))]
        calls = [[b"SUBSCRIBE", *channels]]
        if patterns:
            calls.append([b"PSUBSCRIBE", *patterns])
        between = [[b"PING"], [b"PING", b"x"], [b"GET", b"a"], [b"MULTI", b"x"], [b"SET", b"a"], [b"FOO"],
                   [b"PUBSUB", b"NUMPAT"], [b"PUBSUB", b"NUMSUB", *channels], [b"SUBSCRIBE"], [b"ECHO", b"x"]]
        allowed = [call for call in between if call[0].decode().lower() in self.names
                   or "|".join(word.decode("latin-1").lower() for word in call[:2]) in self.names or call[0] == b"FOO"]
        calls += [self.random.choice(allowed) for _ in range(self.random.randint(0, 4))]
        calls += [[b"UNSUBSCRIBE", *channels], [b"UNSUBSCRIBE"]]
        calls += [[b"PUNSUBSCRIBE", *patterns]] if patterns else []
        return Block([Step(calls + [[b"PUNSUBSCRIBE"]], connection=2)])

    def _strange(self) -> Block:
        name = self.random.choice(STRANGE_COMMANDS)
        arguments = [self.words.any() for _ in range(self.random.choice([0, 1, 3, 20]))]
        return Block([Step([[name, *arguments], self._call()])])

    def _greeting(self) -> Block:
        """What changes the connection, and then its protocol is what it was."""
        calls = [
            [b"RESET"], [b"HELLO"], [b"HELLO", b"2"], [b"HELLO", b"3"], [b"HELLO", b"4"], [b"HELLO", b"x"],
            [b"HELLO", b"3", b"SETNAME", self.words.name()], [b"HELLO", b"2", b"AUTH", b"x"], [b"HELLO", b"3", b"NO"],
            [b"RESET", b"x"], [b"HELLO", b"3", b"SETNAME"]]
        some = self.random.sample(calls, self.random.randint(1, 3))
        end = [[b"DISCARD"], [b"HELLO", b"%d" % self.protocol]]
        return Block([Step([self._call(), *some, self._call(), *end])])

    def _silence(self) -> Block:
        mode = self.random.choice([b"OFF", b"SKIP", b"ON", b"OTHER"])
        # A call of COMMAND's that loses its last word is COMMAND, whose reply has no order.
        inexact = NOT_EXACT | {
            form.name for form in FORMS if form.name.endswith("|help") or form.name.startswith("command|")}
        calls = [[b"CLIENT", b"REPLY", mode], *self._calls(3, NOT_QUEUED | inexact)]
        return Block([Step([*calls, [b"CLIENT", b"REPLY", b"ON"]])])

    def _end(self) -> Block:
        quit = [b"QUIT"] if self.random.random() < 0.9 else [b"QUIT", b"x"]
        return Block([Step([self._call(), quit, [b"PING"]], is_last=True)])

    def _scan(self) -> Block:
        options = [[b"MATCH", self.random.choice([b"*", b"[a-c]", b"{tag}*"])],
                   [b"COUNT", self.random.choice([b"1", b"10", b"1000"])],
                   [b"TYPE", self.random.choice([b"string", b"hash"])]]
        chosen = self.random.sample(options, self.random.randint(0, 3))
        return Block([Step([[b"SCAN", b"0", *(word for option in chosen for word in option)]])], "scan")

    def _random_key(self) -> Block:
        return Block([Step([[b"RANDOMKEY"]])], "random")
