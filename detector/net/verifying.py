"""The one place where a context comes from that verifies: for our own requests, and for https:// proxies."""

from __future__ import annotations

import ssl
import sys
from functools import lru_cache
from pathlib import Path

from detector.errors import ConfigError


def verifying_context(
    trust: Path | None, credential: tuple[Path, Path] | None = None
) -> ssl.SSLContext:
    """Verifies against the operating system's store, or against the only roots of a PEM file.

    `credential` are PEM files of a client certificate and its key. Raises ConfigError when a file cannot be used.
    """
    if trust is None:
        import truststore

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = _with_roots(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust)
    if credential is not None:
        certificate, key = credential
        try:
            context.load_cert_chain(certificate, key, password=_no_password)
        except (OSError, ssl.SSLError) as error:
            why = f"no client certificate with its key: {error}"
            raise ConfigError(f"{certificate}, {key}", why) from None
    return context


def _no_password() -> str:
    """Without one OpenSSL would ask at the terminal."""
    return ""


def with_only(pem: str) -> ssl.SSLContext:
    """Verifies against these roots alone, which are text. Raises ConfigError when they are no PEM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=pem)
    except (ValueError, ssl.SSLError) as error:
        raise ConfigError("the roots of the credentials", f"are no PEM: {error}") from None
    return context


@lru_cache(maxsize=4)
def context_for_proxy(trust: Path | None) -> ssl.SSLContext:
    """For TLS to an https:// proxy: the operating system's store, and the roots of a PEM file beside it.

    Raises ConfigError when the file of roots cannot be used.
    """
    context = _read_once() if _has_files() else verifying_context(None)
    if trust is not None:
        _with_roots(context, trust)
    context.set_alpn_protocols(["http/1.1"])
    context.sslobject_class = _OfAProxy
    return context


def is_of_a_proxy(error: ssl.SSLCertVerificationError) -> bool:
    """The certificate that was refused is an https:// proxy's own."""
    return _NOTE in getattr(error, "__notes__", ())


_NOTE = "the proxy's own certificate"


class _OfAProxy(ssl.SSLObject):
    """Its refusals are told from those of the server inside, also where a library carries them on."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            error.add_note(_NOTE)
            raise


def _has_files() -> bool:
    """OpenSSL itself finds the system's store: in files, where it was told to look."""
    places = ssl.get_default_verify_paths()
    return sys.platform not in ("darwin", "win32") and places.cafile is not None


def _read_once() -> ssl.SSLContext:
    """With truststore the store is read again for each connection, 60 ms every time; a diagnosis makes forty."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    return context


def _with_roots(context: ssl.SSLContext, trust: Path) -> ssl.SSLContext:
    try:
        context.load_verify_locations(trust)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(str(trust), f"no PEM file of roots: {error}") from None
    return context
