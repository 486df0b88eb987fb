"""A CA's certificate out of a file, and whether anybody shall trust it."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path

from detector.auditing.powers import key_strength, powers
from detector.bounded import read_whole
from detector.chain.certificate import Certificate, split_pem
from detector.chain.signature import is_signed_by
from detector.errors import CertificateError, ConfigError
from detector.known.knowledge import Policy, PublishedKeys

_MAX = 1 << 20


def read_ca(path: Path) -> Certificate:
    """The one certificate of a PEM or DER file. Raises ConfigError."""
    return _read(path)[0]


def _read(path: Path) -> tuple[Certificate, bytes]:
    try:
        data = read_whole(path, _MAX)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(str(path), why, remedy="check the path and its permissions") from None
    try:
        ders = split_pem(data) or [data]
        found = [Certificate(der) for der in ders]
    except CertificateError as error:
        remedy = "give a PEM or DER file of the CA's certificate"
        raise ConfigError(str(path), error.message, remedy=remedy) from None
    if len(found) != 1:
        why = f"holds {len(found)} certificates"
        raise ConfigError(str(path), why, remedy="give a file with the CA's alone")
    return found[0], data


def trustworthy_ca(
    path: Path,
    *,
    sha256: str | None,
    policy: Policy | None,
    published: PublishedKeys,
    at: datetime,
) -> Certificate:
    """The CA of a file, where somebody answers for it. Raises ConfigError for every other.

    `sha256` is what its owner says of the certificate, or of the file; a policy declares its key.
    """
    ca, data = _read(path)
    name = f"{path}: {ca.subject_text}"
    try:
        _demand_ca(ca, name)
    except CertificateError as error:
        remedy = "ask its owner for the right file"
        raise ConfigError(name, f"cannot be read: {error.message}", remedy=remedy) from None
    if ca.not_after < at:
        when = f"expired on {ca.not_after:%Y-%m-%d}"
        raise ConfigError(name, when, remedy="ask its owner for the present one")
    if ca.not_before > at:
        when = f"is not valid before {ca.not_before:%Y-%m-%d}"
        raise ConfigError(name, when, remedy="set the clock, or ask its owner for the present one")
    leaked = published.find(ca.spki_sha256, ca.sha256, ca.sha1)
    if leaked is not None:
        why = f"the private key of {leaked.name} is public: anybody can sign with it"
        raise ConfigError(name, why, remedy="trust it nowhere, and tell who gave it to you")
    size, enough = key_strength(ca)
    if not enough:
        raise ConfigError(name, f"its key ({size}) can be broken", remedy="ask for a stronger CA")
    _demand_answer(ca, data, name, sha256, policy, at)
    return ca


def _demand_ca(ca: Certificate, name: str) -> None:
    constraints = ca.basic_constraints
    if constraints is None or not constraints[0] or not ca.may_sign_certificates:
        remedy = "give the CA's certificate, never a server's: ask who runs it"
        raise ConfigError(name, "is no CA's certificate", remedy=remedy)
    if powers(ca).startswith(("vouch for mail", "sign no")):
        raise ConfigError(name, f"can {powers(ca)}", remedy="ask its owner for the right one")
    if not ca.is_self_issued or not is_signed_by(ca, ca.spki):
        why = f"is no root: {ca.issuer_text} signed it"
        raise ConfigError(name, why, remedy="give the root's certificate")


def _demand_answer(
    ca: Certificate,
    data: bytes,
    name: str,
    sha256: str | None,
    policy: Policy | None,
    at: datetime,
) -> None:
    if sha256 is not None:
        given = re.sub(r"[:\s]", "", sha256).lower().removeprefix("sha256//")
        if not re.fullmatch(r"[0-9a-f]{64}", given):
            raise ConfigError("--sha256", f"{sha256!r} is not 64 hex digits")
        if given not in (ca.sha256, hashlib.sha256(data).hexdigest()):
            why = f"its SHA-256 is {ca.sha256}, and not what --sha256 says"
            raise ConfigError(name, why, remedy="ask its owner again; it may be another's file")
        return
    if policy is not None:
        today = at.date()
        declared = [
            key
            for row in policy.sanctioned
            if row.expires is None or row.expires >= today
            for key in (row.spki, *row.also)
        ]
        declared += [
            row.spki for row in policy.private if row.expires is None or row.expires >= today
        ]
        if ca.spki_sha256 in declared:
            return
        why = "the policy does not declare its key, or no longer"
        raise ConfigError(name, why, remedy="ask who answers for the policy, or give --sha256")
    why = f"nobody has answered for it: its SHA-256 is {ca.sha256}"
    remedy = "compare that with what its owner tells you, by another way, and give it as --sha256"
    raise ConfigError(name, why, remedy=remedy)
