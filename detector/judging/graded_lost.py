"""Answers from what a client sent and was given against what the server was sent and gave."""

from __future__ import annotations

from collections.abc import Iterator

from detector.judging.graded_hellos import hellos
from detector.judging.graded_shown import is_genuine
from detector.model.grades import Answer, Seen, TowardsClients
from detector.wire.hello import ClientHello
from detector.wire.offer import X25519MLKEM768

_ORDER = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_ECH = 0xFE0D


def answers_to_losses(seen: Seen) -> Iterator[Answer]:
    """One for each test that compares."""
    sent = hellos(seen)
    yield _version(seen)
    yield _http2(seen.towards, sent)
    yield _hybrid(seen.towards, sent)
    yield _ech(sent)


def _version(seen: Seen) -> Answer:
    raised = [
        one for one in seen.visits
        if one.saw is not None and one.version in _ORDER and one.saw.version in _ORDER
        and not is_genuine(one, seen)
        and _ORDER.index(one.version) > _ORDER.index(one.saw.version)
    ]  # fmt: skip
    old = [one for one in raised if one.saw is not None and one.saw.version in _ORDER[:3]]
    if old:
        one = old[0]
        assert one.saw is not None
        told = f"the client saw {one.version}, the server spoke {one.saw.version}"
        return Answer(test="version-raised", outcome="failed", seen=told)
    if not any(one.saw is not None for one in seen.visits):
        return Answer(test="version-raised", outcome="unclear", seen="no server answered")
    spoke = {one.saw.version for one in seen.visits if one.saw is not None}
    told = "" if spoke & set(_ORDER[:3]) else "it speaks no old version with servers"
    return Answer(test="version-raised", outcome="passed", seen=told)


def _http2(towards: TowardsClients | None, sent: tuple[ClientHello, ...]) -> Answer:
    if towards is None or not towards.versions or not sent:
        return Answer(test="http2-lost", outcome="unclear", seen="the good server was not reached")
    return _both("http2-lost", towards.alpn == "h2", any(b"h2" in one.alpn for one in sent))


def _hybrid(towards: TowardsClients | None, sent: tuple[ClientHello, ...]) -> Answer:
    if towards is None or not towards.versions or not sent:
        return Answer(test="hybrid-lost", outcome="unclear", seen="the good server was not reached")
    there = any(X25519MLKEM768 in one.groups for one in sent)
    return _both("hybrid-lost", towards.group == X25519MLKEM768, there)


def _ech(sent: tuple[ClientHello, ...]) -> Answer:
    if not sent:
        return Answer(
            test="ech-lost", outcome="unclear", seen="no hello of its own reached a server"
        )
    if any(hello.extension(_ECH) is not None for hello in sent):
        return Answer(test="ech-lost", outcome="passed")
    return Answer(test="ech-lost", outcome="failed", seen="no hello of its own has it")


def _both(test: str, here: bool, there: bool) -> Answer:
    if here and there:
        return Answer(test=test, outcome="passed")
    sides = [
        name for name, has in (("with the client", here), ("with the server", there)) if not has
    ]
    return Answer(test=test, outcome="failed", seen=f"missing {' and '.join(sides)}")
