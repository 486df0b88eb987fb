"""Interception seen from the server: hellos against what the User-Agent says."""

from __future__ import annotations

import msgspec

from detector.capture.connection import HelloFacts
from detector.knowledge.browser_hellos import browser_hellos

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
# As Chromium 140 sends it, GREASE in the list of extensions.
CHROMES_HELLO = HelloFacts(
    0x0303, (0x0304, 0x0303),
    (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x9C, 0x9D, 0x2F, 0x35),
    (0x2A2A, 43, 5, 0xFF01, 11, 13, 16, 17613, 10, 45, 27, 23, 18, 35, 0, 51, 0xFE0D, 0x3A3A),
    (0x11EC, 29, 23, 24), (0x0403, 0x0804), ("h2", "http/1.1"), (0x11EC, 29), "a", "t13d1516h2_8daaf6152771_d8a2da3f94cd",
)  # fmt: skip
SQUIDS_HELLO = HelloFacts(
    0x0303, (0x0304, 0x0303), (0x1302, 0x1303, 0x1301, 0xC02C, 0x009F, 0x00FF),
    (0, 11, 10, 35, 22, 23, 13, 43, 45, 51), (29, 23, 30, 25, 24), (0x0403,), (), (29,), "b",
    "t13d311200_e8f1e7e78f70_830561eb1039",
)  # fmt: skip


def test_a_browsers_own_hello_is_unlikely_to_be_anybody_elses() -> None:
    opinion = browser_hellos().opinion(CHROMES_HELLO, CHROME)
    assert opinion is not None
    assert (opinion.interception, opinion.claims, opinion.differs) == ("unlikely", "Chrome 140", ())


def test_a_proxys_hello_in_a_browsers_name_is_told_field_by_field() -> None:
    for agent in (CHROME, FIREFOX):
        opinion = browser_hellos().opinion(SQUIDS_HELLO, agent)
        assert opinion is not None
        assert opinion.interception == "likely"
        assert opinion.looks_like == "squid"
        assert any("begins its suites with 1301" in text for text in opinion.differs)


def test_chrome_is_not_firefox() -> None:
    opinion = browser_hellos().opinion(CHROMES_HELLO, FIREFOX)
    assert opinion is not None
    assert opinion.interception == "likely"
    assert "Firefox never sends GREASE." in opinion.differs


def test_an_interceptors_hello_without_a_user_agent_is_no_verdict() -> None:
    opinion = browser_hellos().opinion(SQUIDS_HELLO, None)
    assert opinion is not None
    assert (opinion.interception, opinion.looks_like) == ("unknown", "squid")
    assert browser_hellos().opinion(CHROMES_HELLO, None) is None


def test_what_no_rule_speaks_of_is_unknown() -> None:
    for agent in ("curl/8.1", "Mozilla/5.0 Chrome/90.0.0.0 Safari/537.36"):
        opinion = browser_hellos().opinion(CHROMES_HELLO, agent)
        assert opinion is not None
        assert opinion.interception == "unknown"


def test_headers_that_products_add_are_told() -> None:
    opinion = browser_hellos().opinion(CHROMES_HELLO, CHROME, ("x-bluecoat-via", "host"))
    assert opinion is not None
    assert (opinion.interception, opinion.headers) == ("likely", ("Blue Coat",))


def test_resumption_does_not_hide_an_interceptor() -> None:
    again = msgspec.structs.replace(
        SQUIDS_HELLO, ja3="c", ja4="t13d311300_e8f1e7e78f70_830561eb1039"
    )
    opinion = browser_hellos().opinion(again, None)
    assert opinion is not None
    assert opinion.looks_like == "squid"


def test_a_version_of_thousands_of_digits_is_one_like_others() -> None:
    opinion = browser_hellos().opinion(SQUIDS_HELLO, f"Mozilla/5.0 Chrome/{'9' * 5000}.0.0.0")
    assert opinion is not None
    assert opinion.claims == "Chrome 999999999"
