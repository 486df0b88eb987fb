"""Regexes of other programs mean the same names as rules."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.bypass.expression import holds
from addons.formats.gathered import Pattern
from addons.formats.shapes import meaning

BEGINNINGS = ("", "^", r"^(.*\.)?", r"^(.+\.)?", r"^(?:[^.]+\.)*", r"^([^.]+\.)?", r"(^|\.)", r"(?:\.|^)", r"^.+\.",
              r"^[^.]+\.", r"\.", r".*\.", r"[^.]+\.", r"^[a-z0-9-]+\.", r"^([a-z0-9.-]*\.)?", r"(.*\.)?", "^(a|b)[.]",
              r"^[a-z]+\.", r"^(^|\.)", r"^\.", ".*", r"^([^.]+\.)+", r"^(?:.*\.)*")  # fmt: skip
MIDDLES = (r"b\.com", r"b[.]com", "b.com", r"x-y\.b\.com")
ENDS = ("$", "", r"\.?/", "/", "/.*", "(/|$)", "/path", "/?$")
NAMES = st.lists(st.sampled_from(("a", "b", "com", "x-y", "1", "xb")), min_size=1, max_size=5).map(
    ".".join
)


def said(patterns: list[Pattern], name: str) -> bool:
    """Whether one of the patterns is for the name."""
    for kind, value, _ in patterns:
        if kind == "host" and name == value:
            return True
        if kind == "suffix" and (name == value or name.endswith(f".{value}")):
            return True
        if kind == "below" and name.endswith(f".{value}"):
            return True
        if kind == "wildcard" and name.partition(".")[2] == value:
            return True
        if kind == "regex" and holds(re.sub(r"^\^|\$$", "", value), name):
            return True
    return False


@settings(max_examples=600)
@given(st.sampled_from(BEGINNINGS), st.sampled_from(MIDDLES), st.sampled_from(("$", "")), NAMES)
def test_what_is_searched_in_names_is_found_in_the_same_names(
    begin: str, middle: str, end: str, name: str
) -> None:
    regex = begin + middle + end
    found = meaning(regex)
    if not isinstance(found, str):
        assert said(found, name) == (re.search(regex, name) is not None), found


@settings(max_examples=600)
@given(st.sampled_from(BEGINNINGS), st.sampled_from(MIDDLES), st.sampled_from(ENDS), NAMES)
def test_what_is_searched_in_a_url_is_found_in_no_other_names(
    begin: str, middle: str, end: str, name: str
) -> None:
    regex = begin + middle + end
    found = meaning(regex, path=True)
    if not isinstance(found, str) and said(found, name):
        assert re.search(regex, f"{name}/") or re.search(regex, name)


@pytest.mark.parametrize(
    ("regex", "kind"),
    [
        (r"^(.*\.)?b\.com$", ["suffix"]), (r"(^|\.)b\.com$", ["suffix"]), (r"^.+\.b\.com$", ["below"]),
        (r"\.b\.com$", ["below"]), (r"^[^.]+\.b\.com$", ["wildcard"]), (r"^b\.com$", ["host"]),
        (r"^([^.]+\.)?b\.com$", ["host", "wildcard"]), (r"b\.com", ["regex"]), (r"^a\.com$|^b\.com$", ["host", "host"]),
    ],
)  # fmt: skip
def test_the_usual_shapes_are_names(regex: str, kind: list[str]) -> None:
    found = meaning(regex)
    assert not isinstance(found, str)
    assert [one.kind for one in found] == kind


@pytest.mark.parametrize("regex", [".*", "^.*$", "", "(.*)", "^.+"])
def test_what_finds_every_host_is_told(regex: str) -> None:
    assert "every host" in str(meaning(regex))


def test_a_set_that_is_narrower_than_a_label_is_not_widened_to_one() -> None:
    found = meaning(r"^[a-z]+\.b\.com$")
    assert found == [Pattern("regex", r"[a-z]+\.b\.com")]
