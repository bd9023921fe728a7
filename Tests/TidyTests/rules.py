"""The house rules that a machine can check. Each rule takes the files of the tree and returns what breaks it.

There are no exemptions: a rule that needs one is wrong. What the rules forbid is spelled in pieces here, for they read
this file too.
"""
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Callable

import swift_source

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 120

# Each imports only what stands before it.
LAYERS = ["Reactor", "Cluster", "Services", "Node", "Tribe"]
LAYER_OF_C_MODULES = "Reactor"
LAYERS_WITHOUT_FOUNDATION = ["Reactor", "Cluster", "Services"]

DEBT_WORDS = ["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]
FORBIDDEN_SWIFT = ["-O" + "unchecked", "nonisolated(" + "unsafe)"]
UNCHECKED = "@unchecked " + "Sendable"

SLEEP = re.compile(r"\b(?:Task|Thread|time|asyncio)\s*\.\s*sleep\b|\b(?:u|nano)?sleep\s*\(")
POLLING_HELPER = "waitUntil"
IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\(\w+\))?\s+)*(?:(?:package|public|internal|private|fileprivate)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)", re.MULTILINE)
MARKDOWN_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
MARKDOWN_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MARKDOWN_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class File:
    path: str
    text: str
    is_executable: bool = False

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix

    @property
    def is_code(self) -> bool:
        return self.suffix in (".swift", ".py", ".h", ".c") or self.is_script

    @property
    def is_script(self) -> bool:
        return self.text.startswith("#!")

    @property
    def layer(self) -> str | None:
        parts = PurePosixPath(self.path).parts
        return parts[1] if len(parts) > 2 and parts[0] == "Sources" else None


Rule = Callable[[list[File]], list[str]]


def read_tree(root: Path) -> list[File]:
    """The files under version control or about to be, as far as they are text."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=True)
    files = []
    for name in sorted(set(listing.stdout.decode().split("\0")) - {""}):
        path = root / name
        if path.is_file():
            is_executable = bool(path.stat().st_mode & 0o111)
            files.append(File(name, path.read_bytes().decode(errors="replace"), is_executable))
    return files


def swift_files(files: list[File], folder: str = "") -> list[File]:
    return [file for file in files if file.suffix == ".swift" and file.path.startswith(folder)]


def files_have_at_most_500_lines(files: list[File]) -> list[str]:
    counts = [(file, file.text.count("\n")) for file in files if file.is_code]
    return [f"{file.path}: {count} lines" for file, count in counts if count > FILE_LINES_MAX]


def functions_have_at_most_70_lines(files: list[File]) -> list[str]:
    found = []
    for file in swift_files(files):
        for block in swift_source.blocks(swift_source.blanked(file.text)):
            if not block.is_type and block.line_count > FUNCTION_LINES_MAX:
                found.append(f"{file.path}:{block.first_line}: {block.line_count} lines")
    return found


def lines_have_at_most_120_columns(files: list[File]) -> list[str]:
    return [f"{file.path}:{number}: {len(line)} columns" for file in files if file.is_code
            for number, line in numbered(file.text) if len(line) > COLUMNS_MAX]


def nothing_is_left_for_later(files: list[File]) -> list[str]:
    words = re.compile(r"\b(?:" + "|".join(DEBT_WORDS) + r")\b")
    return [f"{file.path}:{number}: {line.strip()}" for file in files if file.is_code or file.suffix == ".md"
            for number, line in numbered(file.text) if words.search(line)]


def checks_are_never_switched_off(files: list[File]) -> list[str]:
    return [f"{file.path}:{number}: {word}" for file in swift_files(files)
            for number, line in numbered(file.text) for word in FORBIDDEN_SWIFT if word in line]


def unchecked_sendable_states_its_reason(files: list[File]) -> list[str]:
    found = []
    for file in swift_files(files):
        lines = file.text.splitlines()
        for number, line in numbered(swift_source.blanked(file.text)):
            if UNCHECKED in line and not any(map(is_comment, lines[number:number + 1])):
                found.append(f"{file.path}:{number}: no reason on the next line")
    return found


def only_the_reactor_imports_c(files: list[File]) -> list[str]:
    c_modules = {PurePosixPath(file.path).parent.name for file in files
                 if PurePosixPath(file.path).name == "module.modulemap"}
    return [f"{file.path}: imports {module}" for file in swift_files(files) if file.layer != LAYER_OF_C_MODULES
            and file.path.startswith("Sources/") for module in imports(file) if module in c_modules]


def layers_import_only_downwards(files: list[File]) -> list[str]:
    found = []
    for file in swift_files(files, "Sources/"):
        if file.layer not in LAYERS:
            found.append(f"{file.path}: {file.layer} is no layer")
            continue
        upper = LAYERS[LAYERS.index(file.layer):]
        found += [f"{file.path}: imports {module}" for module in imports(file) if module in upper]
    return found


def lower_layers_do_without_foundation(files: list[File]) -> list[str]:
    return [f"{file.path}: imports {module}" for file in swift_files(files, "Sources/")
            if file.layer in LAYERS_WITHOUT_FOUNDATION for module in imports(file) if module.startswith("Foundation")]


def tests_never_sleep(files: list[File]) -> list[str]:
    found = []
    for file in files:
        if not file.path.startswith("Tests/") or file.suffix not in (".swift", ".py"):
            continue
        code = swift_source.blanked(file.text) if file.suffix == ".swift" else file.text
        helpers = [block for block in swift_source.blocks(code) if block.header.startswith(f"func {POLLING_HELPER}")]
        for match in SLEEP.finditer(code):
            if not any(helper.start < match.start() < helper.end for helper in helpers):
                found.append(f"{file.path}:{swift_source.line_of(code, match.start())}: {match.group()}")
    return found


def nothing_built_is_tracked(files: list[File]) -> list[str]:
    return [file.path for file in files
            if any(part.startswith(".build") or part in ("Package.resolved", "__pycache__")
                   for part in PurePosixPath(file.path).parts)]


def links_lead_somewhere(files: list[File]) -> list[str]:
    paths = {file.path for file in files}
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    anchors = {file.path: anchors_of(file.text) for file in files if file.suffix == ".md"}
    found = []
    for file in files:
        if file.suffix != ".md":
            continue
        for link in MARKDOWN_LINK.findall(MARKDOWN_CODE.sub("", file.text)):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            path = resolve(PurePosixPath(file.path).parent, target) if target else file.path
            if path not in paths | folders or (anchor and anchor not in anchors.get(path, set())):
                found.append(f"{file.path}: {link}")
    return found


def scripts_are_executable(files: list[File]) -> list[str]:
    found = []
    for file in files:
        parent = str(PurePosixPath(file.path).parent)
        is_command = parent in ("scripts", ".ci")
        if is_command and not file.is_script:
            found.append(f"{file.path}: does not say what runs it")
        if (is_command or file.is_script) and not file.is_executable:
            found.append(f"{file.path}: not executable")
    return found


RULES: list[Rule] = [
    files_have_at_most_500_lines, functions_have_at_most_70_lines, lines_have_at_most_120_columns,
    nothing_is_left_for_later, checks_are_never_switched_off, unchecked_sendable_states_its_reason,
    only_the_reactor_imports_c, layers_import_only_downwards, lower_layers_do_without_foundation, tests_never_sleep,
    nothing_built_is_tracked, links_lead_somewhere, scripts_are_executable,
]


def numbered(text: str):
    return enumerate(text.splitlines(), start=1)


def is_comment(line: str) -> bool:
    return line.strip().startswith("//")


def imports(file: File) -> list[str]:
    return IMPORT.findall(swift_source.blanked(file.text))


def resolve(folder: PurePosixPath, target: str) -> str:
    """`target` as seen from `folder`, without dots; the empty path is the root."""
    parts: list[str] = [] if target.startswith("/") else list(folder.parts)
    for part in PurePosixPath(target.lstrip("/")).parts:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/".join(parts) or "."


def anchors_of(text: str) -> set[str]:
    """The anchors that a heading gets on the usual forges: lower case, words joined by dashes."""
    headings = re.findall(r"^#+ +(.*)$", MARKDOWN_FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}
