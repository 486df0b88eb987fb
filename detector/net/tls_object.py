"""What Python's `ssl` knows of a connection, in our words, on every version of Python that is served."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any

from detector.wire.suites import suite_name


def sent_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates (DER) as the peer sent them. Raises ssl.SSLError or ValueError without any."""
    public: Any = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return tuple(public())
    # Before Python 3.13 the same function is there, under no public name.
    import _ssl

    inner: Any = getattr(tls, "_sslobj")  # noqa: B009
    encoding: Any = _ssl.ENCODING_DER
    return tuple(one.public_bytes(encoding) for one in inner.get_unverified_chain() or ())


def suite_in_use(tls: ssl.SSLObject) -> str | None:
    """IANA's name of the cipher suite; OpenSSL has names of its own before TLS 1.3."""
    cipher = tls.cipher()
    if cipher is None:
        return None
    code = _codes().get(cipher[0])
    return cipher[0] if code is None else suite_name(code)


@cache
def _codes() -> dict[str, int]:
    """OpenSSL's names and the registry's code points, which it numbers with 0x0300 in front."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    return {one["name"]: one["id"] & 0xFFFF for one in context.get_ciphers()}
