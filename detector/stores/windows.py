"""Windows: certificate stores through the system's own interface (ssl.enum_certificates)."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable

from detector.auditing.model import Place
from detector.stores.reading import roots_of_ders

# What ssl.enum_certificates gives: DER, encoding, and True or the usages (OIDs) it is trusted for.
Entry = tuple[bytes, str, bool | frozenset[str]]
Enumerate = Callable[[str], Iterable[Entry]]
STORES = (("ROOT", "Schannel, Edge, Chrome"), ("CA", "Schannel, as intermediates"))
_SERVER_AUTH = "1.3.6.1.5.5.7.3.1"


def windows_places(enumerate_store: Enumerate | None = None) -> list[Place]:
    """ROOT and CA, of what is trusted for TLS servers; none elsewhere than on Windows."""
    if enumerate_store is None:
        if "enum_certificates" not in vars(ssl):  # exists on Windows alone
            return []
        enumerate_store = vars(ssl)["enum_certificates"]
    reader: Enumerate = enumerate_store
    return [_place(name, used_by, reader) for name, used_by in STORES]


def _place(name: str, used_by: str, enumerate_store: Enumerate) -> Place:
    path = f"Windows {name} store"
    try:
        entries = list(enumerate_store(name))
    except OSError as error:
        return Place("windows", path, used_by=used_by, trouble=str(error))
    ders = [
        der
        for der, encoding, usages in entries
        if encoding == "x509_asn"
        and (usages is True or (isinstance(usages, frozenset) and _SERVER_AUTH in usages))
    ]
    roots, trouble = roots_of_ders(ders)
    return Place("windows", path, roots, used_by, trouble)
