"""Selections out of words."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest

from detector.errors import ConfigError
from detector.forensics import wanted
from detector.forensics.selection import Endpoint, Selection
from detector.knowledge.causes import cause_table
from tests.forensics.test_selection import ONE, TUNNEL, judged

BEGIN = datetime(2026, 9, 21, 14, 13, 20, 500_000, UTC).timestamp()
END = BEGIN + 600


def span() -> tuple[float, float]:
    return BEGIN, END


def never() -> tuple[float, float]:
    raise AssertionError("the capture was asked when it begins")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("+90", BEGIN + 90),
        ("+5m", BEGIN + 300),
        ("+1.5h", BEGIN + 5400),
        ("-5m", END - 300),
        ("-0", END),
        ("14:15", BEGIN + 99.5),
        ("14:13:20", BEGIN - 0.5),  # what the view shows of the first packet
        ("14:13", BEGIN - 20.5),
        ("14:00", BEGIN - 800.5 + 86400),  # the first one after the beginning is tomorrow's
        ("2026-09-21T14:13:30Z", BEGIN + 9.5),
        ("2026-09-21 14:13:30", BEGIN + 9.5),  # UTC, as it is shown
        ("2026-09-21T16:13:30+02:00", BEGIN + 9.5),
    ],
)
def test_times_are_the_captures(text: str, seconds: float) -> None:
    assert wanted.moment("--since", text, span) == pytest.approx(seconds)


def test_a_whole_date_does_not_ask_the_capture() -> None:
    assert wanted.moment("--since", "2026-09-21", never) == BEGIN // 86400 * 86400


@pytest.mark.parametrize(
    "text", ["", "yesterday", "25:00", "14:61", "+5y", "99999-01-01", "1" * 400]
)
def test_what_is_no_time_is_one_clear_error(text: str) -> None:
    with pytest.raises(ConfigError, match="--since"):
        wanted.moment("--since", text, span)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.0.2.5", Endpoint(network=ip_network("192.0.2.5"))),
        ("192.0.2.7/24", Endpoint(network=ip_network("192.0.2.0/24"))),
        ("192.0.2.5:443", Endpoint(network=ip_network("192.0.2.5"), port=443)),
        ("2001:db8::5", Endpoint(network=ip_network("2001:db8::5"))),
        ("[2001:db8::5]:8443", Endpoint(network=ip_network("2001:db8::5"), port=8443)),
        ("WWW.example.org", Endpoint(name="www.example.org")),
        ("*.example.org:443", Endpoint(name="*.example.org", port=443)),
    ],
)
def test_servers_are_addresses_networks_or_names_with_a_port(text: str, found: Endpoint) -> None:
    assert wanted.endpoint("--server", text) == found


@pytest.mark.parametrize("text", ["", "192.0.2.5:99999", "a b", "[::1", "x" * 300])
def test_what_is_no_server_is_one_clear_error(text: str) -> None:
    with pytest.raises(ConfigError, match="--server"):
        wanted.endpoint("--server", text)


@pytest.mark.parametrize(
    ("endpoint", "direct", "through"),
    [
        (Endpoint(network=ip_network("2001:db8::/32")), True, True),
        (Endpoint(network=ip_network("2001:db8::5"), port=443), True, True),
        (Endpoint(network=ip_network("2001:db8::5"), port=444), False, False),
        (Endpoint(name="*.example.org", port=443), True, True),
        (Endpoint(name="api.example.net", port=443), False, True),
    ],
)
def test_a_server_is_where_it_is_and_what_it_is_called(
    endpoint: Endpoint, direct: bool, through: bool
) -> None:
    asked = Selection(endpoints=(endpoint,))
    assert asked.keeps(judged(ONE)) is direct
    assert asked.keeps(judged(TUNNEL)) is through


def test_a_cause_is_known_or_near_ones_are_named() -> None:
    assert wanted.cause("--cause", "silent-drop", cause_table()) == "silent-drop"
    with pytest.raises(ConfigError, match="certificate-expired"):
        wanted.cause("--cause", "expired", cause_table())


def test_whose_connections_they_are_is_apart_from_how_they_ended() -> None:
    asked = Selection(
        sni="a.example", failed=True, cause="silent-drop", verdict="direct", since=5.0
    )
    assert asked.whose == Selection(sni="a.example", since=5.0)
