"""crt.sh's search, as JSON. Names of issuers only, no keys; slow, and often out of order."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

import msgspec

from detector.ct.issuance import Issuance, aware
from detector.errors import WireError
from detector.model.no_json import NO_JSON

BASE = "https://crt.sh/"
MAX_ANSWER = 32 << 20


class _Row(msgspec.Struct, frozen=True):
    id: int
    issuer_name: str
    name_value: str
    not_before: datetime
    not_after: datetime


def query_url(base: str, name: str) -> str:
    """Where unexpired certificates for exactly `name` are listed; a wildcard is a name too."""
    query = {"q": name, "output": "json", "exclude": "expired", "deduplicate": "Y"}
    return f"{base}?{urlencode(query)}"


def parse_answer(body: bytes) -> tuple[Issuance, ...]:
    """Raises WireError."""
    try:
        rows = msgspec.json.decode(body, type=tuple[_Row, ...])
    except NO_JSON as error:
        raise WireError(f"crt.sh's answer: {error}", 0) from None
    return tuple(
        Issuance(
            id=str(row.id),
            names=tuple(name.lower() for name in row.name_value.split("\n")),
            issuer_name=row.issuer_name,
            not_before=aware(row.not_before),
            not_after=aware(row.not_after),
        )
        for row in rows
    )
