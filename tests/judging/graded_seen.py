"""What was seen of an interceptor, made by hand: a corporate CA that mints for servers below grade.test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

import msgspec

from detector.judging.grade import grade
from detector.knowledge import shipped
from detector.knowledge.grade_tests import grade_tests
from detector.lab.pki import Authority, Credential
from detector.model.echoes import Echo, Meeting
from detector.model.grades import (
    GOOD,
    GRADES_SCHEMA,
    Answer,
    Ended,
    Grade,
    Seen,
    TowardsClients,
    Visit,
)
from detector.net.trial import Keys
from detector.wire import offer as o
from detector.wire.offer import Offer, client_hello
from detector.wire.records import HANDSHAKE, encode_record

AT = datetime.now(UTC).replace(microsecond=0)
TESTS = grade_tests()
NAME = "grade.test"
PLAIN = Offer(sni=f"{GOOD}.{NAME}", alpn=("h2",))
# A side towards clients with which nothing is wrong.
WELL = TowardsClients(
    versions=(o.TLS13, o.TLS12), static_keys=False, version=o.TLS13, group=o.X25519MLKEM768, alpn="h2",
    renegotiation=True, marks=True, fallback=False, compression=False, shared_session=False, early_change=False,
    renegotiates=False,
)  # fmt: skip


@cache
def corporate() -> Authority:
    return Authority("Example Corp Web Gateway CA", organization="Example Corp", profile=False)


@cache
def minted(label: str) -> Credential:
    """A leaf with which nothing is wrong."""
    return corporate().issue(f"{label}.{NAME}", days=30)


def flight(offer: Offer = PLAIN) -> bytes:
    return encode_record(HANDSHAKE, client_hello(offer, Keys().material))


def echo(label: str, version: str = "TLSv1.3", offer: Offer = PLAIN) -> Echo:
    return Echo(
        nonce="n", at=AT, flight=flight(offer), peer="192.0.2.1", http="HTTP/1.1", server=label, version=version,
    )  # fmt: skip


def visit(
    label: str, ended: Ended, leaf: Credential | None = None, *, saw: Echo | None = None
) -> Visit:
    shown = (leaf or minted(label)).chain
    told = saw or (echo(label) if ended == "answered" else None)
    return Visit(
        server=label, host=f"{label}.{NAME}", port=443, ended=ended, chain=shown, version="TLSv1.3",
        status={"answered": 200, "page": 502}.get(ended), saw=told,
    )  # fmt: skip


def met(label: str, ended: str = "cut", offer: Offer = PLAIN) -> Meeting:
    return Meeting(server=label, at=AT, flight=flight(offer), ended=ended, peer="192.0.2.1")


def seen(
    *visits: Visit,
    met: tuple[Meeting, ...] = (),
    towards: TowardsClients | None = WELL,
    genuine: tuple[Visit, ...] = (),
) -> Seen:
    """`genuine` visits were shown the server's own leaf."""
    leaves = dict.fromkeys((GOOD, *(one.id for one in TESTS.visits)), "0" * 64)
    leaves |= {one.server: sha256(one.chain[0]).hexdigest() for one in genuine}
    return Seen(
        schema=GRADES_SCHEMA, at=AT, route="through http://proxy.example:3128", name=NAME, leaves=leaves,
        visits=(*visits, *genuine), met=met, towards=towards,
    )  # fmt: skip


def strict() -> Seen:
    """Everything is refused, for the reason that there is, and every server has met it."""
    bad = [one.id for one in TESTS.visits]
    return seen(
        visit(GOOD, "answered"), *(visit(one, "page") for one in bad),
        met=(met(GOOD, "answered"), *(met(one, "TLSV1_ALERT_INTERNAL_ERROR") for one in bad)),
    )  # fmt: skip


def instead(whole: Seen, one: Visit, *meetings: Meeting) -> Seen:
    """The same with another visit to its server, and what that server met."""
    return msgspec.structs.replace(
        whole,
        visits=tuple(one if old.server == one.server else old for old in whole.visits),
        met=(*(old for old in whole.met if old.server != one.server), *meetings),
    )


def graded(whole: Seen) -> Grade:
    return grade(whole, TESTS, shipped.published_keys())


def answer(whole: Seen, test: str) -> Answer:
    return next(one for one in graded(whole).answers if one.test == test)


def days(number: int) -> timedelta:
    return timedelta(days=number)
