"""host:port taken apart, in names and in regexes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.place import apart, regex_and_ports, regex_apart


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.com", ("a.com", None)),
        ("a.com:443", ("a.com", 443)),
        ("2001:db8::1", ("2001:db8::1", None)),
        ("2001:db8::1:443", ("2001:db8::1:443", None)),
        ("[2001:db8::1]", ("2001:db8::1", None)),
        ("[2001:db8::1]:443", ("2001:db8::1", 443)),
        ("2001:db8::/32:443", ("2001:db8::/32", 443)),
        ("a.com:", ("a.com:", None)),
        (":443", (":443", None)),
        ("a.com:443443", ("a.com:443443", None)),
    ],
)
def test_a_place_is_taken_apart(text: str, expected: tuple[str, int | None]) -> None:
    assert apart(text) == expected


@pytest.mark.parametrize(
    ("regex", "expected"),
    [
        (r"^a\.com:443$", (r"a\.com", (443,))),
        (r"a\.com:443", (r"a\.com", (443,))),
        (r"a\.com\:443", (r"a\.com", (443,))),
        (r"^a\.com:(443|8443)$", (r"a\.com", (443, 8443))),
        (r"^a\.com:(?:443|8443)$", (r"a\.com", (443, 8443))),
        (r"^a\.com:\d+$", (r"a\.com", ())),
        (r"^a\.com:[0-9]+$", (r"a\.com", ())),
        (r"^a\.com:.*$", (r"a\.com", ())),
        (r"^a\.com(:443)?$", (r"a\.com", ())),
        (r"^a\.com$", (r"a\.com", None)),
        (r"(^|\.)a\.com:443$", (r"(?:.*[.])?a\.com", (443,))),
        (r"(?:\.|^)a\.com:443$", (r"(?:.*[.])?a\.com", (443,))),
        (r"([^:]+\.)?a\.com:443$", (r"([^:]+\.)?a\.com", (443,))),
    ],
)
def test_a_regex_is_taken_apart(regex: str, expected: tuple[str, tuple[int, ...] | None]) -> None:
    assert regex_and_ports(regex) == expected


@pytest.mark.parametrize(
    ("regex", "why"),
    [
        (r"^a|b:443$", "alternatives"),
        (r"^a:443:80$", "colon"),
        (r"^a:443|b$", "colon"),
        (r"^a:0$", "port 0"),
        (r"^a:70000$", "port 70000"),
        (r"^a:(443|80)$", "several ports: write a rule for each of 443, 80"),
    ],
)
def test_what_is_not_one_port_at_the_end_is_refused(regex: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        regex_apart(regex)


@given(st.text("^$(|.):[]*+?\\d443a/", max_size=30))
def test_whatever_is_written_is_taken_apart_or_refused(text: str) -> None:
    place, port = apart(text)
    assert port is None or str(port).lstrip("0") in text
    assert place in text or "[" in text
    try:
        regex, port = regex_apart(text)
    except ValueError:
        return
    assert regex_apart(regex)[0] == regex or regex.startswith("^") or regex.endswith(("$", "\\"))
