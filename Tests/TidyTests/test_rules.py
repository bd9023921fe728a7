"""Each rule can fail: for every rule a file that breaks it, and its neighbour that does not."""
import pytest

import rules
import swift_source
from rules import File


def swift(text: str, path: str = "Sources/Reactor/Some.swift") -> list[File]:
    return [File(path, text)]


def function(line_count: int) -> str:
    """A function of so many lines in a type that is longer than any function may be."""
    body = "        work()\n" * (line_count - 2)
    return "struct Long {\n" + "    let value = 1\n" * 80 + "    static func run() {\n" + body + "    }\n}\n"


MODULE_MAP = File("Sources/CLibuv/module.modulemap", "module CLibuv {}")
REASONED = f"final class Box: {rules.UNCHECKED} {{\n    // Used on its loop only.\n}}\n"
UNREASONED = f"final class Box: {rules.UNCHECKED} {{\n    var value = 1\n}}\n"
NAP = "try await Task.sl" + "eep(for: .milliseconds(1))"
POLLING = f"func waitUntil(_ what: String) async {{\n    {NAP}\n}}\n"

BREAKS = [
    (rules.files_have_at_most_500_lines, swift("\n" * 501)),
    (rules.functions_have_at_most_70_lines, swift(function(71))),
    (rules.functions_have_at_most_70_lines, swift("let handle: Handler = { exchange in\n" + "\n" * 70 + "}\n")),
    (rules.functions_have_at_most_70_lines, swift("struct A {\n    var size: Int {\n" + "\n" * 70 + "    }\n}\n")),
    (rules.lines_have_at_most_120_columns, swift("/" * 121)),
    (rules.lines_have_at_most_120_columns, [File("scripts/x", "#!/bin/sh\n" + "#" * 121)]),
    (rules.checks_are_never_switched_off, swift("nonisolated(" + "unsafe) var shared = 1")),
    (rules.checks_are_never_switched_off, [File("Package.swift", 'unsafeFlags(["-O' + 'unchecked"])')]),
    (rules.unchecked_sendable_states_its_reason, swift(UNREASONED)),
    (rules.only_the_reactor_imports_c, [MODULE_MAP, *swift("import CLibuv", "Sources/Cluster/A.swift")]),
    (rules.only_the_reactor_imports_c, [MODULE_MAP, *swift("internal import CLibuv", "Sources/Node/A.swift")]),
    (rules.layers_import_only_downwards, swift("package import Services", "Sources/Cluster/A.swift")),
    (rules.layers_import_only_downwards, swift("import struct Node.Settings", "Sources/Services/Cache/A.swift")),
    (rules.layers_import_only_downwards, swift("let a = 1", "Sources/Helpers/A.swift")),
    (rules.lower_layers_do_without_foundation, swift("import FoundationEssentials")),
    (rules.tests_never_sleep, swift(NAP, "Tests/NodeTests/A.swift")),
    (rules.tests_never_sleep, swift("usl" + "eep(10)\n" + POLLING, "Tests/NodeTests/A.swift")),
    (rules.tests_never_sleep, [File("Tests/Integration/test_a.py", "import time\ntime.sl" + "eep(1)\n")]),
    (rules.nothing_built_is_tracked, [File("Package.resolved", "{}")]),
    (rules.nothing_built_is_tracked, [File(".build/debug/tribe", "")]),
    (rules.links_lead_somewhere, [File("docs/a.md", "[tour](tour.md)")]),
    (rules.links_lead_somewhere, [File("README.md", "[part](docs/a.md#there)"), File("docs/a.md", "# Here\n")]),
    (rules.scripts_are_executable, [File("scripts/run", "#!/bin/sh\n")]),
    (rules.scripts_are_executable, [File("scripts/run", "echo\n", is_executable=True)]),
] + [(rules.nothing_is_left_for_later, swift(f"// {word}: later")) for word in rules.DEBT_WORDS]

KEEPS = [
    (rules.files_have_at_most_500_lines, swift("\n" * 500)),
    (rules.functions_have_at_most_70_lines, swift(function(70))),
    (rules.functions_have_at_most_70_lines, swift('let text = "{ \\(word("}")) {"\n// {\n' + "\n" * 80)),
    (rules.lines_have_at_most_120_columns, swift("/" * 120)),
    (rules.nothing_is_left_for_later, swift("let XX" + "X3 = 1")),
    (rules.unchecked_sendable_states_its_reason, swift(REASONED)),
    (rules.unchecked_sendable_states_its_reason, swift(f"// Not {rules.UNCHECKED}.\nstruct A {{}}\n")),
    (rules.only_the_reactor_imports_c, [MODULE_MAP, *swift("import CLibuv")]),
    (rules.layers_import_only_downwards, swift("package import Reactor", "Sources/Cluster/A.swift")),
    (rules.layers_import_only_downwards, swift("// import Node", "Sources/Cluster/A.swift")),
    (rules.lower_layers_do_without_foundation, swift("import Foundation", "Sources/Node/A.swift")),
    (rules.tests_never_sleep, swift(POLLING, "Tests/TestSupport/A.swift")),
    (rules.nothing_built_is_tracked, [File("Package.swift", "")]),
    (rules.links_lead_somewhere, [
        File("README.md", "[part](docs/a.md#its-name) [site](https://swift.org) [all](docs/) `[a](b)`"),
        File("docs/a.md", "# Its name\n[up](../README.md)")]),
    (rules.scripts_are_executable, [File("scripts/run", "#!/bin/sh\n", is_executable=True)]),
]


def case_name(value) -> str:
    return value.__name__ if callable(value) else value[-1].path


@pytest.mark.parametrize("rule, files", BREAKS, ids=case_name)
def test_a_breach_is_found_by(rule, files):
    assert rule(files)


@pytest.mark.parametrize("rule, files", KEEPS, ids=case_name)
def test_no_breach_is_invented_by(rule, files):
    assert rule(files) == []


def test_every_rule_has_a_breach():
    assert {rule for rule, _ in BREAKS} == set(rules.RULES)


@pytest.mark.parametrize("text, blank", [
    ('a "b" c', "a     c"),
    ('a #"b\\("# c', "a         c"),
    ('"\\(f("}"))" {', "            {"),
    ('"""\n"{"\n""" }', "   \n   \n    }"),
    ("a /* { /* } */ { */ b", "a" + " " * 19 + "b"),
    ("a // {\nb", "a     \nb"),
    ('"\\\\" {', "     {"),
])
def test_literals_and_comments_are_blanked(text, blank):
    assert swift_source.blanked(text) == blank
