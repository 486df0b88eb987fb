"""Answers from how the interceptor's side towards clients takes hellos."""

from __future__ import annotations

from collections.abc import Iterator

from detector.judging.graded_shown import minted
from detector.model.grades import Answer, Seen, TowardsClients
from detector.wire.registry import version_name

_SSL3, _TLS10, _TLS11, _TLS12, _TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
_LEAST_DH = 1024


def answers_to_clients(seen: Seen) -> Iterator[Answer]:
    """One for each test that asks that side; none where it was not asked."""
    side = seen.towards
    if side is None:
        return
    for test, version in (
        ("client-ssl3", _SSL3),
        ("client-tls10", _TLS10),
        ("client-tls11", _TLS11),
    ):
        yield _answer(test, fault=version in side.versions, asked=bool(side.versions))
    yield _suites("client-broken-suites", side, ("null", "export", "anonymous"))
    yield _suites("client-weak-suites", side, ("rc4", "des", "3des", "rc2-idea"))
    short = side.dh_bits is not None and side.dh_bits <= _LEAST_DH
    told = f"{side.dh_bits} bits" if side.dh_bits is not None else ""
    yield _answer("client-short-dh", fault=short, asked=bool(side.versions), told=told)
    yield _known("client-no-forward-secrecy", side.static_keys)
    newest = max(side.versions, default=0)
    yield _answer(
        "client-no-tls13", fault=newest < _TLS13, asked=bool(newest),
        told=f"the newest is {version_name(newest)}" if newest else "",
    )  # fmt: skip
    yield _downgrade(side)
    secure = None if side.renegotiation is None else not side.renegotiation
    yield _known("client-insecure-renegotiation", secure)
    yield _known("client-renegotiation", side.renegotiates)
    yield _known("client-compression", side.compression)
    yield _session(side, seen)
    yield _known("client-early-ccs", side.early_change)


def _downgrade(side: TowardsClients) -> Answer:
    """With one version alone nobody can be talked down; else both protections have to hold where they apply."""
    test = "client-no-downgrade-protection"
    if not side.versions:
        return Answer(test=test, outcome="unclear")
    if len(side.versions) == 1:
        return Answer(test=test, outcome="passed", seen="it speaks one version")
    faults: list[str] = []
    if _TLS13 in side.versions and _TLS12 in side.versions and side.marks is False:
        faults.append("its TLS 1.2 does not say that it knows TLS 1.3")
    if side.fallback:
        faults.append("it answers a hello that says it fell back")
    if faults:
        return Answer(test=test, outcome="failed", seen=", ".join(faults))
    return Answer(test=test, outcome="passed")


def _session(side: TowardsClients, seen: Seen) -> Answer:
    """Where one certificate is every site's, a session may be, too (RFC 8446 section 4.6.1)."""
    test = "client-shared-session"
    leaves = {one.chain[0] for one in minted(seen)}
    if side.shared_session and len(leaves) == 1:
        told = "it is resumed, and one certificate is for all names"
        return Answer(test=test, outcome="passed", seen=told)
    return _known(test, side.shared_session)


def _suites(test: str, side: TowardsClients, families: tuple[str, ...]) -> Answer:
    bad = [one for one in side.families if one in families]
    return _answer(test, fault=bool(bad), asked=bool(side.versions), told=", ".join(bad))


def _known(test: str, fault: bool | None) -> Answer:
    return _answer(test, fault=bool(fault), asked=fault is not None)


def _answer(test: str, *, fault: bool, asked: bool, told: str = "") -> Answer:
    if not asked:
        return Answer(test=test, outcome="unclear", seen="it did not come to that")
    return Answer(test=test, outcome="failed" if fault else "passed", seen=told if fault else "")
