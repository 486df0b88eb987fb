"""How connections ended, counted."""

from __future__ import annotations

import msgspec
import pytest

from detector.capture.connection import Connection, HelloFacts, Preamble, SeenAlert, ServerFacts
from detector.forensics.judged import JudgedConnection
from detector.forensics.outcomes import Outcomes, Stage, stage, unseen
from detector.model.observation import Cause
from tests.forensics.test_selection import ONE

HELLO = HelloFacts(0x0303, (0x0304, 0x0303), (0x1301,), (0, 43), (29,), (), (), (29,), "a", "b")
ANSWER = ServerFacts(0x0303, 0xC02F, 29, None, "", True)
MODERN = msgspec.structs.replace(ANSWER, version=0x0304)
CAUSE = Cause("unknown-ca", "server", "error", "The client sends unknown_ca.")


def made(**given: object) -> Connection:
    return msgspec.structs.replace(ONE, **given)


@pytest.mark.parametrize(
    ("c", "reached"),
    [
        (made(opened="syn"), "syn"),
        (made(opened="syn-ack"), "tcp"),
        (made(opened="syn-ack", preamble=Preamble("http-connect")), "preamble"),
        (made(hello=HELLO), "client-hello"),
        (made(hello=HELLO, reached="alert"), "client-hello"),
        (made(hello=HELLO, reached="hello", answer=ANSWER), "server-hello"),
        (made(hello=HELLO, reached="hello", answer=ANSWER, chain=(b"x",)), "certificate"),
        (made(hello=HELLO, reached="data", answer=MODERN), "certificate"),
        (made(hello=HELLO, reached="data", answer=MODERN, completed=True), "finished"),
    ],
)
def test_the_last_step_that_was_taken_is_told(c: Connection, reached: Stage) -> None:
    assert stage(c) == reached


@pytest.mark.parametrize(
    ("c", "why"),
    [
        (made(chain=(b"x",)), None),
        (made(answer=MODERN, completed=True), "hidden"),
        (made(answer=msgspec.structs.replace(ANSWER, version=0x7F1C), reached="data"), "hidden"),
        (made(answer=msgspec.structs.replace(ANSWER, version=0x7F14), reached="data"), "draft"),
        (made(answer=ANSWER, completed=True), "not-sent"),
        (made(answer=ANSWER, completed=True, resumed=True), "resumed"),
        (made(answer=MODERN, completed=True, resumed=True), "resumed"),
        (made(answer=ANSWER), "too-early"),
        (made(), "too-early"),
        (made(answer=ANSWER, notes=("bytes of the server are missing",)), "missing"),
    ],
)
def test_why_nobody_saw_who_answers_is_told(c: Connection, why: str | None) -> None:
    assert unseen(c) == why


def test_connections_that_failed_alike_are_one_line_with_the_earliest() -> None:
    told = Outcomes()
    alert = (SeenAlert("client", 48, fatal=True),)
    for number, first in ((9, 50.0), (3, 20.0), (12, 80.0)):
        c = made(number=number, first=first, hello=HELLO, answer=ANSWER, alerts=alert,
                 closed_by="client", how="fin")  # fmt: skip
        told.add(JudgedConnection(c, None, (CAUSE,), None, CAUSE))
    told.add(JudgedConnection(made(number=20, hello=HELLO), None, (CAUSE,), None, CAUSE))
    (first_ending, found), (other, _) = told.most
    assert (first_ending.stage, first_ending.alert, first_ending.closed_by) == (
        "server-hello", 48, "client",
    )  # fmt: skip
    assert (found.count, found.number, found.first, found.last) == (3, 3, 20.0, 80.0)
    assert (other.stage, other.alert) == ("client-hello", None)


def test_ways_to_fail_are_bounded_and_the_rest_is_counted() -> None:
    told = Outcomes()
    for number in range(100):
        alerts = (SeenAlert("client", number + 1, fatal=True),)
        c = made(hello=HELLO, answer=ANSWER, alerts=alerts, closed_by="client")
        told.add(JudgedConnection(c, None, (CAUSE,), None, CAUSE))
    assert len(told.endings) == 24
    assert told.further == 76
