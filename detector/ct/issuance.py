"""What query services know of a host's logged certificates, as values, and put together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

SCHEMA: Literal["tlsight.ct/1"] = "tlsight.ct/1"


class Issuance(msgspec.Struct, frozen=True):
    """One logged certificate, as a query service tells it.

    Attributes:
        names: DNS names, lower case, wildcards as logged.
        issuer_name: the issuer's distinguished name as the service writes it.
        issuer_spki: the issuer's key (SPKI SHA-256, hex), None where the service does not tell.
        leaf_spki: the certificate's own key, likewise.

    """

    id: str
    names: tuple[str, ...]
    issuer_name: str
    not_before: datetime
    not_after: datetime
    issuer_spki: str | None = None
    leaf_spki: str | None = None


class LoggedIssuer(msgspec.Struct, frozen=True):
    """One issuer of a host's certificates.

    Attributes:
        exact: some of its certificates name the host itself, not only a wildcard above it.
        first, last: when its oldest and its newest unexpired certificate were issued.

    """

    name: str
    spki_sha256: str | None
    certificates: int
    exact: bool
    first: datetime
    last: datetime


class IssuanceLookup(msgspec.Struct, frozen=True, kw_only=True):
    """One answer about one host: the line of `tlsight ct --json` and of an export.

    Attributes:
        ttl: seconds for which it is fresh.
        trusted: the connection it came over was judged direct or consistent; what is not trusted
            never counts.
        complete: the service was read to its end.
        issuers: empty when no log knows the host: that is an answer too.
        leaf_keys: keys of the logged certificates (SPKI SHA-256, hex).
        stale: it should have been asked again, but the source did not answer.
        etag: the service's mark of this answer.

    """

    host: str
    source: str
    fetched: datetime
    ttl: int
    trusted: bool
    complete: bool = True
    issuers: tuple[LoggedIssuer, ...] = ()
    leaf_keys: tuple[str, ...] = ()
    stale: bool = False
    etag: str | None = None
    schema: Literal["tlsight.ct/1"] = SCHEMA

    def is_stale(self, at: datetime) -> bool:
        return at > self.fetched + timedelta(seconds=self.ttl)


def summarise(
    host: str, issuances: Iterable[Issuance], at: datetime
) -> tuple[tuple[LoggedIssuer, ...], tuple[str, ...]]:
    """Issuers, most certificates first, and leaf keys of what is valid for `host` at `at`.

    Certificates for the name itself count, and for the wildcard one label above it (RFC 9525).
    """
    wildcard = f"*.{host.partition('.')[2]}"
    groups: dict[tuple[str, str | None], list[Issuance]] = {}
    keys: dict[str, None] = {}
    exact: set[tuple[str, str | None]] = set()
    for found in {issuance.id: issuance for issuance in issuances}.values():
        if found.not_after < at or not {host, wildcard} & set(found.names):
            continue
        group = (found.issuer_name, found.issuer_spki)
        groups.setdefault(group, []).append(found)
        if host in found.names:
            exact.add(group)
        if found.leaf_spki is not None:
            keys[found.leaf_spki] = None
    issuers = [
        LoggedIssuer(
            name=group[0],
            spki_sha256=group[1],
            certificates=len(members),
            exact=group in exact,
            first=min(m.not_before for m in members),
            last=max(m.not_before for m in members),
        )
        for group, members in groups.items()
    ]
    issuers.sort(key=lambda i: (-i.certificates, i.name, i.spki_sha256 or ""))
    return tuple(issuers), tuple(keys)


def aware(time: datetime) -> datetime:
    """Services leave the zone out; they mean UTC."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def common_name(issuer: str) -> str:
    """The CN of a distinguished name as crt.sh and Cert Spotter write it; the whole without one."""
    _, found, rest = issuer.rpartition("CN=")
    if not found:
        return issuer
    if rest.startswith('"'):
        return rest[1:].partition('"')[0]
    return rest.partition(", ")[0]
