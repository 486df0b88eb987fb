"""Every message of a hello and the server's answer, decoded, a line each."""

from __future__ import annotations

from collections.abc import Iterator

from detector.chain.certificate import name_text, read_certificate
from detector.errors import CertificateError, WireError
from detector.model.inquiry import Trial
from detector.wire import registry as r
from detector.wire.certificates import (
    parse_certificate_request_tls12,
    parse_certificate_request_tls13,
    parse_certificate_tls12,
    parse_certificate_tls13,
)
from detector.wire.fingerprints import ja3, ja4
from detector.wire.hello import ClientHello, ServerHello, parse_client_hello, parse_server_hello
from detector.wire.key_exchange import parse_certificate_verify, parse_key_exchange
from detector.wire.suites import suite_name


def trace(trial: Trial) -> list[str]:
    """Lines: what was sent, what came, and how it ended."""
    lines = [
        f"hello {trial.offer!r}: {trial.outcome} after {trial.ms[1]:.1f} ms {trial.text}".rstrip()
    ]
    if trial.sent:
        lines += _indented("> ClientHello", trial.sent[4:], _client_hello)
    hello: ServerHello | None = None
    for kind, body in trial.messages:
        name = r.HANDSHAKE_TYPES.get(kind, f"message {kind}")
        if kind == r.SERVER_HELLO:
            try:
                hello = parse_server_hello(body)
            except WireError:
                hello = None
        lines += _indented(f"< {name}", body, lambda b, k=kind, h=hello: _server_message(k, b, h))
    return lines


def _indented(head: str, body: bytes, decode: object) -> list[str]:
    assert callable(decode)
    try:
        details = [str(line) for line in decode(body)]
    except (WireError, CertificateError) as error:
        details = [f"cannot be read: {error}"]
    return [f"{head}, {len(body)} bytes", *(f"    {line}" for line in details)]


def _client_hello(body: bytes) -> Iterator[str]:
    hello = parse_client_hello(body)
    yield f"versions {', '.join(map(r.version_name, hello.versions))}; SNI {hello.sni or 'none'}"
    yield f"{len(hello.ciphers)} suites: {', '.join(map(suite_name, hello.ciphers[:4]))}, ..."
    if hello.groups:
        yield f"groups {', '.join(map(r.group_name, hello.groups[:8]))}"
    if hello.key_shares:
        shares = (f"{r.group_name(g)} ({len(k)} bytes)" for g, k in hello.key_shares)
        yield f"key shares {', '.join(shares)}"
    if hello.alpn:
        yield f"ALPN {', '.join(p.decode('latin-1') for p in hello.alpn)}"
    yield f"extensions {_extension_names(hello)}"
    yield f"JA3 {ja3(hello)}, JA4 {ja4(hello)}"


def _server_message(kind: int, body: bytes, hello: ServerHello | None) -> Iterator[str]:
    tls13 = hello is not None and hello.version == 0x0304
    if kind == r.SERVER_HELLO and hello is not None:
        again = "HelloRetryRequest, " if hello.is_retry else ""
        group = f", {r.group_name(hello.group)}" if hello.group is not None else ""
        yield f"{again}{r.version_name(hello.version)}, {suite_name(hello.cipher)}{group}"
        yield f"extensions {_extension_names(hello)}"
    elif kind == r.CERTIFICATE:
        entries = (parse_certificate_tls13 if tls13 else parse_certificate_tls12)(body)
        for entry in entries:
            certificate = read_certificate(entry.der)
            until = f"{certificate.not_after:%Y-%m-%d}"
            yield f"{certificate.subject_text}, by {certificate.issuer_text}, until {until}"
        if entries and entries[0].ocsp:
            yield f"stapled OCSP response of {len(entries[0].ocsp)} bytes"
    elif kind == r.SERVER_KEY_EXCHANGE and hello is not None:
        exchange = parse_key_exchange(body, hello.cipher, hello.version)
        if exchange.dh_bits is not None:
            yield f"Diffie-Hellman prime of {exchange.dh_bits} bits"
        if exchange.group is not None:
            yield f"group {r.group_name(exchange.group)}"
        if exchange.scheme is not None:
            yield f"signed with {_scheme(exchange.scheme)}"
    elif kind == r.CERTIFICATE_REQUEST:
        parse = parse_certificate_request_tls13 if tls13 else parse_certificate_request_tls12
        names = [name_text(name) for name in parse(body).authorities]
        yield "of " + ("; ".join(names[:8]) if names else "any CA")
    elif kind == 15:  # CertificateVerify
        yield f"signed with {_scheme(parse_certificate_verify(body))}"


def _extension_names(hello: ClientHello | ServerHello) -> str:
    kinds = [kind for kind, _ in hello.extensions or ()]
    return ", ".join(map(r.extension_name, kinds)) or "none"


def _scheme(code: int) -> str:
    return r.SIGNATURE_SCHEMES.get(code, f"{code:#06x}")
