"""`bypass list` fits its terminal, and no rule is cut."""

from __future__ import annotations

import re

import pytest

from addons.cli.rule_list import Listed, lines, table
from tests.report.telling import plain

LONG = f"{'deep.' * 30}example.com"
RULES = (
    Listed("pass", LONG, "until 2027-03-31, ends in 3 days", 1_234_567, 10**12, "network: pinned app"),
    Listed("inspect", "login.bank.example", "without end", 0, 0, f"desk: {'why ' * 40}"),
    Listed("block", "198.51.100.0/24:8443", "ended 2026-01-01", 3, 4, ": ", "It is not in force: " + "so " * 60 + "it is"),
)  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_rules_fit_into_the_terminal_and_are_whole(width: int) -> None:
    said = plain(table(RULES), width=width)
    assert max(map(len, said.splitlines())) <= width
    whole = re.sub(r"\s", "", said)
    column = "".join(line[9 : 9 + _room(said)].strip() for line in said.splitlines())
    for rule in RULES:
        assert rule.pattern in column
        assert rule.action in whole
    # Bytes give way before how often it was used.
    assert ("1,234,567" in said, f"{10**12:,}" in said) == (width > 60, width > 80)


def _room(said: str) -> int:
    """Columns of the rules themselves, by the heads."""
    head = said.splitlines()[0]
    return head.index("end") - head.index("rule") - 2


def test_what_a_terminal_would_obey_is_escaped() -> None:
    hostile = Listed("pass", "a.example", "until 2027-03-31", 0, 0, "me: \x1b]0;owned\x07")
    assert "\x1b" not in plain(table([hostile]))


def test_a_file_has_a_rule_in_a_line_of_its_own() -> None:
    said = [*lines(RULES)]
    assert [one.split()[:2] for one in said[:3]] == [[r.action, r.pattern] for r in RULES]
    assert said[3].strip() == RULES[2].idle
