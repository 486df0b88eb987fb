"""Interception seen from the server: hellos against what the User-Agent says."""

from __future__ import annotations

import msgspec
import pytest

from detector.capture.connection import HelloFacts
from detector.knowledge.browser_hellos import browser_hellos
from tests.forensics.measured_hellos import MeasuredHello, measured_hellos

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/{} Safari/605.1.15"
)
# As Chromium 140 sends it, GREASE in the list of extensions.
CHROMES_HELLO = HelloFacts(
    0x0303, (0x0304, 0x0303),
    (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x9C, 0x9D, 0x2F, 0x35),
    (0x2A2A, 43, 5, 0xFF01, 11, 13, 16, 17613, 10, 45, 27, 23, 18, 35, 0, 51, 0xFE0D, 0x3A3A),
    (0x11EC, 29, 23, 24), (0x0403, 0x0804), ("h2", "http/1.1"), (0x11EC, 29), "a", "t13d1516h2_8daaf6152771_d8a2da3f94cd",
    (0,),
)  # fmt: skip
RULES = browser_hellos()
MEASURED = measured_hellos()
BY_NAME = {row.name: row for row in MEASURED}
BROWSERS = [row for row in MEASURED if row.agent is not None]
PROGRAMS = [row for row in MEASURED if row.agent is None]


def judged(hello: HelloFacts, agent: str) -> str:
    opinion = RULES.opinion(hello, agent)
    assert opinion is not None
    assert bool(opinion.reason) == (opinion.interception == "unknown")
    assert opinion.differs or opinion.interception != "likely"
    return opinion.interception


def without(hello: HelloFacts, *extensions: int, suites: tuple[int, ...] = ()) -> HelloFacts:
    return msgspec.structs.replace(
        hello,
        extensions=tuple(kind for kind in hello.extensions if kind not in extensions),
        ciphers=tuple(code for code in hello.ciphers if code not in suites),
    )


@pytest.mark.parametrize("row", BROWSERS, ids=lambda row: f"{row.name}-{row.transport}")
def test_no_browser_is_accused_under_its_own_name(row: MeasuredHello) -> None:
    assert row.agent is not None
    newer = row.name.startswith(("safari26", "safari27", "tor"))
    assert judged(row.facts, row.agent) == ("unknown" if newer else "unlikely")


@pytest.mark.parametrize("row", BROWSERS, ids=lambda row: f"{row.name}-{row.transport}")
def test_a_browser_is_never_clean_under_the_name_of_another_family(row: MeasuredHello) -> None:
    for other in BROWSERS:
        assert other.agent is not None
        if other.name[:4] == row.name[:4] or {row.name[:4], other.name[:4]} == {"edge", "chro"}:
            continue
        if "tor145" in (row.name, other.name) or "Debian's" in row.name + other.name:
            continue
        assert judged(row.facts, other.agent) == "unknown"


@pytest.mark.parametrize("row", PROGRAMS, ids=lambda row: row.name)
@pytest.mark.parametrize(
    "agent", [CHROME, FIREFOX, SAFARI.format("17.4")], ids=["chrome", "firefox", "safari"]
)
def test_a_program_in_a_browsers_name_is_interception_and_is_named(
    row: MeasuredHello, agent: str
) -> None:
    opinion = RULES.opinion(row.facts, agent)
    assert opinion is not None
    assert opinion.interception == "likely"
    program = row.name.partition(",")[0].lower()
    names = {"python's ssl": "python", "node.js": "node", "gnutls-cli": "gnutls", "go": "go"}
    assert opinion.looks_like is not None
    assert names.get(program, program.split()[0]) in opinion.looks_like.lower()


def test_a_program_whose_library_others_have_is_told_as_the_library() -> None:
    kinds = {}
    for name in ("mitmproxy", "squid", "proxy.py", "http-mitm-proxy"):
        opinion = RULES.opinion(BY_NAME[name].facts, None)
        assert opinion is not None
        assert (opinion.interception, opinion.claims) == ("unknown", None)
        kinds[name] = opinion.looks_like_kind
    assert kinds == {
        "mitmproxy": "product",
        "squid": "product",
        "proxy.py": "library",
        "http-mitm-proxy": "library",
    }
    assert BY_NAME["Python's ssl"].facts.ciphers == BY_NAME["proxy.py"].facts.ciphers


def test_what_differs_is_told_field_by_field() -> None:
    opinion = RULES.opinion(BY_NAME["squid"].facts, CHROME)
    assert opinion is not None
    assert opinion.claims == "Chrome 140"
    assert "Chrome 99-156 sends GREASE." in opinion.differs
    assert "Chrome 99-156 never sends the extensions 22, 13172." in opinion.differs
    assert any(text.endswith("this hello 0, 1, 2.") for text in opinion.differs)


def test_a_browser_with_another_browsers_name_has_changed_it_rather_than_been_intercepted() -> None:
    opinion = RULES.opinion(CHROMES_HELLO, FIREFOX)
    assert opinion is not None
    assert (opinion.interception, opinion.looks_like) == ("unknown", "Chrome 99-156")
    assert opinion.looks_like_kind == "browser"
    assert "Firefox 91-155 never sends GREASE." in opinion.differs


def test_a_version_that_was_never_measured_is_unknown() -> None:
    for agent, reason in (
        (CHROME.replace("140", "157"), "The newest Chrome whose hello over TCP is known is 156."),
        (CHROME.replace("140", "20"), "No hello of Chrome 20 over TCP is known."),
        (SAFARI.format("26.0"), "The newest Safari whose hello over TCP is known is 18."),
    ):
        opinion = RULES.opinion(BY_NAME["squid"].facts, agent)
        assert opinion is not None
        assert (opinion.interception, opinion.reason) == ("unknown", reason)
        assert opinion.looks_like == "squid"


def test_quic_is_not_judged_by_what_tcp_shows() -> None:
    for row in BROWSERS:
        if row.transport == "q":
            assert row.agent is not None
            over_tcp = msgspec.structs.replace(row.facts, ja4="t" + row.facts.ja4[1:])
            assert judged(row.facts, row.agent) == "unlikely"
            assert judged(over_tcp, row.agent) != "unlikely"
    quic = msgspec.structs.replace(CHROMES_HELLO, ja4="q" + CHROMES_HELLO.ja4[1:])
    opinion = RULES.opinion(quic, SAFARI.format("17.4"))
    assert opinion is not None
    assert opinion.reason == "Safari's hello over QUIC is not known."
    assert judged(msgspec.structs.replace(CHROMES_HELLO, ja4="d13d"), CHROME) == "unknown"


def test_settings_that_take_away_accuse_nobody() -> None:
    firefox = BY_NAME["firefox147"]
    assert firefox.agent is not None
    for changed in (
        without(firefox.facts, 5),  # no stapling
        without(firefox.facts, 43, 45, 51, suites=(0x1301, 0x1302, 0x1303)),  # no TLS 1.3
        without(firefox.facts, 34, 35, 65037, 27),
        without(firefox.facts, suites=(0xCCA8, 0xCCA9)),
    ):
        assert judged(changed, firefox.agent) == "unknown"
    for changed in (
        without(firefox.facts, suites=(0x2F, 0x35, 0xC013)),
        without(firefox.facts, 65037),  # no ECH
        msgspec.structs.replace(
            firefox.facts, groups=(29, 23, 24)
        ),  # no post-quantum key agreement
        msgspec.structs.replace(firefox.facts, alpn=("http/1.1",)),  # a WebSocket
        msgspec.structs.replace(firefox.facts, extensions=(*firefox.facts.extensions, 49)),
    ):
        assert judged(changed, firefox.agent) == "unlikely"
    assert judged(without(CHROMES_HELLO, 0, 16, 17613), CHROME) == "unknown"
    assert judged(without(CHROMES_HELLO, 0, 17613), CHROME) == "unlikely"


def test_a_machine_without_aes_puts_chacha20_first() -> None:
    first = (0x1303, 0x1301, 0x1302, 0xCCA9, 0xCCA8)
    suites = (*first, *(code for code in CHROMES_HELLO.ciphers if code not in first))
    assert judged(msgspec.structs.replace(CHROMES_HELLO, ciphers=suites), CHROME) == "unlikely"


def test_a_ticket_of_before_a_cookie_and_padding_change_nothing() -> None:
    for kinds in ((41,), (44,), (21,), (41, 42)):
        again = msgspec.structs.replace(
            CHROMES_HELLO, extensions=(*CHROMES_HELLO.extensions, *kinds)
        )
        assert judged(again, CHROME) == "unlikely"
    squid = BY_NAME["squid"].facts
    again = msgspec.structs.replace(squid, extensions=(*squid.extensions, 41, 21))
    opinion = RULES.opinion(again, None)
    assert opinion is not None
    assert opinion.looks_like == "squid"


def test_hellos_that_share_a_ja3_and_a_ja4_are_still_two() -> None:
    """GREASE is in neither."""
    plain = without(CHROMES_HELLO, 0x2A2A, 0x3A3A)
    assert judged(CHROMES_HELLO, CHROME) == "unlikely"
    assert judged(plain, CHROME) == "likely"


def test_headers_that_products_add_are_told() -> None:
    opinion = RULES.opinion(CHROMES_HELLO, CHROME, ("x-bluecoat-via", "host"))
    assert opinion is not None
    assert (opinion.interception, opinion.headers) == ("likely", ("Blue Coat",))
    assert opinion.reason == ""


def test_a_hello_without_user_agent_that_nobody_is_known_for_is_nothing() -> None:
    assert RULES.opinion(CHROMES_HELLO, None) is None
