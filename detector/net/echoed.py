"""Hellos sent to an echo server by one way, each with what arrived of it.

Theory of operation
-------------------
* Our own handshake comes first, as OpenSSL makes it: the request on it is answered with the hello that opened it.
* Hellos that are made by hand, as browsers send them and as middleboxes dislike them, end with the server's answer. Each
  bears a random label in front of the server's name, under which the server keeps what arrives for a minute; the proxy is
  asked for the server's own name. They are asked for on one more connection.
* A program of this machine connects to a relay of ours, which goes the same way; see detector.net.relay.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from detector.causes.plan import plan
from detector.echo.differences import Flight, first_flight
from detector.echo.sealed import MAX_SEALED, opened, signer
from detector.errors import DialError, EchoError, WireError
from detector.model.echoes import Echo, Meeting
from detector.model.inquiry import Trial
from detector.model.observation import Observation, Target
from detector.net.application import Conversation
from detector.net.echo_answer import Http1Answer, Http2Answer, Question
from detector.net.probe import ProbeOptions, ProbeRun
from detector.net.relay import relay
from detector.net.trial import Keys, Patience, attempt
from detector.wire.offer import Offer, wire_form

# As browsers send them, and as middleboxes dislike them: ids of detector.causes.plan.
MADE_BY_HAND = ("browser", "plain", "tls12-only", "two-records")


@dataclass(frozen=True)
class EchoServer:
    """Whom to ask; `key` is raw Ed25519 in hex, None where it is not known beforehand."""

    host: str
    port: int
    key: str | None


class Arrived(NamedTuple):
    """One hello.

    Attributes:
        client: as EchoedHello has it.
        sent: None where not even a whole hello left.
        arrived: None where none came that can be told to be this one.
        echo: the server's word on that connection.
        headers: of our request, as they were written; empty where a program wrote it.
        key: that signed.
        why: why there is nothing.

    """

    client: str
    sent: Flight | None
    arrived: Flight | None = None
    echo: Echo | None = None
    headers: tuple[tuple[str, str], ...] = ()
    key: str | None = None
    why: str = ""


# Has a program ask for a path at the relay's port of loopback; gives what it printed.
RunProgram = Callable[[int, str], Awaitable[bytes]]


async def own_handshake(server: EchoServer, options: ProbeOptions) -> tuple[Arrived, Observation]:
    """Never raises for what a peer does.

    Asked once more where the handshake was done and nothing was said: HAProxy drops the first connection for which it
    makes a certificate.
    """
    found, seen = await _visited(server, options, "")
    if found.echo is None and seen.handshake is not None and seen.handshake.completed:
        found, seen = await _visited(server, options, "")
    return found, seen


async def made_by_hand(
    server: EchoServer, options: ProbeOptions, names: tuple[str, ...] = MADE_BY_HAND
) -> list[Arrived]:
    """Empty where the server has no name that a label can stand in front of. Never raises for what a peer does."""
    if _is_address(server.host):
        return []
    patience, keys = Patience(options.timeout), Keys()
    sent: list[tuple[str, str, Flight | None, Trial]] = []
    for name in names:
        label = secrets.token_hex(16)
        offer = plan(f"{label}.{server.host}", ("h2", "http/1.1"))[name]
        target = Target(server.host, server.port, sni=offer.sni)
        trial = await attempt(name, offer, target, options, patience, keys)
        sent.append((name, label, _sent_by_hand(offer, trial), trial))
    labels = ",".join(label for _, label, _, _ in sent)
    asked, _ = await _visited(server, options, f"&of={labels}")
    met = asked.echo.met if asked.echo is not None else ()
    return [_told(name, label, flight, trial, met, asked) for name, label, flight, trial in sent]


async def by_program(
    name: str, server: EchoServer, options: ProbeOptions, run: RunProgram
) -> Arrived:
    """Never raises for what a peer or the program does."""
    target = Target(server.host, server.port)
    nonce = secrets.token_hex(16)
    question = Question(server.host, server.port, server.key)
    async with relay(target, options) as way:
        body = await run(way.port, question.path(nonce))
    flights = [flight for one in way.sent if (flight := _flight(bytes(one))) is not None]
    if not flights:
        why = way.why or "it sent no ClientHello"
        return Arrived(name, None, why=why)
    try:
        key = server.key or signer(body[:MAX_SEALED])
        echo = opened(body[: MAX_SEALED + 1], key, nonce)
        arrived = first_flight(echo.flight)
    except (EchoError, WireError) as error:
        return Arrived(name, flights[0], why=str(error))
    # A browser opens more than one: that is ours whose bytes, or whose random, arrived.
    same = [one for one in flights if one.hello.random == arrived.hello.random]
    return Arrived(name, (same or flights)[0], arrived, echo, key=key)


async def _visited(
    server: EchoServer, options: ProbeOptions, more: str
) -> tuple[Arrived, Observation]:
    run = _Visit(Question(server.host, server.port, server.key, more), options)
    try:
        stream = await run.dial()
        try:
            await run.shake_hands(stream)
        finally:
            stream.close()
    except DialError as error:
        run.not_dialled(error)
    seen = run.observation()
    answer = run.answer
    sent = _flight(bytes(run.client))
    arrived = (
        _flight(answer.echo.flight) if answer is not None and answer.echo is not None else None
    )
    why = seen.failure.text if seen.failure is not None else ""
    if answer is None:
        return Arrived("tlsight", sent, why=why or "nothing was agreed on that can be asked"), seen
    if arrived is None:
        why = answer.why or why or "the handshake was done and no answer came"
    return Arrived("tlsight", sent, arrived, answer.echo, answer.headers, answer.key, why), seen


class _Visit(ProbeRun):
    most_said = MAX_SEALED + (64 << 10)

    def __init__(self, question: Question, options: ProbeOptions) -> None:
        sni = None if _is_address(question.host) else question.host
        target = Target(question.host, question.port, sni=sni, protocol="http")
        super().__init__(target, replace(options, listen=max(options.listen, options.timeout)))
        self._question = question
        self.answer: Http1Answer | Http2Answer | None = None

    def _words(self, chosen: str | None) -> Conversation | None:
        self.answer = (Http2Answer if chosen == "h2" else Http1Answer)(self._question)
        return self.answer


def _told(
    name: str,
    label: str,
    flight: Flight | None,
    trial: Trial,
    met: tuple[Meeting, ...],
    asked: Arrived,
) -> Arrived:
    came = next((one for one in met if one.server == label), None)
    if came is not None:
        return Arrived(name, flight, _flight(came.flight), key=asked.key)
    if asked.echo is None:
        return Arrived(name, flight, why=asked.why)
    why = {"unreachable": trial.text}.get(
        trial.outcome, "no hello with its label reached the server"
    )
    return Arrived(name, flight, why=why, key=asked.key)


def _sent_by_hand(offer: Offer, trial: Trial) -> Flight | None:
    return _flight(b"".join(wire_form(offer, trial.sent))) if trial.sent else None


def _flight(data: bytes) -> Flight | None:
    try:
        return first_flight(data)
    except WireError:
        return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
