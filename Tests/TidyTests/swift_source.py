"""Just enough of Swift's lexical structure to find blocks: comments and literals blanked, braces matched."""
import re
from dataclasses import dataclass

DECLARATION = re.compile(
    r"\b(?:(?P<type>struct|class|enum|actor|protocol|extension)\s+(?=[A-Z_`])"
    r"|(?P<other>func|init|deinit|subscript|var|let|get|set|willSet|didSet|case|if|else|for|while|repeat|switch"
    r"|guard|do|catch|defer)\b)")
LITERAL_START = re.compile(r'//|/\*|(#*)("""|")')


@dataclass
class Block:
    """What stands between two braces. `first_line` is that of its declaration; lines count from 1."""

    header: str
    is_type: bool
    first_line: int
    last_line: int
    # Offsets of the braces.
    start: int
    end: int

    @property
    def line_count(self) -> int:
        return self.last_line - self.first_line + 1


def blanked(text: str) -> str:
    """`text` with every comment and every string literal turned into spaces; line breaks stay where they are."""
    pieces = []
    position = 0
    while match := LITERAL_START.search(text, position):
        pieces.append(text[position:match.start()])
        end = end_of_literal(text, match)
        pieces.append(re.sub(r"[^\n]", " ", text[match.start():end]))
        position = end
    return "".join(pieces) + text[position:]


def end_of_literal(text: str, start: re.Match) -> int:
    if start.group() == "//":
        end = text.find("\n", start.end())
        return len(text) if end < 0 else end
    if start.group() == "/*":
        return end_of_block_comment(text, start.end())
    return end_of_string(text, start.end(), pounds=start.group(1), quotes=start.group(2))


def end_of_block_comment(text: str, position: int) -> int:
    depth = 1
    while depth > 0:
        match = re.compile(r"/\*|\*/").search(text, position)
        if match is None:
            return len(text)
        depth += 1 if match.group() == "/*" else -1
        position = match.end()
    return position


def end_of_string(text: str, position: int, pounds: str, quotes: str) -> int:
    """The end of a string whose quotes end at `position`. An interpolation may hold strings of its own."""
    token = re.compile(re.escape(quotes + pounds) + r"|\\" + re.escape(pounds) + r"(\(|.)", re.DOTALL)
    while match := token.search(text, position):
        if match.group() == quotes + pounds:
            return match.end()
        position = end_of_interpolation(text, match.end()) if match.group(1) == "(" else match.end()
    return len(text)


def end_of_interpolation(text: str, position: int) -> int:
    depth = 1
    while depth > 0:
        match = re.compile(r'[()]|//|/\*|(#*)("""|")').search(text, position)
        if match is None:
            return len(text)
        if match.group() in "()":
            depth += 1 if match.group() == "(" else -1
            position = match.end()
        else:
            position = end_of_literal(text, match)
    return position


def blocks(text: str) -> list[Block]:
    """Every pair of braces in blanked `text`, the inner before the outer."""
    found = []
    open_braces: list[tuple[int, int, str, bool]] = []
    boundary = 0
    for match in re.finditer(r"[{}]", text):
        if match.group() == "{":
            declared_at, header, is_type = read_header(text, boundary, match.start())
            open_braces.append((match.start(), declared_at, header, is_type))
        elif open_braces:
            start, declared_at, header, is_type = open_braces.pop()
            first, last = line_of(text, declared_at), line_of(text, match.start())
            found.append(Block(header, is_type, first, last, start, match.end()))
        boundary = match.end()
    return found


def read_header(text: str, start: int, brace: int) -> tuple[int, str, bool]:
    """The last declaration or statement that begins between the brace before and this one."""
    declaration = None
    for declaration in DECLARATION.finditer(text, start, brace):
        pass
    if declaration is None:
        return brace, "", False
    return declaration.start(), text[declaration.start():brace].strip(), declaration["type"] is not None


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
