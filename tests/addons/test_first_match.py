"""An ordered list and the rules made of it decide alike."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from addons.bypass.matcher import Arrival, Matcher
from addons.bypass.rule import rule_of
from addons.formats.first_match import Decision, gather
from addons.formats.gathered import Gathered, Pattern

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NAMES = st.lists(st.sampled_from(("a", "b", "c")), min_size=1, max_size=4).map(".".join)
PATTERNS = st.builds(
    Pattern,
    st.sampled_from(("host", "suffix", "suffix", "wildcard", "below")),
    NAMES,
    st.sampled_from((None, None, 443)),
)
DECISIONS = st.lists(
    st.builds(
        lambda pattern, action: Decision(1, "x", [pattern], action),
        PATTERNS,
        st.sampled_from(("pass", "inspect")),
    ),
    max_size=7,
)


def by_list(decisions: list[Decision], name: str, port: int) -> str:
    """What the first entry that holds says; without one it is inspected."""
    for one in decisions:
        (pattern,) = one.found
        assert isinstance(pattern, Pattern)
        value = pattern.value
        holds = {
            "host": name == value,
            "suffix": name == value or name.endswith(f".{value}"),
            "wildcard": name.partition(".")[2] == value,
            "below": name.endswith(f".{value}"),
        }[pattern.kind]
        if holds and pattern.port in (None, port):
            return one.action
    return "inspect"


@settings(max_examples=400)
@given(DECISIONS, NAMES, st.sampled_from((443, 8443)))
def test_the_rules_decide_as_the_list_does(decisions: list[Decision], name: str, port: int) -> None:
    gathered = Gathered()
    gather(decisions, gathered, "x")
    found = Matcher([rule_of(one.row) for one in gathered.done().entries])
    match = found.match(Arrival(name, name, None, port), NOW)
    here = "inspect" if match is None else match.action
    assert here == by_list(decisions, name, port)


@settings(max_examples=200)
@given(DECISIONS, st.integers(0, 7), NAMES)
def test_an_entry_that_cannot_be_read_lets_nothing_more_through(
    decisions: list[Decision], place: int, name: str
) -> None:
    gathered = Gathered()
    unread = Decision(1, "?", "unread", "inspect")
    gather([*decisions[:place], unread, *decisions[place:]], gathered, "x")
    found = Matcher([rule_of(one.row) for one in gathered.done().entries])
    match = found.match(Arrival(name, name, None, 443), NOW)
    if match is not None and match.action == "pass":
        assert by_list(decisions[:place], name, 443) == "pass"
