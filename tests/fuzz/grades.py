"""Targets that grade: saved files, and what interceptors and their certificates could have put into them."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import msgspec
from rich.console import Console

from detector.echo.sealed import opened
from detector.judging.grade import grade
from detector.knowledge import shipped
from detector.knowledge.grade_tests import grade_tests
from detector.model.echoes import Echo, Meeting
from detector.model.grades import (
    GRADES_SCHEMA,
    LETTERS,
    SERVERS_SCHEMA,
    GradeServers,
    Seen,
    TowardsClients,
    Visit,
)
from detector.net.trial import Keys
from detector.report.grade_json import record
from detector.report.grade_text import render
from detector.runs.grade_files import read_seen, read_servers
from detector.wire.offer import Offer, client_hello
from detector.wire.records import HANDSHAKE, encode_record
from tests.fuzz import target
from tests.fuzz.lab import LEAF, PKI

_TESTS = grade_tests()
_THEN = b"|then|"
_AT = datetime(2026, 1, 1, tzinfo=UTC)


def targets() -> dict[str, target.Target]:
    """By name."""
    flight = encode_record(
        HANDSHAKE, client_hello(Offer(sni="expired.grade.test"), Keys().material)
    )
    servers = GradeServers(
        schema=SERVERS_SCHEMA, name="grade.test", port=443, key="0" * 64, root=PKI.root.pem, leaves={"good": "0" * 64},
    )  # fmt: skip
    seen = _seen(LEAF, flight, "cut")
    return {
        "grade": target.Target(_graded, (LEAF + _THEN + flight + _THEN + b"answered",)),
        "grade-file": target.Target(_file, (msgspec.json.encode(seen),)),
        "grade-servers": target.Target(_servers, (msgspec.json.encode(servers),)),
        "sealed-echo": target.Target(_sealed, (b'{"echo": "e30=", "signature": "00"}',)),
    }


def _graded(data: bytes) -> None:
    """Hostile leaves, hellos and words come to a grade, never to an error; nothing in it moves a terminal."""
    leaf, _, rest = data.partition(_THEN)
    flight, _, words = rest.partition(_THEN)
    _told(_seen(leaf, flight, words.decode("latin-1")))


def _file(data: bytes) -> None:
    """A file either comes to a grade or is refused."""
    _told(read_seen(data))


def _servers(data: bytes) -> None:
    """A file of servers is read or refused."""
    read_servers(data)


def _sealed(data: bytes) -> None:
    """Nothing is an echo that was not signed."""
    opened(data, "0" * 64, "n")
    raise AssertionError("an echo without a signature was opened")


def _told(seen: Seen) -> None:
    found = grade(seen, _TESTS, shipped.published_keys())
    assert found.letter is None or found.letter in LETTERS
    told = record(found, seen, _TESTS)
    msgspec.json.encode(told)
    out = io.StringIO()
    Console(file=out, width=80, no_color=True).print(render(told, verbose=True))
    assert not any(ord(one) < 32 and one != "\n" for one in out.getvalue())


def _seen(leaf: bytes, flight: bytes, words: str) -> Seen:
    visits = tuple(
        Visit(
            server=server, host=f"{server}.grade.test", port=443, ended="answered", chain=(leaf,), version=words[:9],
            why=words, saw=Echo(nonce="n", at=_AT, flight=flight, peer="", http="", version="TLSv1"),
        )
        for server in ("good", "expired", "server-tls10")
    )  # fmt: skip
    met = tuple(
        Meeting(server=one.server, at=_AT, flight=flight, ended=words[:80], peer="")
        for one in visits
    )
    side = TowardsClients(versions=(len(leaf), 0x0303), families=(words[:5],), dh_bits=len(flight))
    return Seen(
        schema=GRADES_SCHEMA, at=_AT, route=words, name="grade.test",
        leaves={one.server: "0" * 64 for one in visits}, visits=visits, met=met, towards=side,
    )  # fmt: skip
