"""A question is told from what it answered, where nobody knows the options."""

from __future__ import annotations

from datetime import UTC, datetime

from detector.model.asked import Asked, asked_by, asked_of_nobody, shell_line, some_words
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


def test_what_the_run_was_told_is_said_once_and_as_it_was_told() -> None:
    words = ("--roots", "r.pem", "--proxy", "socks5://p.net:1080", "--connect", "192.0.2.9:443")
    target = Target("a.com", sni="a.com", ip="192.0.2.9", pinned_address=True)
    found = asked_by(Observation(NOW, target, Route("socks5", "p.net:1080")), words)
    assert found.words == words
    assert found.proxy == "socks5://p.net:1080", "which resolves here, as no observation tells"


def test_the_proxys_user_is_told_its_password_is_the_readers_to_give() -> None:
    words = ("--proxy", "http://me%40corp@p.net:3128", "--pins", "p.toml")
    target = Target("a.com", 8443, sni="a.com")
    found = asked_by(Observation(NOW, target, Route("http-connect", "p.net:3128")), words)
    assert (found.proxy, found.proxy_user) == ("http://p.net:3128", "me@corp")
    assert shell_line(("tlsight", "check"), found) == (
        'TLSIGHT_PROXY=http://me%40corp:"$PROXY_PASSWORD"@p.net:3128 tlsight check --pins p.toml a.com:8443'
    )


def test_what_went_straight_though_a_proxy_is_set_is_not_sent_through_it() -> None:
    straight = Observation(NOW, Target("a.com", sni="a.com"), Route())
    assert asked_by(straight, ("--proxy", "http://me@p.net:3128", "-v")).words == ("-v",)
    by_file = ("--proxy", "pac+file:///proxy.pac")
    assert asked_by(straight, by_file).words == by_file


def test_another_verb_is_told_the_options_that_it_has() -> None:
    words = ("--no-proxy", "--policy", "p.toml", "--roots", "r.pem")
    assert some_words(words, ("--no-proxy", "--roots")) == ("--no-proxy", "--roots", "r.pem")


def test_a_captured_name_that_is_none_is_not_repeated() -> None:
    assert seen(Target("192.0.2.1", sni="\x1b[2Jevil name")).sni == "192.0.2.1"


def test_a_text_may_name_nobody() -> None:
    assert asked_of_nobody(None).host == "HOST"
    assert asked_of_nobody("a.com").sni == "a.com"
