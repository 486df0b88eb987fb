"""One TLS handshake with a peer nobody trusts yet, recorded byte by byte.

Theory of operation
-------------------
dns -> connect -> proxy -> starttls -> tls, each with its own time-out and its own milliseconds.
TLS runs in OpenSSL over two memory BIOs, so every byte of the wire passes through our hands: the
first 64 KiB of each direction are kept. When the handshake ends, well or not, what was seen is
turned into an `Observation`; nothing is raised for what a peer does.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from detector import clock
from detector.errors import ConfigError, DialError, ProxyError
from detector.logged import Log
from detector.model.alerts import AlertContext, meanings
from detector.model.applications import HTTP, spoken_at
from detector.model.inquiry import Application
from detector.model.observation import (
    Alert,
    Ending,
    Failure,
    Handshake,
    Observation,
    ProxyAnswer,
    Route,
    Target,
)
from detector.model.targets import socket_text
from detector.net.routes import Proxy, Routing
from detector.net.stream import Stream, connect, given, resolve
from detector.net.tls_object import sent_chain, suite_in_use
from detector.net.untrusted import context_for_untrusted_peer
from detector.wire import alerts as wire_alerts
from detector.wire.greeting import described, is_portal, portal_text, spoken, turns_to_tls
from detector.wire.offer import TLS13
from detector.wire.records import ALERT, may_be_tls
from detector.wire.registry import group_name, version_name
from detector.wire.suites import suite_name
from detector.wire.transcript import Flight, Transcript, read_transcript

if TYPE_CHECKING:
    from detector.net.application import Conversation
_log = Log(__name__)

KEPT_BYTES = 64 << 10
MAX_BYTES = 1 << 20
_FAREWELL = 0.5


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How to probe.

    Attributes:
        timeout: seconds for each step.
        routing: which proxy, for which targets.
        connect_to: (address, port) to dial instead of the target's own.
        alpn: protocols to offer where HTTP is spoken; elsewhere none is offered.
        maximum: highest version to offer, e.g. "TLSv1.2".
        now: the clock.
        credential: paths of a client certificate and its key.
        request: what to say once the handshake is done; b"" only listens, None does neither. Where HTTP/2 is
            chosen, the same question is asked in its words.
        listen: seconds to wait for what the peer says then.
        later: let a server of TLS 1.3 ask for a client certificate once it has heard the request.
        most: bytes that a peer may send before the handshake is done; a chain of seven keys of ML-DSA has 40,000.
        barred: says of an address why it is not to be dialled, None where it may be; asked of every address that a
            name led to, and one that is barred ends the probe. A proxy resolves by itself.

    """

    timeout: float = 5.0
    routing: Routing = field(default_factory=Routing)
    connect_to: tuple[str, int] | None = None
    alpn: tuple[str, ...] = ("h2", "http/1.1")
    maximum: str | None = None
    now: Callable[[], datetime] = clock.now
    credential: tuple[str, str] | None = None
    request: bytes | None = None
    listen: float = 0.3
    later: bool = False
    most: int = MAX_BYTES
    barred: Callable[[str], str | None] | None = None

    def __post_init__(self) -> None:
        if (
            self.maximum is not None
            and self.maximum.replace(".", "_") not in ssl.TLSVersion.__members__
        ):
            raise ConfigError(
                "maximum",
                f"{self.maximum!r} is no version of TLS",
                remedy='say for example "TLSv1.2"',
            )


async def probe(target: Target, options: ProbeOptions | None = None) -> Observation:
    """Shake hands with `target` and tell what was seen. Never raises for what a peer does."""
    run = ProbeRun(target, options or ProbeOptions())
    try:
        stream = await run.dial()
        try:
            await run.shake_hands(stream)
        finally:
            stream.close()
    except DialError as error:
        run.not_dialled(error)
    return run.observation()


class ProbeRun:
    """What is known so far of one probe. `dial` and `shake_hands` fill it, `observation` reads it."""

    # Bytes of an answer, once the handshake is done.
    most_said = 64 << 10

    def __init__(self, target: Target, options: ProbeOptions) -> None:
        self.target = target
        self.options = options
        self.proxy: Proxy | None = None
        self.at = options.now()
        self.ms: dict[str, float] = {}
        self.client = bytearray()
        self.server = bytearray()
        self.chain: tuple[bytes, ...] = ()
        self.handshake: Handshake | None = None
        self.failure: Failure | None = None
        self.reported: Alert | None = None
        self.transcript: Transcript | None = None
        self.application: Application | None = None
        self.session: ssl.SSLSession | None = None
        self.resumed = False
        self._tried: tuple[str, ...] = ()

    async def dial(self) -> Stream:
        """A connection on which TLS may begin, by the first way that can be gone. Raises DialError."""
        where = socket_text(self.target.host, self.target.port)
        _log.debug("dials", target=where, sni=self.target.sni, starttls=self.target.starttls)
        ways = await self.options.routing.choose(self.target.host, self.target.port)
        if ways == (None,):
            return await self._dial()
        from detector.net.tunnel import PROXY_ITSELF

        for number, proxy in enumerate(ways, 1):
            self.proxy = proxy
            try:
                return await self._dial()
            except ProxyError as error:
                if number == len(ways) or proxy is None or error.fault not in PROXY_ITSELF:
                    raise
                self._pass_over(proxy, error)
        raise AssertionError("there is always a way")

    def _pass_over(self, proxy: Proxy, error: ProxyError) -> None:
        """The next of a PAC file's ways is tried."""
        self._tried += (f"{proxy.route.proxy} ({error.message})",)
        if self.options.routing.pac is not None:
            self.options.routing.pac.failed(proxy)

    async def _dial(self) -> Stream:
        proxy = self.proxy
        if proxy is not None:
            from detector.net.tunnel import through

            stream = await through(proxy, self._destination, self._step, self._known_address)
        else:
            where = self._destination()
            addresses = given(*where) or await self._step("dns", "dns-failure", resolve(*where))
            if (barred := self.options.barred) is not None:
                for why in filter(None, (barred(address) for _, address, _ in addresses)):
                    raise DialError("dns", "connection-refused", why, why=why)
            stream = await self._step("connect", "connection-timeout", connect(addresses))
            self.target = replace(self.target, ip=stream.address)
        try:
            if self.target.starttls:
                from detector.net import starttls

                dialogue = starttls.start(self.target.starttls, self.target.host)
                talk = stream.converse(dialogue, "starttls", "connection-reset")
                await self._step("starttls", "silent-drop", talk)
        except BaseException:
            stream.close()
            raise
        return stream

    def not_dialled(self, error: DialError) -> None:
        """Keep why `dial` raised, and who was spoken to then."""
        told = None
        if isinstance(error, ProxyError):
            told = ProxyAnswer(error.fault, error.status, error.schemes)
        self.failure = Failure(
            error.step,
            error.cause,
            str(error),
            how=error.how,
            dialled="server" if told is None else "proxy",
            why=error.why,
            proxy=told,
        )

    def _destination(self) -> tuple[str, int]:
        if self.options.connect_to is not None:
            where = socket_text(*self.options.connect_to)
            self.target = replace(self.target, pinned_address=True, dialled=where)
            return self.options.connect_to
        return self.target.host, self.target.port

    def _known_address(self, ip: str) -> None:
        """The name was resolved here, for a proxy that takes addresses."""
        self.target = replace(self.target, ip=ip)

    async def _step[T](self, name: str, cause: str, work: Coroutine[Any, Any, T]) -> T:
        start = clock.stopwatch()
        try:
            async with asyncio.timeout(self.options.timeout):
                return await work
        except TimeoutError:
            text = f"no answer within {self.options.timeout:g} s"
            step = "tcp" if name == "connect" else name
            raise DialError(step, cause, text, how="silence") from None
        finally:
            self.ms[name] = _milliseconds(start)

    async def shake_hands(self, stream: Stream) -> None:
        """The handshake itself; fills handshake, chain and failure."""
        alpn = self.options.alpn if speaks_http(self.target) else ()
        context = context_for_untrusted_peer(
            alpn, self.options.maximum, self.options.credential, later=self.options.later
        )
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(
            incoming, outgoing, server_hostname=self.target.sni, session=self.session
        )
        start = clock.stopwatch()
        completed = False
        try:
            async with asyncio.timeout(self.options.timeout):
                await self._pump(stream, tls, incoming, outgoing, start)
            completed = True
        except TimeoutError:
            self._stalled()
        except ssl.SSLError as error:
            self._tls_error(error)
        except OSError:  # reset, broken pipe, or the network went away
            self._cut("connection-reset", "reset the connection", "rst")
        except _EndedError:
            self._cut("closed-during-handshake", "closed the connection", "fin")
        except _TooMuchError:
            text = f"the peer sent more than {self.options.most >> 10} KiB before the handshake was done"
            self.failure = Failure("tls", "malformed-handshake", text)
        finally:
            self.ms["tls"] = _milliseconds(start)
        with suppress(ssl.SSLError, ValueError):
            self.chain = sent_chain(tls)
        # Our own side is worth reading only where it may hold an alert of ours.
        client = bytes(self.client) if self.failure else b""
        transcript = self.transcript = read_transcript(client, bytes(self.server))
        if completed:
            self.handshake = _completed(tls, transcript)
            self.resumed = bool(tls.session_reused)
            words = self._words(tls.selected_alpn_protocol())
            if words is not None:
                from detector.net.application import converse

                self.application = await converse(
                    stream, tls, incoming, outgoing, words, self.options.listen, self.most_said
                )
                # After a HelloRequest OpenSSL has none to give; resuming is an extra.
                with suppress(ssl.SSLError, ValueError):
                    self.session = tls.session
            await _say_goodbye(stream, tls, outgoing)
        elif transcript.server_hello is not None:
            self.handshake = _begun(transcript)
            if not self.chain:
                self.chain = tuple(entry.der for entry in transcript.chain)

    def _words(self, chosen: str | None) -> Conversation | None:
        """What to say once `chosen` was agreed on by ALPN; None says nothing."""
        if self.options.request is None:
            return None
        from detector.net.application import conversation_for

        return conversation_for(self.target, chosen, self.options.request)

    async def _pump(
        self,
        stream: Stream,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        start: float,
    ) -> None:
        received = 0
        while True:
            try:
                tls.do_handshake()
                await self._flush(stream, outgoing)
                return
            except ssl.SSLWantReadError:
                await self._flush(stream, outgoing)
            except ssl.SSLError:
                with suppress(OSError):
                    await self._flush(stream, outgoing)
                raise
            data = await stream.read()
            if not data:
                raise _EndedError
            if not received:
                self.ms["server-hello"] = _milliseconds(start)
            received += len(data)
            if len(self.server) < KEPT_BYTES:
                self.server += data[: KEPT_BYTES - len(self.server)]
            if received > self.options.most:
                raise _TooMuchError
            incoming.write(data)

    async def _flush(self, stream: Stream, outgoing: ssl.MemoryBIO) -> None:
        data = outgoing.read()
        if data:
            if len(self.client) < KEPT_BYTES:
                self.client += data
            await stream.write(data)

    def _tls_error(self, error: ssl.SSLError) -> None:
        if self._is_not_tls():
            return
        reason = error.reason or ""
        reported = wire_alerts.alert_of_reason(reason)
        seen = read_transcript(bytes(self.client), bytes(self.server))
        alerts = seen.server.alerts
        if reason == "TOO_MANY_WARN_ALERTS" or len(alerts) >= wire_alerts.MAX_ALERTS:
            text = "the peer sends one warning alert after the other"
            self.failure = Failure("tls", "malformed-handshake", text)
            return
        clear = [a for a in alerts if a.code]
        code = clear[-1].code if clear else reported
        if code is not None:
            name = wire_alerts.alert_name(code)
            self.reported = Alert("server", code, name, fatal=True)
            cause = meanings(code, "client", self._circumstances(seen))[0].cause
            text = f"the peer sent the alert {name} ({code})"
            self.failure = Failure("tls", cause, text, how="alert")
            return
        if any(not a.code for a in alerts):
            self._cut("closed-during-handshake", "says goodbye (close_notify)", "fin")
            return
        answer = seen.server_hello
        if (
            answer is not None
            and answer.marks_downgrade
            and answer.version < TLS13
            and self._offers_tls13(seen)
        ):
            text = (
                f"the peer answers {version_name(answer.version)} with the mark of a server that knows TLS 1.3 and"
                " was not offered it, and it was: somebody on the way changes the hellos"
            )
            self.failure = Failure("tls", "tls13-intolerant", text)
            return
        if reason in ("UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "UNKNOWN_SSL_VERSION"):
            text = "the peer speaks no version of TLS that can be spoken here"
            self.failure = Failure("tls", "version-mismatch", text)
            return
        text = f"the peer broke the handshake ({(reason or str(error)).lower().replace('_', ' ')})"
        self.failure = Failure("tls", "malformed-handshake", text)

    def _stalled(self) -> None:
        """The time is over. Whoever has sent a ServerHello was reached by ours."""
        within = f"{self.options.timeout:g} s"
        text = f"the handshake did not end within {within}"
        if not self.server:
            text = f"the peer accepts the connection and stays silent for {within}"
        elif read_transcript(b"", bytes(self.server)).server_hello is not None:
            text = f"the peer answers the ClientHello and gets no further within {within}"
        self.failure = Failure("tls", "silent-drop", text, how="silence")

    def _offers_tls13(self, seen: Transcript) -> bool:
        return seen.client_hello is not None and TLS13 in seen.client_hello.versions

    def _circumstances(self, seen: Transcript) -> AlertContext:
        """What is known of the connection when an alert came."""
        hello, answer = seen.client_hello, seen.server_hello
        hidden = answer is not None and answer.version >= TLS13  # then its request is encrypted
        asked = seen.request is not None
        return AlertContext(
            offered=max(hello.versions) if hello is not None else None,
            named=self.target.sni is not None,
            protocols=bool(hello.alpn) if hello is not None else None,
            asked=None if hidden else asked,
            shown=self.options.credential is not None and (hidden or asked),
            answered=answer is not None,
        )

    def _cut(self, cause: str, what: str, how: Ending) -> None:
        if not self._is_not_tls():
            begun = self.server and self.server[0] != ALERT
            when = "in the middle of the handshake" if begun else "after our ClientHello"
            self.failure = Failure("tls", cause, f"the peer {what} {when}", how=how)

    def _is_not_tls(self) -> bool:
        """Say so when what came is no TLS at all."""
        data = bytes(self.server[:512])
        if may_be_tls(data):
            return False
        spoke = spoken(data)
        if is_portal(spoke):
            cause, text = "captive-portal", portal_text(spoke)
        else:
            cause, text = "not-tls", f"the peer does not speak TLS: {described(spoke)}"
            if turns := turns_to_tls(spoke):
                text += f"; try --starttls {' or '.join(turns)}"
        self.failure = Failure("tls", cause, text, spoke)
        return True

    def observation(self) -> Observation:
        seen = Observation(
            at=self.at,
            target=self.target,
            route=replace(self.proxy.route if self.proxy else Route(), tried=self._tried),
            handshake=self.handshake,
            chain=self.chain,
            client_bytes=bytes(self.client),
            server_bytes=bytes(self.server),
            alerts=_alerts(self.transcript, self.reported) if self.transcript else (),
            failure=self.failure,
            ms=self.ms,
        )
        _tell(seen)
        return seen


def _tell(seen: Observation) -> None:
    done, failure = seen.handshake, seen.failure
    _log.info(
        "shook hands" if failure is None else "failed",
        target=socket_text(seen.target.host, seen.target.port), ip=seen.target.ip, proxy=seen.route.proxy,
        version=done.version if done else None, cipher=done.cipher if done else None,
        certificates=len(seen.chain) or None, step=failure.step if failure else None,
        cause=failure.cause if failure else None, ms=round(sum(seen.ms.values()), 1),
    )  # fmt: skip


def speaks_http(target: Target) -> bool:
    """Whether HTTP's protocol names make sense there: mail servers refuse them (RFC 7301 3.2)."""
    return target.starttls is None and (target.protocol or spoken_at(target.port)) == HTTP


class _EndedError(Exception):
    """The peer closed its side."""


class _TooMuchError(Exception):
    """The peer sent more than any handshake needs."""


def _completed(tls: ssl.SSLObject, transcript: Transcript) -> Handshake:
    group = transcript.group
    return Handshake(
        completed=True,
        version=tls.version(),
        cipher=suite_in_use(tls),
        group=group_name(group) if group is not None else None,
        alpn=tls.selected_alpn_protocol(),
    )


def _begun(transcript: Transcript) -> Handshake:
    hello = transcript.server_hello
    assert hello is not None
    group = transcript.group
    alpn = hello.alpn
    return Handshake(
        completed=False,
        version=version_name(hello.version),
        cipher=suite_name(hello.cipher),
        group=group_name(group) if group is not None else None,
        alpn=alpn.decode("latin-1") if alpn else None,
    )


async def _say_goodbye(stream: Stream, tls: ssl.SSLObject, outgoing: ssl.MemoryBIO) -> None:
    """close_notify, so that the server's log shows an orderly client (RFC 8446 section 6.1)."""
    with suppress(ssl.SSLError, OSError):
        tls.unwrap()
    with suppress(OSError):  # TimeoutError too: whoever reads nothing gets no farewell
        async with asyncio.timeout(_FAREWELL):
            await stream.write(outgoing.read())


def _alerts(transcript: Transcript, reported: Alert | None) -> tuple[Alert, ...]:
    found = [
        Alert(sender, alert.code, alert.name, alert.level == wire_alerts.FATAL)
        for sender, flight in _sides(transcript)
        for alert in flight.alerts
    ]
    if reported is not None and all(a.code != reported.code for a in found):
        found.append(reported)
    return tuple(found)


def _sides(transcript: Transcript) -> tuple[tuple[Literal["client", "server"], Flight], ...]:
    return ("client", transcript.client), ("server", transcript.server)


def _milliseconds(start: float) -> float:
    return round((clock.stopwatch() - start) * 1000, 2)
