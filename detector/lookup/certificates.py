"""What a certificate points to: its issuer, and what the CA says of it today.

URLs come from certificates of peers nobody trusts: only http:// is followed (what comes is signed, and
https:// would ask for a chain of its own, RFC 5280 section 8), only to where `detector.net.pointed` lets
such a peer send us, answers are bounded, and nothing is believed before its signature was checked.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from msgspec import structs

from detector.causes.revocation import UNREADABLE
from detector.chain.certificate import Certificate, read_certificate, split_pem
from detector.chain.path import Path, build_path
from detector.chain.signature import is_signed_by
from detector.errors import CertificateError, FetchError, RefusedError
from detector.known.knowledge import Knowledge
from detector.model.inquiry import Inquiry, Lookup
from detector.model.observation import Observation
from detector.net.budget import Budget
from detector.net.fetch import Fetcher
from detector.net.pointed import Pointer

Kind = Literal["issuer", "ocsp", "crl"]
_MAX_HOPS = 4
_MAX_SENT = 16
_MAX_CERTIFICATE, _MAX_OCSP, _MAX_CRL = 1 << 17, 1 << 17, 16 << 20


async def with_lookups(
    inquiry: Inquiry, known: Knowledge, fetch: Fetcher, budget: Budget | None = None
) -> Inquiry:
    """`inquiry` with missing issuers, and with the CA's word on the leaf. Never raises."""
    found: list[Lookup] = []
    work = _look_up(inquiry, known, _Source(fetch, _pointer(inquiry.observation)), found)
    if budget is None:
        await work
    else:
        await budget.spend("lookups", work)
    return structs.replace(
        inquiry, lookups=tuple(found), observation=_with_fetched(inquiry.observation, found)
    )


async def with_missing_issuers(
    observation: Observation, known: Knowledge, fetch: Fetcher
) -> Observation:
    """`observation` with the issuers that its chain lacks, as far as its certificates lead to them. Never raises."""
    found: list[Lookup] = []
    path = _path(observation.chain[:_MAX_SENT], observation.target.host, known)
    if path is not None and path.kind == "incomplete":
        source = _Source(fetch, _pointer(observation))
        await _issuers(path.certificates[-1], known, source, found)
    return _with_fetched(observation, found)


def _with_fetched(observation: Observation, found: Sequence[Lookup]) -> Observation:
    issuers = tuple(one.body for one in found if one.kind == "issuer" and one.body)
    return replace(observation, fetched=issuers) if issuers else observation


def _path(chain: Sequence[bytes], host: str, known: Knowledge) -> Path | None:
    """As far as what was sent leads; None where it cannot be read."""
    try:
        sent = [read_certificate(der) for der in chain]
    except CertificateError:
        return None
    return build_path(sent, host, known.public, known.local, known.programs) if sent else None


async def _look_up(
    inquiry: Inquiry, known: Knowledge, source: _Source, found: list[Lookup]
) -> None:
    """What is fetched goes into `found` as it comes."""
    chain = inquiry.observation.chain or next(
        (trial.chain for trial in inquiry.trials.values() if trial.chain), ()
    )
    host = inquiry.observation.target.host
    path = _path(chain[:_MAX_SENT], host, known)
    if path is not None and path.kind == "incomplete":
        await _issuers(path.certificates[-1], known, source, found)
        fetched = [lookup.body for lookup in found if lookup.body]
        path = _path([*chain[:_MAX_SENT], *fetched], host, known) if fetched else path
    if path is None:
        return
    if path.kind in ("public", "local") and path.issuer is not None:
        found += await _revocation(path.leaf, path.issuer, source)


async def _issuers(
    last: Certificate, known: Knowledge, source: _Source, found: list[Lookup]
) -> None:
    """Issuer after issuer, until one is an anchor, or there is no further address."""
    for _ in range(_MAX_HOPS):
        if known.public.named(last.issuer) or last.is_self_issued:
            break
        url = next(iter(_urls(last, Access.CA_ISSUERS)), None)
        if url is None:
            if not found:
                found.append(Lookup("issuer", "", problem="the certificate names no address"))
            break
        lookup = await source.get("issuer", url, _MAX_CERTIFICATE)
        issuer = _issuer_among(lookup.body, last) if lookup.body else None
        if issuer is None:
            why = lookup.problem or "what is there did not sign it"
            found.append(Lookup("issuer", url, problem=why, refused=lookup.refused))
            break
        found.append(Lookup("issuer", url, issuer.der))
        last = issuer


async def _revocation(leaf: Certificate, issuer: Certificate, source: _Source) -> Sequence[Lookup]:
    """The responder's answer and the list, whichever the leaf names."""
    request = _ocsp_request(leaf, issuer)
    responders = _urls(leaf, Access.OCSP)[:1] if request is not None else []
    tasks = [
        source.get("ocsp", f"{url.rstrip('/')}/{request}", _MAX_OCSP, url) for url in responders
    ]
    tasks += [source.get("crl", url, _MAX_CRL) for url in _list_urls(leaf)[:1]]
    return await asyncio.gather(*tasks)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a peer's certificates send us."""

    fetch: Fetcher
    pointer: Pointer

    async def get(self, kind: Kind, url: str, limit: int, shown: str | None = None) -> Lookup:
        """What is at `url`; `shown` is what it is called, where the URL is the question as well."""
        name = shown or url
        try:
            answer = await self.fetch.get(url, limit=limit, pointer=self.pointer)
        except RefusedError as error:
            return Lookup(kind, name, problem=f"{name}: {error.why}", refused=True)
        except FetchError as error:
            return Lookup(kind, name, problem=error.message)
        body = answer.body
        if kind == "crl" and body.startswith(b"-----"):
            body = _der_of_list(body)
        return Lookup(kind, name, body)


def _pointer(observation: Observation) -> Pointer:
    """The peer; through a proxy its address is known only where it was asked for by one."""
    target = observation.target
    return Pointer(target.ip or target.host)


def _issuer_among(data: bytes, child: Certificate) -> Certificate | None:
    """The certificate that signed `child` in a DER, PEM or PKCS #7 file (RFC 5280 section 4.2.2.1)."""
    for der in _certificates_of(data):
        try:
            candidate = read_certificate(der)
        except CertificateError:
            continue
        if is_signed_by(child, candidate.spki):
            return candidate
    return None


def _certificates_of(data: bytes) -> list[bytes]:
    if b"-----BEGIN CERT" in data:
        try:
            return split_pem(data)
        except CertificateError:
            return []
    try:
        read_certificate(data)
    except CertificateError:
        try:
            bundle = pkcs7.load_der_pkcs7_certificates(data)
            return [one.public_bytes(Encoding.DER) for one in bundle[:16]]
        except UNREADABLE:
            return []
    return [data]


def _urls(certificate: Certificate, method: x509.ObjectIdentifier) -> list[str]:
    """http:// addresses of the authority information access extension."""
    try:
        access = certificate.x509.extensions.get_extension_for_class(
            x509.AuthorityInformationAccess
        ).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return []
    return _plain(
        entry.access_location.value
        for entry in access
        if entry.access_method == method
        and isinstance(entry.access_location, x509.UniformResourceIdentifier)
    )


def _list_urls(certificate: Certificate) -> list[str]:
    try:
        points = certificate.x509.extensions.get_extension_for_class(
            x509.CRLDistributionPoints
        ).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return []
    names = (name for point in points for name in point.full_name or ())
    return _plain(n.value for n in names if isinstance(n, x509.UniformResourceIdentifier))


def _plain(urls: object) -> list[str]:
    assert hasattr(urls, "__iter__")
    return [url for url in urls if str(url).lower().startswith("http://")]


def _ocsp_request(leaf: Certificate, issuer: Certificate) -> str | None:
    """For the path of a GET (RFC 6960 appendix A.1)."""
    try:
        builder = ocsp.OCSPRequestBuilder().add_certificate(leaf.x509, issuer.x509, hashes.SHA1())  # noqa: S303
        data = builder.build().public_bytes(Encoding.DER)
    except UNREADABLE:
        return None
    return quote(base64.b64encode(data).decode(), safe="")


def _der_of_list(data: bytes) -> bytes:
    try:
        return x509.load_pem_x509_crl(data).public_bytes(Encoding.DER)
    except UNREADABLE:
        return b""
