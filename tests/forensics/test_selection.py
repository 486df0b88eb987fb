"""Which connections somebody wants to see."""

from __future__ import annotations

from ipaddress import ip_network

import msgspec
import pytest

from detector.capture.connection import Connection, Preamble
from detector.forensics.judged import JudgedConnection
from detector.forensics.selection import Selection
from detector.model.observation import Cause

ONE = Connection(
    number=7, client="10.0.0.9", client_port=40000, server="2001:db8::5", server_port=443,
    first=100.0, last=110.0, sni="www.Example.org",
)  # fmt: skip
TUNNEL = msgspec.structs.replace(
    ONE, preamble=Preamble("http-connect", target="api.example.net:443")
)
EXPIRED = Cause("certificate-expired", "server", "error", "It has expired.")


def judged(c: Connection = ONE, cause: Cause | None = None) -> JudgedConnection:
    return JudgedConnection(c, None, (cause,) if cause else (), None, cause)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        (Selection(), True),
        (Selection(number=7), True),
        (Selection(number=8), False),
        (Selection(host="www.example.org"), True),
        (Selection(host="example.org"), False),
        (Selection(host="*.example.org"), True),
        (Selection(host="2001:db8::5"), True),
        (Selection(sni="WWW.example.org."), True),
        (Selection(sni="-"), False),
        (Selection(clients=(ip_network("10.0.0.0/8"),)), True),
        (Selection(clients=(ip_network("::/0"),)), False),
        (Selection(servers=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))), True),
        (Selection(since=111.0), False),
        (Selection(since=105.0, until=106.0), True),
        (Selection(until=99.0), False),
        (Selection(failed=True), False),
        (Selection(verdict="inconclusive"), True),
        (Selection(verdict="intercepted"), False),
    ],
)
def test_everything_that_is_asked_for_has_to_hold(asked: Selection, kept: bool) -> None:
    assert asked.keeps(judged()) is kept


def test_a_failed_connection_is_found_by_its_cause() -> None:
    one = judged(cause=EXPIRED)
    assert Selection(failed=True, cause="certificate-expired").keeps(one)
    assert not Selection(cause="hostname-mismatch").keeps(one)


def test_a_tunnel_is_found_by_its_target() -> None:
    assert Selection(host="api.example.net").keeps(judged(TUNNEL))
    assert not Selection(host="api.example.net").keeps(judged())


def test_a_hello_without_a_name_is_asked_for_as_a_dash() -> None:
    assert Selection(sni="-").keeps(judged(msgspec.structs.replace(ONE, sni=None)))
