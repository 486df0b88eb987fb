"""JA4 of a ClientHello as mitmproxy hands it over."""

from __future__ import annotations

from mitmproxy.tls import ClientHelloData

from detector.errors import WireError
from detector.wire.fingerprints import ja4
from detector.wire.hello import parse_client_hello


def fingerprint(data: ClientHelloData) -> str | None:
    """JA4, None where the hello cannot be read; then no rule for a JA4 applies."""
    try:
        return ja4(parse_client_hello(data.client_hello.raw_bytes(wrap_in_record=False)))
    except (WireError, NotImplementedError):
        return None
