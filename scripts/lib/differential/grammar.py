"""From a line of the grammar to the words of a call.

    GET                 that word, in any case
    key                 a word of that pool (words.py)
    [NX|XX]             one of these, or nothing
    (KEEPTTL|EX seconds)  one of these
    key+                once or several times; also behind a group
    {[NX] [GET]}        all of these in any order

About half of the calls that come out are valid: the others have a word too many or too few, a word from the wrong
pool, or an option that does not belong there.
"""
import random
import re
from dataclasses import dataclass, field

from differential.words import Words

TOKEN = re.compile(r"[\[\](){}|+]|[^\s\[\](){}|+]+")
SPOILT_SHARE = 0.42
REPEATS_MAX = 4
# In Tribe; longer ones are an error there, and a key in Redis.
KEY_MAX = 32 << 10
LIVES_AT_SECOND_PLACE = {b"EXPIRE", b"PEXPIRE", b"SETEX", b"PSETEX"}
LIFE_SECONDS_MIN = 1_000
NUMBER = re.compile(rb"[1-9][0-9]*")


@dataclass
class Node:
    """`kind`: "word", "pool", "row", "choice", "maybe", "mix", "many"."""

    kind: str
    text: str = ""
    parts: list["Node"] = field(default_factory=list)


@dataclass
class Form:
    """One line of the grammar."""

    # As COMMAND LIST names it: "get", "client|id".
    name: str
    line: str
    root: Node
    options: list[bytes]


def parse_form(line: str, containers: set[str]) -> Form:
    tokens = TOKEN.findall(line)
    words = [token for token in tokens if token[0].isalpha() and token.isupper()]
    root = parse_choice(tokens, end=None)
    first = words[0].lower()
    is_subcommand = first in containers and len(words) > 1
    name = f"{first}|{words[1].lower()}" if is_subcommand else first
    return Form(name, line, root, [word.encode() for word in words[1:]])


def parse_choice(tokens: list[str], end: str | None) -> Node:
    choices = [Node("row")]
    while tokens:
        token = tokens.pop(0)
        if token == end:
            break
        if token == "|":
            choices.append(Node("row"))
        elif token == "+":
            row = choices[-1].parts
            row.append(Node("many", parts=[row.pop()]))
        else:
            choices[-1].parts.append(parse_part(token, tokens))
    return choices[0] if len(choices) == 1 else Node("choice", parts=choices)


def parse_part(token: str, tokens: list[str]) -> Node:
    if token == "(":
        return parse_choice(tokens, ")")
    if token == "[":
        return Node("maybe", parts=[parse_choice(tokens, "]")])
    if token == "{":
        return Node("mix", parts=parse_choice(tokens, "}").parts)
    return Node("pool", token) if token.islower() else Node("word", token)


class Writer:
    """Writes calls of forms."""

    def __init__(self, generator: random.Random, words: Words):
        self.random = generator
        self.words = words

    def call(self, form: Form) -> list[bytes]:
        call = self.valid_call(form)
        return without_short_times(self._spoil(call, form) if self.random.random() < SPOILT_SHARE else call)

    def valid_call(self, form: Form) -> list[bytes]:
        """A call as the form has it; its words may still be out of range."""
        return self._write(form.root)

    def _write(self, node: Node) -> list[bytes]:
        match node.kind:
            case "word":
                return [self._in_any_case(node.text.encode())]
            case "pool":
                return [self.words.draw(node.text)]
            case "row":
                return self._write_all(node.parts)
            case "choice":
                return self._write(self.random.choice(node.parts))
            case "maybe":
                return self._write(node.parts[0]) if self.random.random() < 0.4 else []
            case "mix":
                return self._write_all(self.random.sample(node.parts, len(node.parts)))
            case "many":
                return self._write_all(node.parts * self.random.randint(1, REPEATS_MAX))
        raise ValueError(node.kind)

    def _write_all(self, parts: list[Node]) -> list[bytes]:
        return [word for part in parts for word in self._write(part)]

    def _in_any_case(self, word: bytes) -> bytes:
        roll = self.random.random()
        if roll < 0.6:
            return word
        return word.lower() if roll < 0.9 else bytes(self.random.choice((byte, byte ^ 0x20)) if 65 <= byte <= 90
                                                     else byte for byte in word)

    def _spoil(self, call: list[bytes], form: Form) -> list[bytes]:
        """No word of it is longer than a key may be: a value may come to stand where a key belongs."""
        return [word[:KEY_MAX] for word in self._spoilt(call, form)]

    def _spoilt(self, call: list[bytes], form: Form) -> list[bytes]:
        place = self.random.randrange(1, len(call) + 1)
        match self.random.randrange(5):
            case 0:
                return call[:place]
            case 1:
                return call[:place] + [self.words.any()] + call[place:]
            case 2 if place < len(call):
                return call[:place] + [self.words.any()] + call[place + 1:]
            case 3 if form.options:
                return call[:place] + [self._in_any_case(self.random.choice(form.options))] + call[place:]
        return call + [self.words.any() for _ in range(self.random.randint(1, 3))]


def without_short_times(call: list[bytes]) -> list[bytes]:
    """A spoilt call may let a key live for a moment, which would be over at one server before it is at the other."""
    name = call[0].upper()
    lengthened = list(call)
    for place in range(2, len(call)):
        before = call[place - 1].upper()
        is_option = name in (b"SET", b"GETEX") and before in (b"EX", b"PX")
        is_place = name in LIVES_AT_SECOND_PLACE and place == 2
        if (is_option or is_place) and NUMBER.fullmatch(call[place]):
            is_fine = before == b"PX" or name.startswith(b"P")
            least = LIFE_SECONDS_MIN * (1000 if is_fine else 1)
            if int(call[place]) < least:
                lengthened[place] = b"%d" % (int(call[place]) + least)
    return lengthened
