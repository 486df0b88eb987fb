"""What the rules are told about an inquiry."""

from __future__ import annotations

from dataclasses import replace

from detector.lab.pki import LabPki
from detector.model.inquiry import Application, Inquiry, Trial
from tests.causes.conftest import MakeClues
from tests.conftest import Observe

ANSWERED = {"outcome": "answered", "version": 0x0304}


def trial(name: str, **fields: object) -> Trial:
    return Trial(offer=name, **fields)  # type: ignore[arg-type]


def test_a_flip_is_a_change_without_which_the_hello_is_answered(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    seen = observe("a.com", pki.issue("a.com"))
    plain = trial("plain", **ANSWERED)
    large = trial("large", outcome="silent")
    found = clues(Inquiry(seen, {"plain": plain, "large": large}))
    assert [change.offer for change in found.flips] == ["large"]
    other = clues(
        Inquiry(seen, {"plain": plain, "tls12-only": trial("tls12-only", outcome="alert")})
    )
    assert other.flips == ()  # TLS 1.3 only is no fault


def test_an_old_version_is_an_answer_but_does_not_serve(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    old = trial("plain", outcome="answered", version=0x0301)
    found = clues(Inquiry(observe("a.com", pki.issue("a.com")), {"plain": old}))
    assert found.answers("plain")
    assert not found.serves("plain")
    assert not found.greeted


def test_certificates_come_from_a_hello_where_no_handshake_showed_any(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    chain = pki.issue("a.com").chain
    seen = observe("a.com", (), handshake=None)
    found = clues(Inquiry(seen, {"rc4": trial("rc4", chain=chain, **ANSWERED)}))
    assert found.seen is not None
    assert found.seen.holds_name


def test_a_chain_is_repaired_only_by_certificates_that_signed_it(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    seen = observe("a.com", [pki.issue("a.com").der])
    stranger, good = LabPki().intermediate.der, pki.intermediate.der
    whole = clues(Inquiry(replace(seen, fetched=(b"garbage", stranger, good)))).repaired
    assert [one.der for one in whole] == [seen.chain[0], pki.intermediate.der, pki.root.der]
    assert clues(Inquiry(replace(seen, fetched=(b"garbage", stranger)))).repaired == ()


def test_date_and_status_of_the_answer_are_read(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    data = b"HTTP/1.1 511 No\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT\r\n\r\n"
    seen = observe("a.com", pki.issue("a.com"))
    found = clues(Inquiry(seen, application=Application("answered", data)))
    assert found.status == 511
    assert found.server_date is not None
    assert found.server_date.year == 2030
    for broken in (b"HTTP/1.1 2x0", b"SSH-2.0", b"HTTP/1.1 200\r\nDate: never\r\n"):
        noise = clues(Inquiry(seen, application=Application("answered", broken)))
        assert noise.server_date is None
