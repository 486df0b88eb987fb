"""Events to a syslog server: RFC 5424 messages over TLS (RFC 5425), TCP or UDP.

At least once, as far as it can be had
--------------------------------------
Syslog confirms nothing. So each batch has a connection of its own, which is ended and waited on: the server's end comes
once it has read everything, and a server that died or refused our certificate sends a reset or an alert instead
(detector.net.line). Then the whole batch is sent again, with the same ids. An agent has little to say, so a handshake a
batch costs nothing. What remains: what the server does with a message that it has read, and who can forge TCP in
between, since TLS does not sign its end against the network. Where that matters take `http`, whose answer is signed.
`confirm = false` is for servers that never end a connection: what the system has taken counts then. UDP confirms
nothing, is read by everybody on the way, and is used only where the settings say so.

TLS is checked against the roots of `ca` or the system's, and against the server's name; see detector.agent.sinks.standing
for who stands in between. Messages are framed by their length (octet counting), over TCP too (RFC 6587 section 3.4.1),
so that a text may have line ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from detector.agent.sinks import Sink, SinkError, Surroundings
from detector.agent.sinks.choice import Choice, chosen
from detector.agent.sinks.named_files import credential, named
from detector.agent.sinks.standing import Standing, looked_at
from detector.errors import ConfigError, DialError
from detector.model.targets import socket_text
from detector.report.event_forms import Form, form
from detector.report.event_json import EventRecord
from detector.report.event_syslog import ENTERPRISE, FACILITIES, LIMIT, event_syslog

_PORTS = {"tls": 6514, "tcp": 514, "udp": 514}
_DATAGRAM = 1400


class Settings(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """[[sink]] of kind "syslog".

    Attributes:
        host, port: the server; 6514 over TLS, 514 else.
        transport: "tls", or in clear "tcp" or "udp".
        ca: PEM file of the only roots to trust; the system's without one.
        server_name: whom the certificate has to name; the host without one.
        certificate, key: PEM files of a client certificate and its key.
        form: what the message's text is: the headline, or the whole event; the facts are in structured data anyway.
        facility: syslog's name of it.
        enterprise: your private enterprise number, for the structured data's name.
        largest: bytes of a message that the server takes.
        confirm: wait until the server has read everything.
        through_interceptor: deliver also where somebody stands in the connection.

    """

    host: str
    port: int | None = None
    transport: Literal["tls", "tcp", "udp"] = "tls"
    ca: str | None = None
    server_name: str | None = None
    certificate: str | None = None
    key: str | None = None
    form: Form = "text"
    facility: str = "auth"
    enterprise: int = ENTERPRISE
    largest: int = LIMIT
    confirm: bool = True
    through_interceptor: bool = False


def open_sink(settings: Settings, surroundings: Surroundings) -> Sink:
    """Raises ConfigError."""
    if settings.facility not in FACILITIES:
        known = ", ".join(FACILITIES)
        raise ConfigError("sink.facility", f"{settings.facility!r} is none of {known}")
    if not 1024 <= settings.largest <= 1 << 20:
        raise ConfigError("sink.largest", "is not between 1024 and 1048576 bytes")
    if not 0 < settings.enterprise < 1 << 32:
        raise ConfigError("sink.enterprise", "is no private enterprise number")
    if settings.port is not None and not 0 < settings.port < 1 << 16:
        raise ConfigError("sink.port", f"{settings.port} is no port")
    return chosen(settings, SyslogSink(settings, surroundings))


class SyslogSink:
    """An open one; nothing is held between two batches."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._port = settings.port or _PORTS[settings.transport]
        self._tls = None
        if settings.transport == "tls":
            from detector.net.line import LineTls

            shown = credential(settings.certificate, settings.key)
            name = settings.server_name or settings.host
            self._tls = LineTls(name, named("ca", settings.ca), shown)
        self._standing = Standing(surroundings, through=settings.through_interceptor)
        largest = min(settings.largest, _DATAGRAM if settings.transport == "udp" else 1 << 20)
        self._write: Callable[[EventRecord], bytes] = partial(
            event_syslog,
            text=None if settings.form == "text" else form(settings.form),
            facility=FACILITIES[settings.facility],
            enterprise=settings.enterprise,
            limit=largest,
        )

    async def send(self, events: Sequence[EventRecord]) -> None:
        messages = [self._write(event) for event in events]
        try:
            if self._settings.transport == "udp":
                await self._by_datagrams(messages)
            else:
                await self._by_line(b"".join(b"%d %s" % (len(one), one) for one in messages))
        except ConfigError as error:
            raise SinkError(error.message) from None

    async def close(self) -> None:
        """Nothing is held open."""

    async def _by_datagrams(self, messages: list[bytes]) -> None:
        from detector.net.datagram import send_udp

        try:
            await send_udp(self._settings.host, self._port, messages)
        except (DialError, OSError) as error:
            where = socket_text(self._settings.host, self._port)
            raise SinkError(f"{where}: {error}") from None

    async def _by_line(self, data: bytes) -> None:
        from detector.net.line import Line, UntrustedError

        settings = self._settings
        now = self._surroundings.now
        try:
            line = await Line.open(
                settings.host, self._port, self._tls, self._standing.look, now=now
            )
            try:
                await line.write(data)
                if settings.confirm:
                    await line.finish()
            finally:
                line.close()
        except UntrustedError as error:
            raise await looked_at(settings.host, self._port, now(), text=error.message) from None
        except DialError as error:
            raise SinkError(error.message, remedy=error.remedy) from None
