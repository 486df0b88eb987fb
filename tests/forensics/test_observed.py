"""A captured connection as a probe would have seen it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from detector.capture.connection import Preamble
from detector.causes.plan import OTHER_NAME
from detector.forensics.observed import observation, trial
from detector.lab.pki import LabPki
from tests.forensics.test_blame import BASE


@pytest.mark.parametrize(
    ("changes", "asks"),
    [
        ({}, True),
        ({"sni": None}, False),
        ({"sni": None, "preamble": Preamble("http-connect", target="a.example:443")}, True),
        ({"sni": None, "preamble": Preamble("starttls", protocol="smtp")}, False),
    ],
)
def test_who_sent_no_name_asked_for_none(changes: dict[str, Any], asks: bool) -> None:
    seen = observation(msgspec.structs.replace(BASE, **changes))
    assert seen.captured
    assert seen.asks_for_name == asks


@pytest.mark.parametrize(
    "sni", ["192.0.2.5", "2001:db8::5", OTHER_NAME, "shop-.example.org", "b\\xc3 x"]
)
def test_what_is_no_name_in_the_hello_was_not_asked_for(sni: str) -> None:
    seen = observation(msgspec.structs.replace(BASE, sni=sni))
    assert (seen.target.host, seen.target.sni) == (BASE.server, None)
    assert not seen.asks_for_name


@pytest.mark.parametrize("number", ["\u00b2", "9" * 200, ""])
def test_a_proxys_port_that_is_no_number_is_the_servers(number: str) -> None:
    asked = Preamble("http-connect", target=f"a.example:{number}")
    seen = observation(msgspec.structs.replace(BASE, sni=None, preamble=asked))
    assert (seen.target.host, seen.target.port) == ("a.example", BASE.server_port)


def test_where_the_capture_has_no_answer_nothing_was_tried() -> None:
    unseen = msgspec.structs.replace(BASE, opened="syn", reached="unseen", closed_by="client")
    assert trial(unseen, "plain") is None


@pytest.mark.parametrize(
    ("changes", "host"),
    [
        ({"ech": None}, "www.example.org"),
        ({"ech": "offered"}, "www.example.org"),  # GREASE, and the certificate is of the name
        ({"ech": "outer"}, BASE.server),
        (
            {"ech": "offered", "sni": "front.example"},
            BASE.server,
        ),  # it was answered for another name
        ({"ech": None, "sni": "front.example"}, "front.example"),
        ({"ech": "offered", "sni": "front.example", "completed": False}, "front.example"),
        (
            {"ech": "offered", "sni": "front.example", "chain": (b"no certificate",)},
            "front.example",
        ),
    ],
)
def test_a_name_that_stands_for_another_is_not_the_one_that_was_asked_for(
    changes: dict[str, Any], host: str, pki: LabPki
) -> None:
    chain = pki.issue("www.example.org").chain
    given = {"sni": "www.example.org", "chain": chain, "completed": True, **changes}
    seen = observation(msgspec.structs.replace(BASE, **given))
    assert seen.target.host == host
    assert (seen.target.sni is None) == (host == BASE.server)
