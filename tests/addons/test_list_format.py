"""Plain lists as people keep them."""

from __future__ import annotations

import pytest

from addons.bypass.rule import rule_of
from addons.formats.registry import read


def patterns(text: str) -> list[str]:
    return [rule_of(one.row).pattern for one in read("list", text, "x").entries]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("a.example", ["a.example"]), ("A.Example.", ["a.example"]), (".a.example", [".a.example"]),
        ("*.a.example", ["*.a.example"]), ("||a.example^", [".a.example"]), ("a.example/", ["a.example"]),
        ("https://a.example/", ["a.example:443"]), ("https://a.example:8443/*", ["a.example:8443"]),
        ("0.0.0.0 a.example b.example # ads", ["a.example", "b.example"]), ("a.example, b.example", ["a.example", "b.example"]),
        ("10.0.0.0/8", ["10.0.0.0/8"]), ("10.0.0.0/255.0.0.0", ["10.0.0.0/8"]), ("2001:db8::1", ["2001:db8::1/128"]),
        ("[2001:db8::1]:8443", ["2001:db8::1/128:8443"]), ("10.0.0.0/8:443", ["10.0.0.0/8:443"]), ("*:5061", ["*:5061"]),
        ("bücher.example", ["xn--bcher-kva.example"]), ("a.example // why", ["a.example"]),
    ],
)  # fmt: skip
def test_an_entry_is_the_rule_that_people_mean(entry: str, said: list[str]) -> None:
    assert patterns(f"{entry}\n") == said


@pytest.mark.parametrize(
    "entry",
    ["*", "*.*", "https://a.example/path", "a.example/path", "http://a.example/", "a*.example", "^a\\.example$",
     "/a[0-9]/", "||a.example^$third-party", "@@||a.example^", "a.example##.ad", "bank.example treasury",
     "ftp://a.example", "https://user@a.example/", "a..example", "-", "10.0.0.0/33", "127.0.0.1 localhost"],
)  # fmt: skip
def test_what_cannot_be_said_is_told_and_never_widened(entry: str) -> None:
    found = read("list", f"{entry}\n", "x")
    assert found.entries == ()
    assert [one.line for one in found.unread] == [1]


def test_a_remark_above_is_for_the_lines_below_it_and_one_beside_for_its_own() -> None:
    text = "# banks (ticket CHG-1, owner treasury)\na.example\nb.example # pinned; owner: apps\n\nc.example\n"
    rows = [one.row for one in read("list", text, "x").entries]
    assert [(row.reason, row.owner, row.ticket) for row in rows] == [
        ("banks", "treasury", "CHG-1"), ("pinned", "apps", "CHG-1"), ("", "", ""),
    ]  # fmt: skip


def test_pieces_of_urls_of_an_ad_blocker_are_no_hosts() -> None:
    text = "[Adblock Plus 2.0]\n! Title: x\n.468x60/\n-banner.\nads\n||a.example^\nb.example\n"
    found = read("list", text, "x")
    assert [rule_of(one.row).pattern for one in found.entries] == [".a.example", "b.example"]
    assert len(found.unread) == 3


def test_a_name_and_its_star_are_a_suffix_where_the_star_is_any_number_of_labels() -> None:
    found = read("netskope", "a.example\n*.a.example\n*.b.example\n", "x")
    assert [(one.text, rule_of(one.row).pattern, one.row.action) for one in found.entries] == [
        ("a.example", ".a.example", "pass"), ("*.a.example", ".a.example", "pass"),
        ("*.b.example", ".b.example", "pass"), ("*.b.example", "b.example", "inspect"),
    ]  # fmt: skip
