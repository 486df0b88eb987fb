"""A question is told from what it answered, where nobody knows the options."""

from __future__ import annotations

from datetime import UTC, datetime

from detector.model.asked import Asked, asked_by, asked_of_nobody
from detector.model.observation import Observation, Route, Target

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def seen(target: Target, route: Route | None = None) -> Asked:
    return asked_by(Observation(NOW, target, route or Route()))


def test_a_plain_question_needs_no_words() -> None:
    assert seen(Target("a.com", 8443, ip="192.0.2.1", sni="a.com")) == Asked("a.com", 8443, "a.com")
    assert seen(Target("192.0.2.1", sni=None)).words == ()


def test_an_address_that_was_given_is_dialled_again() -> None:
    found = seen(Target("a.com", 8443, ip="::1", sni="a.com", pinned_address=True))
    assert found.connect == ("::1", 8443)
    assert found.words == ("--connect", "[::1]:8443")


def test_a_saved_address_without_a_port_is_not_dialled_again() -> None:
    for number in ("\u00b2", "9" * 5000, ""):
        assert seen(Target("a.com", sni="a.com", dialled=f"192.0.2.1:{number}")).connect is None
    found = seen(Target("a.com", sni="a.com", dialled="192.0.2.1:8443"))
    assert found.connect == ("192.0.2.1", 8443)


def test_another_name_or_none_is_sent_again() -> None:
    assert seen(Target("a.com", sni="b.com")).words == ("--sni", "b.com")
    assert seen(Target("a.com", sni=None)).words == ("--sni", "")


def test_the_proxy_is_gone_through_again() -> None:
    found = seen(Target("a.com", sni="a.com"), Route("http-connect", "p.net:3128"))
    assert found.proxy == "http://p.net:3128"
    assert found.words == ("--proxy", "http://p.net:3128")
    socks = seen(Target("a.com", sni="a.com"), Route("socks5", "p.net:1080"))
    assert socks.proxy == "socks5h://p.net:1080"


def test_a_captured_name_that_is_none_is_not_repeated() -> None:
    assert seen(Target("192.0.2.1", sni="\x1b[2Jevil name")).sni == "192.0.2.1"


def test_a_text_may_name_nobody() -> None:
    assert asked_of_nobody(None).host == "HOST"
    assert asked_of_nobody("a.com").sni == "a.com"
