"""Which hello of `detector.causes.plan` a captured hello stands for.

A hello of tlsight's own stands for itself. Another client's stands for the one that it is like in what
matters: highest version, size, post-quantum group, name, ALPN.
"""

from __future__ import annotations

from functools import lru_cache

from detector.capture.connection import Connection, HelloFacts
from detector.capture.hellos import Hellos
from detector.causes.plan import plan
from detector.wire import registry as r
from detector.wire.offer import X25519MLKEM768, Material, client_hello

_LARGE = 1400
_POST_QUANTUM = frozenset((X25519MLKEM768, 0x11EB, 0x11ED, 0x6399))
_SIGNALLING = frozenset((0x00FF, 0x5600))
_Features = tuple[object, ...]


def offer_of(c: Connection) -> tuple[str, bool]:
    """The id in the plan, leaving out what the name makes of it, and whether it is that very hello; "" for
    none. A plain hello without ALPN is "no-alpn".
    """
    if c.hello is None or c.hello.ja4[:1] != "t":
        return "", False
    framing = (c.hello_size > _LARGE, c.hello_segments > 1, c.hello_records > 1)
    return _offer(c.hello, framing)


@lru_cache(maxsize=256)
def _offer(hello: HelloFacts, framing: tuple[bool, bool, bool]) -> tuple[str, bool]:
    exact = _own_hellos().get((*_features(hello), *framing))
    return (exact, True) if exact is not None else (_likeness(hello, framing), False)


def is_trial(c: Connection) -> bool:
    """One of tlsight's own trials, which hang up when they have their answer."""
    return c.answer is not None and offer_of(c)[1]


def _likeness(hello: HelloFacts, framing: tuple[bool, bool, bool]) -> str:
    """Only hellos of modern clients are like one of the plan."""
    highest = hello.highest
    large, segments, records = framing
    if highest < 0x0303:
        return {0x0302: "tls11", 0x0301: "tls10", 0x0300: "ssl3"}.get(highest, "")
    if highest == 0x0303:
        return "tls12-only" if len(hello.ciphers) > 4 else ""
    if _POST_QUANTUM & set(hello.groups):
        return "browser"
    if r.ENCRYPTED_CLIENT_HELLO in hello.extensions:
        return "ech"
    if large:
        return "large"
    if segments or records:
        return "two-records" if records else "two-segments"
    return "plain" if hello.alpn else "no-alpn"


def _features(hello: HelloFacts) -> _Features:
    return (
        hello.versions,
        frozenset(hello.ciphers) - _SIGNALLING,
        hello.groups,
        hello.schemes,
        hello.alpn[:1],
        r.ENCRYPTED_CLIENT_HELLO in hello.extensions,
    )


@lru_cache(maxsize=1)
def _own_hellos() -> dict[_Features, str]:
    """The plan's hellos by their features."""
    read = Hellos()
    found: dict[_Features, str] = {}
    for alpn in (("h2", "http/1.1"), ()):
        for name, offer in plan("a.example", alpn).items():
            material = Material(bytes(32), bytes(32), {g: bytes(32) for g in offer.shares})
            facts, _ = read.client(client_hello(offer, material)[4:])
            large = offer.size > _LARGE or X25519MLKEM768 in offer.shares
            framing = (large, offer.segments > 1, offer.records > 1)
            if name not in ("no-sni", "other-sni"):
                found.setdefault((*_features(facts), *framing), name)
    return found
