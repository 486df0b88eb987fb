"""How whoever stands in between takes hellos of clients: asked with hellos of our own, at the name of a good server.

Theory of operation
-------------------
The hellos are those by which a server is diagnosed (`detector.causes.plan`), each offering one version or one family of
suites alone, and three more: one that says it fell back (RFC 7507), one that offers compression, and one that is followed
by a ChangeCipherSpec at once (`detector.net.early_change`). One more handshake is renegotiated
(`detector.net.renegotiation`). A session of one name is then tried at another. None of this does any harm; where a harmless way to ask is not known (ROBOT, Heartbleed) nothing is asked.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec

from detector.causes.plan import WEAK_FAMILIES, plan
from detector.errors import DialError
from detector.model.grades import TowardsClients
from detector.model.inquiry import Trial
from detector.model.observation import Target
from detector.net.early_change import takes_early_change
from detector.net.probe import ProbeOptions, ProbeRun
from detector.net.renegotiation import lets_renegotiate
from detector.net.trial import Keys, Patience, attempt
from detector.wire import offer as o
from detector.wire.hello import ServerHello, parse_server_hello
from detector.wire.registry import SERVER_HELLO

_VERSIONS = {"tls13": o.TLS13, "tls12": o.TLS12, "tls11": o.TLS11, "tls10": o.TLS10, "ssl3": o.SSL3}
_ALPN = ("h2", "http/1.1")
# RC4, 3DES and AES of ECDH_anon (RFC 8422 section 6), which the plan leaves out as rare; OpenSSL serves them without a group.
_ECDH_ANONYMOUS = (0xC016, 0xC017, 0xC018, 0xC019)
_DEFLATE = b"\x01\x00"
_AT_ONCE = 4


async def towards_clients(
    name: str, other: str, port: int, options: ProbeOptions
) -> TowardsClients:
    """Ask at `name`; its sessions are tried at `other`. Never raises for what a peer does."""
    target = Target(name, port, sni=name, protocol="http")
    offers = plan(name, _ALPN)
    wanted = ("browser", "plain", *_VERSIONS, *WEAK_FAMILIES, "dhe", "static-keys", "tls12-only")
    asked = {one: offers[one] for one in wanted}
    anonymous = offers["anonymous"]
    asked["anonymous"] = msgspec.structs.replace(
        anonymous, suites=(*anonymous.suites, *_ECDH_ANONYMOUS)
    )
    asked["compression"] = msgspec.structs.replace(offers["tls12-only"], compression=_DEFLATE)
    tried = await _all(asked, target, options)
    versions = tuple(
        code for one, code in _VERSIONS.items()
        if tried[one].answered and tried[one].version == code
    )  # fmt: skip
    twelve = tried["tls12-only"]
    renegotiates, shared = await asyncio.gather(
        lets_renegotiate(target, options), _shares_sessions(target, other, options)
    )
    return TowardsClients(
        versions=versions,
        families=tuple(one for one in WEAK_FAMILIES if tried[one].answered),
        static_keys=tried["static-keys"].answered if versions else None,
        version=tried["browser"].version or tried["plain"].version,
        group=tried["browser"].group or tried["plain"].group,
        # Behind a hybrid key exchange, whose secret nobody here keeps, the choice is hidden.
        alpn=tried["browser"].alpn or tried["plain"].alpn,
        dh_bits=tried["dhe"].dh_bits,
        renegotiation=twelve.renegotiation if twelve.answered else None,
        marks=_marks(twelve),
        fallback=await _falls_back(offers["tls12"], versions, target, options),
        compression=_compresses(tried["compression"]) if versions else None,
        early_change=await takes_early_change(offers["tls12-only"], target, options)
        if twelve.answered else None,
        renegotiates=renegotiates,
        shared_session=shared,
    )  # fmt: skip


async def _all(
    offers: dict[str, o.Offer], target: Target, options: ProbeOptions
) -> dict[str, Trial]:
    patience, keys = Patience(options.timeout), Keys()
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str, offer: o.Offer) -> tuple[str, Trial]:
        async with turns:
            return name, await attempt(name, offer, target, options, patience, keys)

    return dict(await asyncio.gather(*(one(name, offer) for name, offer in offers.items())))


async def _falls_back(
    base: o.Offer, versions: tuple[int, ...], target: Target, options: ProbeOptions
) -> bool | None:
    """Whether a hello one version below the newest, that says so, is answered all the same."""
    older = sorted(versions)[:-1]
    if not older:
        return None
    offer = msgspec.structs.replace(
        base, versions=(older[-1],), suites=(*base.suites, o.FALLBACK_SCSV)
    )
    made = await attempt("fallback", offer, target, options, Patience(options.timeout), Keys())
    return made.answered


def _marks(twelve: Trial) -> bool | None:
    answer = _answer(twelve)
    return answer.marks_downgrade if answer is not None else None


def _compresses(made: Trial) -> bool:
    answer = _answer(made)
    return answer is not None and answer.compression != 0


def _answer(made: Trial) -> ServerHello | None:
    body = next((body for kind, body in made.messages if kind == SERVER_HELLO), None)
    return parse_server_hello(body) if body is not None else None


async def _shares_sessions(target: Target, other: str, options: ProbeOptions) -> bool | None:
    """Whether a session that was begun under one name goes on under another; TLS 1.2, where the id is in clear."""
    first = ProbeRun(target, _with(options))
    if not await _shaken(first) or first.session is None:
        return None
    second = ProbeRun(Target(other, target.port, sni=other, protocol="http"), _with(options))
    second.session = first.session
    if not await _shaken(second):
        return False
    return second.resumed


async def _shaken(run: ProbeRun) -> bool:
    try:
        stream = await run.dial()
    except DialError:
        return False
    try:
        await run.shake_hands(stream)
    finally:
        stream.close()
    return run.handshake is not None and run.handshake.completed


def _with(options: ProbeOptions) -> ProbeOptions:
    return replace(options, request=b"", listen=0.3)
