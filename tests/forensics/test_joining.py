"""Lines and connections of one failure find each other."""

from __future__ import annotations

import msgspec

from detector.forensics.joining import Joiner
from detector.forensics.judged import JudgedConnection
from detector.logs.event import Event
from detector.model.observation import Cause
from tests.forensics.test_blame import BASE

CAUSE = Cause("untrusted-root", "client", "error", "x")


def told(
    client: str = "10.0.0.9", port: int = 50000, at: float = 100.0, cause: Cause = CAUSE
) -> JudgedConnection:
    connection = msgspec.structs.replace(
        BASE, client=client, client_port=port, first=at, last=at + 0.2
    )
    return JudgedConnection(connection, None, (cause,))


def event(
    at: float, peer: str = "10.0.0.9", port: int | None = None, cause: str = "untrusted-root"
) -> Event:
    return Event(at, "nginx", cause, "client", "words", peer=peer, port=port)


def test_the_port_decides() -> None:
    joiner = Joiner([event(100.0, port=50001), event(100.0, port=50000)])
    joined = joiner.join(told())
    assert joined is not None
    assert joined.event.port == 50000
    assert joined.agree
    assert joiner.left == 1


def test_without_a_port_address_and_time_decide_and_each_line_is_used_once() -> None:
    joiner = Joiner([event(100.0), event(160.0)])
    assert joiner.join(told(at=101.0)) is not None
    assert joiner.join(told(at=101.0)) is None
    assert joiner.join(told(at=160.0)) is not None
    assert joiner.left == 0


def test_of_several_lines_that_with_the_same_cause_is_taken() -> None:
    joiner = Joiner([event(100.0, cause="version-mismatch"), event(101.0)])
    joined = joiner.join(told())
    assert joined is not None
    assert joined.event.cause == "untrusted-root"


def test_where_they_disagree_it_is_told() -> None:
    joined = Joiner([event(100.0, cause="version-mismatch")]).join(told())
    assert joined is not None
    assert not joined.agree


def test_upstream_lines_belong_to_other_connections() -> None:
    assert Joiner([msgspec.structs.replace(event(100.0), upstream=True)]).count == 0
