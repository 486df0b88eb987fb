"""Cert Spotter's issuances, version 1 of the interface (sslmate.com/help/reference/ct_search_api_v1)."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from detector.ct.issuance import Issuance, aware
from detector.errors import WireError
from detector.model.no_json import NO_JSON

BASE = "https://api.certspotter.com/v1/issuances"
MAX_PAGE = 8 << 20
_HEX = re.compile(r"[0-9a-f]{64}")


class _Issuer(msgspec.Struct, frozen=True):
    name: str = ""
    friendly_name: str = ""
    pubkey_sha256: str | None = None


class _Row(msgspec.Struct, frozen=True):
    id: str
    dns_names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    issuer: _Issuer
    pubkey_sha256: str | None = None


def page_url(base: str, host: str, after: str | None) -> str:
    """Where the page after the issuance `after` is; the first one without."""
    query = [
        ("domain", host),
        ("include_subdomains", "false"),
        ("match_wildcards", "true"),
        ("expand", "dns_names"),
        ("expand", "issuer"),
    ]
    if after is not None:
        query.append(("after", after))
    return f"{base}?{urlencode(query)}"


def parse_page(body: bytes) -> tuple[Issuance, ...]:
    """One page of issuances; an empty one ends the list. Raises WireError."""
    try:
        rows = msgspec.json.decode(body, type=tuple[_Row, ...])
    except NO_JSON as error:
        raise WireError(f"Cert Spotter's answer: {error}", 0) from None
    return tuple(
        Issuance(
            id=row.id,
            names=tuple(name.lower().rstrip(".") for name in row.dns_names),
            issuer_name=row.issuer.name or row.issuer.friendly_name,
            issuer_spki=_digest(row.issuer.pubkey_sha256),
            leaf_spki=_digest(row.pubkey_sha256),
            not_before=aware(row.not_before),
            not_after=aware(row.not_after),
        )
        for row in rows
    )


def _digest(text: str | None) -> str | None:
    if text is None:
        return None
    if not _HEX.fullmatch(text.lower()):
        raise WireError("Cert Spotter's answer: a key digest that is none", 0)
    return text.lower()
