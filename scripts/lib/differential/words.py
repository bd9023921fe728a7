"""What stands for a word of the grammar: mostly a sensible one, often one at an edge, sometimes nonsense."""
import random
import time

# The longest value at both servers: small, so that its edge is cheap to reach.
VALUE_MAX = 1 << 20

ANY_MAX = 1_000

KEYS = [b"a", b"b", b"c", b"d", b"", b"{tag}1", b"{tag}2", b"\x00\xff\r\n", b"key with spaces", b"k" * 300]
TEXTS = [b"", b"hello", b"Hello, World", b"\x00", b"\xff\xfe\r\nx", b"3.0", b" 1", b"1 ", b"abcabcabc", b"x" * 44,
         b"x" * 45, b"foobar" * 8, b"\xff\xff\x00\x0f"]
INTEGERS = [0, 1, -1, 2, 7, 8, 9, 10, 63, 64, 65, 100, -100, 255, 256, 2**31 - 1, 2**31, -2**31, 2**32 - 1, 2**32,
            2**53, 2**63 - 1, -2**63, 2**63 - 2, -2**63 + 1]
NO_INTEGERS = [b"", b"x", b"1.0", b" 1", b"1 ", b"+1", b"01", b"-0", b"1e3", b"0x10", b"9223372036854775808",
               b"-9223372036854775809", b"99999999999999999999", b"1\x00", b"--1", b"inf"]
FLOATS = [b"0", b"1", b"-1", b"0.1", b"-0.25", b"3.14159", b"1e3", b"1.5e-7", b"5.0e3", b"100000000000", b"1e17",
          b"0.30000000000000004", b"1e300", b"-1e300", b".5", b"5.", b"0x1p3", b"1e-20", b"123456789.987654321"]
NO_FLOATS = [b"", b"x", b"1,5", b" 1", b"1 ", b"nan", b"inf", b"-inf", b"1e5000", b"infinity", b"1.2.3", b"+"]
PATTERNS = [b"*", b"?", b"a*", b"[a-c]", b"[^a]", b"{tag}*", b"k*k", b"*\xff*", b"\\a", b"[", b"", b"a", b"[a\\-c]*",
            b"**", b"*[0-9]", b"[z-a]"]
NAMES = [b"name", b"", b"with space", b"x" * 40, b"\x00", b"line\nbreak", b"a-b.c"]
CHANNELS = [b"news", b"chat", b"", b"\x00\xff", b"news.art"]
KINDS = [b"string", b"hash", b"list", b"STRING", b"nothing", b"zset"]
FIELDS = [b"u8", b"i8", b"u1", b"i1", b"u63", b"i64", b"u4", b"i5", b"u16", b"i33"]
NO_FIELDS = [b"u64", b"i65", b"u0", b"i0", b"x8", b"8", b"u", b"", b"u-1", b"i08"]


class Words:
    """Draws words. `valid` is how likely a word is one that its command takes."""

    def __init__(self, generator: random.Random, now: int | None = None, valid: float = 0.93):
        self.random = generator
        self.now = now if now is not None else int(time.time())
        self.valid = valid

    def draw(self, pool: str) -> bytes:
        return getattr(self, pool)()

    def any(self) -> bytes:
        """Short, for errors repeat it."""
        return self.draw(self.random.choice(POOLS))[:ANY_MAX]

    def _number(self, common: range, edges: list, nonsense: list[bytes]) -> bytes:
        roll = self.random.random()
        if roll > self.valid:
            return self.random.choice(nonsense)
        number = self.random.choice(common) if roll < 0.75 else self.random.choice(edges)
        return number if isinstance(number, bytes) else b"%d" % number

    def key(self) -> bytes:
        return self.random.choice(KEYS)

    def value(self) -> bytes:
        roll = self.random.random()
        if roll < 0.35:
            return self.random.choice(TEXTS)
        if roll < 0.75:
            return b"%d" % (self.random.choice(INTEGERS) if roll < 0.5 else self.random.randrange(-1000, 1000))
        if roll < 0.85:
            return self.random.choice(FLOATS + NO_FLOATS + NO_INTEGERS)
        if roll < 0.99:
            return self.random.randbytes(self.random.randrange(200))
        # About where a value gets a block of its own, on the wire and in the table.
        return self.random.randbytes(self.random.choice([16_383, 16_384, 16_385, 70_000]))

    def integer(self) -> bytes:
        return self._number(range(-1000, 1000), INTEGERS, NO_INTEGERS)

    def float(self) -> bytes:
        return self.random.choice(FLOATS if self.random.random() < self.valid else NO_FLOATS)

    def index(self) -> bytes:
        return self._number(range(-20, 60), INTEGERS, NO_INTEGERS)

    def offset(self) -> bytes:
        """Where in a value a range is set."""
        return self._number(range(120), [0, VALUE_MAX - 8, VALUE_MAX - 1, VALUE_MAX, -1, 2**31, 2**63 - 1], NO_INTEGERS)

    def bitoffset(self) -> bytes:
        bits = VALUE_MAX * 8
        return self._number(range(300), [0, 7, 8, bits - 1, bits, -1, 2**32 - 1, 2**32, 2**63 - 1], NO_INTEGERS)

    def fieldoffset(self) -> bytes:
        if self.random.random() < 0.4:
            # Redis multiplies by the width of the field without looking for overflow: no number goes that far.
            return b"#" + self._number(range(12), [0, VALUE_MAX, 2**31, 2**55, -1], NO_INTEGERS)
        return self.bitoffset()

    def bit(self) -> bytes:
        return self._number(range(2), [2, -1, 10], NO_INTEGERS)

    def field(self) -> bytes:
        return self.random.choice(FIELDS if self.random.random() < self.valid else NO_FIELDS)

    def count(self) -> bytes:
        return self._number(range(1, 30), [1, 10, 1000, 2**31, 0, -1, 2**63 - 1], NO_INTEGERS)

    # Times lie so far away that nothing expires during a run, or in the past. Those that are counted from now are drawn
    # from so many that hardly two are compared that the clock could reverse.

    def seconds(self) -> bytes:
        return self._number(range(1_000, 10_000_000, 7), [-1, 0, 2**31, 2**53, 2**63 - 1, -2**63, 9223372036854775],
                            NO_INTEGERS)

    def milliseconds(self) -> bytes:
        return self._number(range(1_000_000, 10**10, 7_001), [-1, 0, 2**42, 2**53, 2**63 - 1, -2**63], NO_INTEGERS)

    def time(self) -> bytes:
        return self._number(range(self.now + 1_000, self.now + 10_000),
                            [0, 1, -1, self.now - 100, self.now + 10**6, 2**33, 2**53, 2**63 - 1, 9223372036854775],
                            NO_INTEGERS)

    def timestamp(self) -> bytes:
        now = self.now * 1_000
        return self._number(range(now + 10**6, now + 10**7), [0, 1, -1, now - 10**5, now + 10**9, 2**43, 2**63 - 1],
                            NO_INTEGERS)

    def pattern(self) -> bytes:
        return self.random.choice(PATTERNS)

    def name(self) -> bytes:
        return self.random.choice(NAMES)

    def channel(self) -> bytes:
        return self.random.choice(CHANNELS)

    def kind(self) -> bytes:
        return self.random.choice(KINDS)

    def cursor(self) -> bytes:
        return self._number(range(1), [0, 1, 2**63 - 1, 2**64 - 1], NO_INTEGERS)

    def database(self) -> bytes:
        return self._number(range(1), [0, 1, -1, 16, 2**31, 2**63 - 1], NO_INTEGERS)

    def stranger(self) -> bytes:
        """The id of a client that does not exist."""
        return self._number(range(10**9, 10**9 + 99), [0, -1, 2**63 - 1], NO_INTEGERS)


POOLS = [name for name in vars(Words) if not name.startswith("_") and name not in ("draw", "any")]
