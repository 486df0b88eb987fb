"""Servers that are broken on purpose, one cause each, and healthy ones that must not be blamed.

All run in this process, on loopback, on free ports, without root, under one public root of the lab.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from detector.lab.loopback import Loopback
from detector.lab.origin import Origin, server_context
from detector.lab.pki import Authority, Credential, LabPki

HOST = "localhost"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nBad Request\n"
_SMTP_GREETING = b"220 mail.lab.test ESMTP ready\r\n"


@dataclass(frozen=True)
class Case:
    """One server.

    Attributes:
        id: its name on the command line.
        cause: the cause id that should be named first, "healthy" for none.
        make: builds it in a lab's world.

    """

    id: str
    cause: str
    text: str
    make: Callable[[LabPki], Loopback]


class Blunt(Loopback):
    """Reads a ClientHello, and sends some bytes, closes, resets, or does nothing.

    Args:
        answer: what to send before closing.
        greeting: what to send before anything is read.
        reset: reset instead of closing.
        silent: keep the connection, and still say nothing.

    """

    def __init__(
        self,
        answer: bytes = b"",
        *,
        greeting: bytes = b"",
        reset: bool = False,
        silent: bool = False,
    ) -> None:
        super().__init__(None)
        self.answer = answer
        self.greeting = greeting
        self.reset = reset
        self.silent = silent

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(self.greeting)
        await reader.read(1 if self.reset else 65536)
        if self.silent:
            await reader.read()  # until the client gives up
        if self.reset:
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        writer.write(self.answer)
        writer.close()


class Refusing(Loopback):
    """A TLS server that gets its alert out before it closes, as asyncio's own does not.

    Args:
        context: refuses the handshake.

    """

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(None)
        self.context = context

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One handshake."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
        with suppress(ssl.SSLError, OSError):
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    data = await reader.read(65536)
                    if not data:
                        break
                    incoming.write(data)
        with suppress(OSError):
            writer.write(outgoing.read())
            await writer.drain()
        writer.close()


def _shows(make: Callable[[LabPki], Credential]) -> Callable[[LabPki], Loopback]:
    """A server of the lab's usual kind with this credential."""
    return lambda pki: Origin({HOST: make(pki)})


def _prepared(prepare: Callable[[ssl.SSLContext], None]) -> Callable[[LabPki], Loopback]:
    """A server with a good credential and an odd context."""
    return lambda pki: Origin({HOST: pki.issue(HOST)}, prepare=prepare)


def _now() -> datetime:
    return datetime.now(UTC)


def _self_signed(_: LabPki) -> Credential:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=_now() - timedelta(days=1), not_valid_after=_now() + timedelta(days=30),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)  # fmt: skip
    return Credential(builder.sign(key, hashes.SHA256()), key)


def _without_intermediate(pki: LabPki) -> Credential:
    whole = pki.issue(HOST)
    return Credential(whole.certificate, whole.key)


def _out_of_order(pki: LabPki) -> Credential:
    between = Authority("Lab Second Intermediate", parent=pki.intermediate, logs=pki.logs)
    whole = between.issue(HOST)
    return Credential(whole.certificate, whole.key, tuple(reversed(whole.above)))


def _under_expired_intermediate(pki: LabPki) -> Credential:
    old = Authority(
        "Lab Expired Intermediate", parent=pki.root, logs=pki.logs,
        now=_now() - timedelta(days=400), days=200,
    )  # fmt: skip
    return old.issue(HOST, start=_now() - timedelta(days=1))


def _weak(pki: LabPki) -> Loopback:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (the case itself)
    return Origin({HOST: pki.issue(HOST, key=key)}, prepare=_anything)


def _anything(context: ssl.SSLContext) -> None:
    """Security level 0: what OpenSSL would refuse to serve, it serves."""
    context.set_ciphers("ALL:@SECLEVEL=0")


def _old_version(context: ssl.SSLContext) -> None:
    _anything(context)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        context.maximum_version = ssl.TLSVersion.TLSv1


def _no_encryption(pki: LabPki) -> Loopback:
    def prepare(context: ssl.SSLContext) -> None:
        context.set_ciphers("eNULL:@SECLEVEL=0")
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    return Refusing(server_context(pki.issue(HOST), prepare))


def _only(version: ssl.TLSVersion) -> Callable[[ssl.SSLContext], None]:
    def prepare(context: ssl.SSLContext) -> None:
        context.minimum_version = context.maximum_version = version

    return prepare


def _wants_client(pki: LabPki) -> Loopback:
    def prepare(context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # in TLS 1.3 the refusal comes afterwards
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=pki.root.pem)

    return Refusing(server_context(pki.issue(HOST), prepare))


def _unknown_name(pki: LabPki) -> Loopback:
    def refuse(*_: object) -> int:
        return ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context = server_context(pki.issue("other.localhost"))
    context.sni_callback = refuse
    return Refusing(context)


def _rsa(pki: LabPki) -> Credential:
    return pki.issue(HOST, key=rsa.generate_private_key(public_exponent=65537, key_size=2048))


CASES: tuple[Case, ...] = (
    Case("expired", "certificate-expired", "the certificate is out of date",
         _shows(lambda pki: pki.issue(HOST, start=_now() - timedelta(days=200)))),
    Case("not-yet-valid", "certificate-not-yet-valid", "the certificate is not valid yet",
         _shows(lambda pki: pki.issue(HOST, start=_now() + timedelta(days=5)))),
    Case("wrong-host", "hostname-mismatch", "the certificate is for another name",
         _shows(lambda pki: pki.issue("other.localhost"))),
    Case("self-signed", "self-signed", "the certificate signed itself", _shows(_self_signed)),
    Case("untrusted-root", "untrusted-root", "a CA that nobody trusts",
         _shows(lambda _: Authority("Somebody's CA", profile=False).issue(HOST))),
    Case("incomplete-chain", "incomplete-chain", "the intermediate is not sent",
         _shows(_without_intermediate)),
    Case("out-of-order", "chain-out-of-order", "the intermediates are sent the wrong way round",
         _shows(_out_of_order)),
    Case("expired-intermediate", "intermediate-expired", "the intermediate is out of date",
         _shows(_under_expired_intermediate)),
    Case("client-usage", "wrong-usage", "a certificate for clients",
         _shows(lambda pki: pki.issue(HOST, usage=ExtendedKeyUsageOID.CLIENT_AUTH))),
    Case("weak-key", "weak-key", "an RSA key of 1024 bits", _weak),
    Case("tls-1.0", "version-mismatch", "TLS 1.0 and nothing later", _prepared(_old_version)),
    Case("no-encryption", "no-shared-cipher", "suites without encryption only",
         _no_encryption),
    Case("client-certificate", "client-certificate-required", "wants a client certificate",
         _wants_client),
    Case("unknown-name", "sni-unrecognized", "knows another name only, and says so",
         _unknown_name),
    Case("plain-http", "not-tls", "speaks HTTP without TLS", lambda _: Blunt(_BAD_REQUEST)),
    Case("smtp", "not-tls", "a mail server before STARTTLS",
         lambda _: Blunt(greeting=_SMTP_GREETING)),
    Case("closes", "closed-during-handshake", "closes after the ClientHello", lambda _: Blunt()),
    Case("resets", "connection-reset", "resets after the ClientHello",
         lambda _: Blunt(reset=True)),
    Case("silent", "silent-drop", "accepts, and says nothing", lambda _: Blunt(silent=True)),
    Case("healthy", "healthy", "nothing is wrong", _shows(lambda pki: pki.issue(HOST))),
    Case("healthy-rsa", "healthy", "an RSA key of 2048 bits", _shows(_rsa)),
    Case("healthy-wildcard", "healthy", "a second name, a wildcard beside it",
         _shows(lambda pki: pki.issue(HOST, "*.lab.test"))),
    Case("healthy-1.2", "healthy", "TLS 1.2 only", _prepared(_only(ssl.TLSVersion.TLSv1_2))),
    Case("healthy-1.3", "healthy", "TLS 1.3 only", _prepared(_only(ssl.TLSVersion.TLSv1_3))),
)  # fmt: skip


def case(name: str) -> Case | None:
    """A case by its id, None for no such case."""
    return next((one for one in CASES if one.id == name), None)
