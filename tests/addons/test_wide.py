"""Which rules ask for two people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.expression import fault, holds
from addons.bypass.pattern import row_of
from addons.bypass.rule import Rule, rule_of
from addons.bypass.wide import is_wide


def rule(pattern: str, action: str = "pass") -> Rule:
    return rule_of(
        row_of(pattern, reason="x", owner="x", expires=None, created=None, action=action)
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pattern",
    [
        "*:8443", ".example", ".co.uk", ".bank.example", ".bbc.co.uk", "*.bank.example", "*.co.uk",
        ".github.io", ".blob.core.windows.net", "10.0.0.0/8", "192.0.2.0/23", "2001:db8::/63",
        "0.0.0.0/0", "::/0", "/.*/", r"/.*\.bank\.example/", r"/(www|api)\.cdn\.bank\.example/",
        r"/[a-z]+/", r"/www\.bank\.example.*/", r"/cdn\.bank\.exampl./", r"/.*bank\.example/",
        r"/.*\.Cdn\.bank\.example/", r"/x?/", r"/.*cdn\.bank\.example/",
    ],
)  # fmt: skip
def test_what_takes_in_all_of_an_owner_or_more_is_wide(pattern: str) -> None:
    found = rule(pattern)
    assert is_wide(found)
    for action in ("inspect", "block"):
        assert not is_wide(rule(pattern, action))


@pytest.mark.parametrize(
    "pattern",
    [
        "bank.example", "bank.example:443", ".cdn.bank.example", "*.api.bbc.co.uk", "192.0.2.7",
        "192.0.2.0/24", "2001:db8::/64", r"/[a-z]+\.cdn\.bank\.example/", r"/www\.bank\.example/",
        r"/^www\.bank\.example$/", r"/.*\.cdn\.bank\.example$/",
    ],
)  # fmt: skip
def test_what_is_one_service_or_one_network_is_not(pattern: str) -> None:
    assert not is_wide(rule(pattern))


@given(st.text("ab.\\*+[]()^$?|-", min_size=1, max_size=14), st.sampled_from(("", r"\.a\.b\.ab")))
def test_a_regex_that_is_not_wide_meets_no_other_owners_name(text: str, tail: str) -> None:
    regex = text + tail
    if fault(regex) is not None or is_wide(Rule(regex=regex)):
        return
    literal = regex.replace("\\.", ".").strip("^$")
    below = ".".join(literal.split(".")[-2:])
    for name in ("other.example", "x.y.z", "a.other.example", "ab", "a.a.a", f"x{below}"):
        assert not holds(regex, name) or name == literal, (regex, name)
