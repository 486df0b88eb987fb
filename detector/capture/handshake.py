"""A handshake's messages into what they say, the same ones read once.

What makes no sense costs what is said there, not the rest of the handshake.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from detector.capture.connection import HelloFacts, SeenAlert, Sender, ServerFacts
from detector.capture.hellos import Hellos, salvaged
from detector.capture.keylog import Opened, certificate_messages
from detector.errors import WireError
from detector.model.observation import Beside
from detector.wire import registry as r
from detector.wire.certificates import (
    parse_certificate_request_tls11,
    parse_certificate_request_tls12,
    parse_certificate_request_tls13,
    parse_certificate_status,
    parse_certificate_tls12,
    parse_certificate_tls13,
)
from detector.wire.hello import chosen_alpn
from detector.wire.key_exchange import parse_key_exchange

# Alerts by which somebody takes his leave: close_notify, user_canceled.
PARTING = (0, 90)
_ROOM = 4096
# What a server says in clear before TLS 1.3 where it takes an earlier session up (RFC 5246 section 7.3).
_ABBREVIATED = frozenset((r.SERVER_HELLO, r.NEW_SESSION_TICKET, r.HELLO_VERIFY_REQUEST))
_BESIDE: tuple[tuple[int, Beside], ...] = (
    (r.SIGNED_CERTIFICATE_TIMESTAMP, "scts"),
    (r.STATUS_REQUEST, "ocsp"),
)


class Facts(msgspec.Struct):
    """What the handshake's messages say; filled once, when they are no longer needed.

    `whole`: the server's flight was read to its end. `bare`: of its flight only the hello, and perhaps a session
    ticket, came in clear. `fault`: what makes no sense in the ClientHello.
    """

    hello: HelloFacts | None = None
    sni: str | None = None
    fault: str = ""
    size: int = 0
    random: bytes = b""
    retry: bool = False
    answer: ServerFacts | None = None
    alpn: str | None = None
    chain: tuple[bytes, ...] = ()
    ocsp: bytes | None = None
    scts: bytes | None = None
    whole: bool = False
    authorities: tuple[bytes, ...] | None = None
    client_certificate: bool | None = None
    client_chain: tuple[bytes, ...] = ()
    bare: bool = False
    dh_bits: int | None = None
    error: str = ""

    @property
    def asked_for(self) -> tuple[Beside, ...]:
        """What the client asked for beside the certificates, as far as the answer is known."""
        if not self.whole or not self.chain or self.hello is None:
            return ()
        return tuple(name for kind, name in _BESIDE if kind in self.hello.extensions)


class Handshakes:
    """Reads handshakes; remembers what is the same in many of them."""

    def __init__(self) -> None:
        self._hellos = Hellos()
        self._chains: dict[bytes, tuple[bytes, ...]] = {}
        self._answers: dict[tuple[ServerFacts, int, bytes], ServerFacts] = {}

    def clear(
        self, client: list[tuple[int, bytes]], server: list[tuple[int, bytes]], transport: str = "t"
    ) -> Facts:
        """Messages that came in clear. What makes no sense is kept as an error."""
        facts = Facts()
        for kind, body in client:
            if kind == r.CLIENT_HELLO and facts.hello is None:
                self._client_hello(facts, body, transport)
            elif kind == r.CERTIFICATE:
                facts.client_certificate = len(body) > 3
                with suppress(WireError):  # that one was shown is all that blame asks
                    facts.client_chain = self._chain(body, tls13=False)
        try:
            for kind, body in server:
                self._server_message(facts, kind, body)
            facts.bare = {r.SERVER_HELLO} <= {kind for kind, _ in server} <= _ABBREVIATED
        except WireError as error:
            facts.error = f"server's handshake: {error.message}"
        return facts

    def under_keys(
        self, facts: Facts, ours: Opened, theirs: Opened, alerts: list[SeenAlert]
    ) -> tuple[bool, bool | None]:
        """Take in what client and server said under encryption: whether there was anything, and both finished."""
        if not theirs.messages:
            return False, None
        try:
            certificate, request, extensions = certificate_messages(theirs)
            if certificate is not None:
                facts.chain = self._chain(certificate, tls13=True)
                entries = parse_certificate_tls13(certificate)
                facts.ocsp = entries[0].ocsp if entries else None
                facts.scts = entries[0].scts if entries else None
                facts.whole = theirs.finished
            if request is not None:
                facts.authorities = parse_certificate_request_tls13(request).authorities
                shown = certificate_messages(ours)[0]
                if shown is not None:
                    facts.client_chain = self._chain(shown, tls13=True)
                facts.client_certificate = bool(facts.client_chain)
            if extensions is not None:
                chosen = chosen_alpn(extensions)
                facts.alpn = chosen.decode("latin-1") if chosen is not None else None
        except WireError as error:
            facts.error = error.message
        sides: tuple[tuple[Sender, Opened], ...] = (("client", ours), ("server", theirs))
        for name, side in sides:
            alerts += [
                SeenAlert(name, code, code not in PARTING, encrypted=True)
                for _, code in side.alerts
                if code
            ]
        return True, theirs.finished and ours.finished

    def _client_hello(self, facts: Facts, body: bytes, transport: str) -> None:
        try:
            facts.hello, facts.sni = self._hellos.client(body, transport)
        except WireError as error:
            facts.hello, facts.sni = salvaged(body)
            facts.fault = error.message
        facts.size = len(body) + 4
        facts.random = body[2:34]

    def _server_message(self, facts: Facts, kind: int, body: bytes) -> None:
        if kind == r.SERVER_HELLO:
            answer, retry, scts = self._hellos.server(body)
            facts.scts = scts
            if retry:
                facts.retry = True
                facts.answer = facts.answer or answer
            else:
                facts.answer, facts.alpn = answer, answer.alpn
        elif kind == r.CERTIFICATE:
            facts.chain = self._chain(body, tls13=False)
        elif kind == r.CERTIFICATE_STATUS:
            facts.ocsp = parse_certificate_status(body)
        elif kind == r.SERVER_HELLO_DONE:
            facts.whole = True
        elif kind == r.CERTIFICATE_REQUEST:
            tls12 = facts.answer is None or facts.answer.version >= 0x0303
            parse = parse_certificate_request_tls12 if tls12 else parse_certificate_request_tls11
            facts.authorities = parse(body).authorities
        elif kind == r.SERVER_KEY_EXCHANGE and facts.answer is not None:
            facts.answer, facts.dh_bits = self._exchanged(facts.answer, body)

    def _exchanged(self, answer: ServerFacts, body: bytes) -> tuple[ServerFacts, int | None]:
        """The answer with its group, and the size of a Diffie-Hellman prime. Of a key on a named curve the first
        bytes and the length say all.
        """
        key = answer, len(body), body[:4]
        found = self._answers.get(key)
        if found is not None:
            return found, None
        exchange = parse_key_exchange(body, answer.cipher, answer.version)
        if exchange.group is None:
            return answer, exchange.dh_bits
        if len(self._answers) >= _ROOM:
            self._answers.clear()
        made = self._answers[key] = msgspec.structs.replace(answer, group=exchange.group)
        return made, exchange.dh_bits

    def _chain(self, body: bytes, *, tls13: bool) -> tuple[bytes, ...]:
        found = self._chains.get(body)
        if found is None:
            parse = parse_certificate_tls13 if tls13 else parse_certificate_tls12
            found = tuple(entry.der for entry in parse(body))
            if len(self._chains) >= _ROOM:
                self._chains.clear()
            self._chains[body] = found
        return found
