"""The tree keeps the house rules."""
from pathlib import Path

import pytest

import rules

FILES = rules.read_tree(Path(__file__).resolve().parents[2])


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps(rule):
    faults = rule(FILES)
    assert not faults, "\n".join(faults)


def test_the_tree_is_read():
    assert any(file.path == "Package.swift" for file in FILES)
