"""JA4 of a ClientHello as mitmproxy hands it over."""

from __future__ import annotations

from mitmproxy.tls import ClientHello

from detector.errors import WireError
from detector.wire.fingerprints import ja4
from detector.wire.hello import parse_client_hello


def fingerprint(hello: ClientHello, *, quic: bool = False) -> str | None:
    """JA4, None where the hello cannot be read; then no rule for a JA4 applies."""
    try:
        parsed = parse_client_hello(hello.raw_bytes(wrap_in_record=False))
        return ja4(parsed, "q" if quic else "t")
    except (WireError, NotImplementedError):
        return None
