"""One ClientHello of our own, and how the peer takes it. No handshake is ever completed here."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import structs

from detector import clock
from detector.errors import DialError
from detector.model.inquiry import Outcome, Trial
from detector.model.observation import Target
from detector.net.probe import MAX_BYTES, ProbeOptions, ProbeRun
from detector.net.stream import Stream
from detector.wire import registry as r
from detector.wire.alerts import MAX_ALERTS, alert_name
from detector.wire.greeting import described, spoken
from detector.wire.offer import SECP256R1, X25519, X25519MLKEM768, Material, Offer, wire_form
from detector.wire.offer import client_hello as build_hello
from detector.wire.records import may_be_tls
from detector.wire.server_flight import ServerFlight

_BETWEEN_SEGMENTS = 0.02
_ML_KEM_Q, _ML_KEM_VALUES = 3329, 768


class Patience:
    """How long silence is waited for: all the time there is, until anybody has answered.

    A peer that answers one hello in a few milliseconds and says nothing to the next is silent; there
    is no use in waiting seconds for it. One that has said nothing to anybody in all that time is not
    asked further.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._began = clock.stopwatch()
        self._heard = False
        self._enough = timeout
        self._waiting: set[asyncio.Timeout] = set()

    def answered(self, seconds: float) -> None:
        """Somebody answered after that long."""
        self._heard = True
        enough = min(self.timeout, 1.0 + 20 * seconds)
        if enough >= self._enough:
            return
        self._enough = enough
        latest = asyncio.get_running_loop().time() + enough
        for scope in self._waiting:
            due = scope.when()
            if due is not None and due > latest:
                scope.reschedule(latest)

    @property
    def exhausted(self) -> bool:
        """Nobody has answered, and the time is over."""
        return not self._heard and clock.stopwatch() - self._began >= self.timeout

    async def read(self, stream: Stream, until: float) -> bytes:
        """The next bytes, by the stopwatch's `until` at the latest. Raises TimeoutError."""
        left = max(0.0, until - clock.stopwatch())
        async with asyncio.timeout(min(self._enough, left)) as scope:
            self._waiting.add(scope)
            try:
                return await stream.read()
            finally:
                self._waiting.discard(scope)


class Keys:
    """Key pairs for key shares. X25519MLKEM768's secret half is thrown away: nobody decrypts it."""

    def __init__(self) -> None:
        self._x25519 = x25519.X25519PrivateKey.generate()
        self._p256 = ec.generate_private_key(ec.SECP256R1())
        own = self._x25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        point = self._p256.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        shares = {X25519: own, SECP256R1: point, X25519MLKEM768: _ml_kem_key() + own}
        self.material = Material(os.urandom(32), os.urandom(32), shares)

    def shared_secret(self, group: int, peer: bytes) -> bytes | None:
        """The secret with a peer's key; None for groups whose private half is not kept."""
        try:
            if group == X25519:
                return self._x25519.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
            if group == SECP256R1:
                key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), peer)
                return self._p256.exchange(ec.ECDH(), key)
        except ValueError:
            return None
        return None


async def attempt(
    name: str,
    offer: Offer,
    target: Target,
    options: ProbeOptions,
    patience: Patience,
    keys: Keys,
    before: bytes = b"",
) -> Trial:
    """Send one hello, behind the bytes `before`, and read the server's flight, which has `options.timeout` as a
    whole. Never raises for what a peer does.
    """
    message = build_hello(offer, keys.material)
    run = ProbeRun(target, options)
    try:
        stream = await run.dial()
    except DialError as error:
        return Trial(name, "unreachable", str(error), len(message), sent=message)
    try:
        if before:
            with suppress(OSError):  # it is told by what comes back, or does not
                await stream.write(before)
        trial = await _converse(name, offer, message, stream, patience, keys)
    finally:
        stream.close()
    return structs.replace(trial, size=len(message), sent=message)


async def _converse(
    name: str, offer: Offer, message: bytes, stream: Stream, patience: Patience, keys: Keys
) -> Trial:
    flight = ServerFlight(message, keys.shared_secret)
    start = clock.stopwatch()
    first = 0.0
    received = bytearray()
    ended: Outcome = "answered"
    try:
        for number, segment in enumerate(wire_form(offer, message)):
            if number:
                await asyncio.sleep(_BETWEEN_SEGMENTS)
            async with asyncio.timeout(patience.timeout):
                await stream.write(segment)
        while not flight.done:
            data = await patience.read(stream, start + patience.timeout)
            if not data:
                ended = "closed"
                break
            if not received:
                first = clock.stopwatch() - start
                patience.answered(first)
            received += data
            flight.feed(data)
            if len(received) > MAX_BYTES:
                break
    except TimeoutError:
        ended = "silent"
    except OSError:
        ended = "reset"
    whole = clock.stopwatch() - start
    times = (round(first * 1000, 2), round(whole * 1000, 2))
    return structs.replace(_told(name, flight, bytes(received[:64]), ended), ms=times)


def _told(name: str, flight: ServerFlight, start: bytes, ended: Outcome) -> Trial:
    """What the flight amounts to."""
    hello = flight.hello
    messages = tuple((message.type, message.body) for message in flight.received)
    flooded = flight.error is not None and len(flight.alerts) >= MAX_ALERTS
    fatal = None if flooded else next((a for a in flight.alerts if a.code), None)
    if hello is None:
        if flooded:
            return Trial(name, "malformed", str(flight.error))
        if fatal is not None:
            text = f"alert {alert_name(fatal.code)} ({fatal.code})"
            return Trial(name, "alert", text, alert=fatal.code)
        if flight.alerts:
            return Trial(name, "closed", "it says goodbye (close_notify)")
        if not may_be_tls(start):
            return Trial(name, "not-tls", described(spoken(start)))
        if flight.error is not None:
            return Trial(name, "malformed", str(flight.error))
        text = "what comes has no end" if ended == "silent" and start else ""
        return Trial(name, ended if ended != "answered" else "malformed", text)
    exchange = flight.exchange
    group = hello.group if exchange is None else exchange.group
    return Trial(
        name,
        "answered",
        str(flight.error or ""),
        alert=fatal.code if fatal else None,
        version=hello.version,
        cipher=hello.cipher,
        group=group,
        scheme=flight.scheme,
        alpn=flight.alpn.decode("latin-1") if flight.alpn is not None else None,
        retry=hello.is_retry,
        chain=tuple(entry.der for entry in flight.chain),
        ocsp=flight.ocsp,
        authorities=flight.request.authorities if flight.request is not None else None,
        dh_bits=exchange.dh_bits if exchange is not None else None,
        renegotiation=hello.extension(r.RENEGOTIATION_INFO) is not None,
        scts=flight.scts,
        messages=messages,
    )


def _ml_kem_key() -> bytes:
    """A well-formed ML-KEM-768 encapsulation key (FIPS 203 section 7.2: every value under q)."""
    values: list[int] = []
    while len(values) < _ML_KEM_VALUES:
        for low, middle, high in zip(*[iter(os.urandom(3 * _ML_KEM_VALUES))] * 3, strict=True):
            values += (low | (middle & 15) << 8, middle >> 4 | high << 4)
    values = [value % _ML_KEM_Q for value in values[:_ML_KEM_VALUES]]
    packed = bytearray()
    for one, two in zip(values[::2], values[1::2], strict=True):
        packed += bytes((one & 255, one >> 8 | (two & 15) << 4, two >> 4))
    return bytes(packed) + os.urandom(32)
