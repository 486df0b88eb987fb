"""What the CA/Browser Forum asks of every public leaf.

Source: Baseline Requirements for TLS Server Certificates: section 7.1.2.7 (AIA, policies, extended key
usage, names), 7.1 (64 bits of serial entropy), 6.1.5 (key sizes), 6.3.2 (validity, by date of issue).
"""

from __future__ import annotations

from datetime import UTC, datetime

from detector.chain.certificate import Certificate
from detector.chain.shape import key_kind

# (issued from, most days); one second of grace is given, because periods are inclusive. A day has
# 86,400 seconds there (section 1.6.1). Of the months of the first versions (39 and 60, section 9.4 of
# version 1.0) the longest are counted. Before there were any rules public CAs sold ten years, and no
# more: whoever backdates a leaf still needs one that is in date.
LONGEST_VALIDITY = (
    (datetime(2029, 3, 15, tzinfo=UTC), 47),  # ballot SC-081v3
    (datetime(2027, 3, 15, tzinfo=UTC), 100),  # ballot SC-081v3
    (datetime(2026, 3, 15, tzinfo=UTC), 200),  # ballot SC-081v3
    (datetime(2020, 9, 1, tzinfo=UTC), 398),  # ballot SC-031
    (datetime(2018, 3, 1, tzinfo=UTC), 825),  # ballot 193
    (datetime(2015, 4, 1, tzinfo=UTC), 1187),  # version 1.0: 39 months
    (datetime(2012, 7, 1, tzinfo=UTC), 1827),  # version 1.0: 60 months
    (datetime.min.replace(tzinfo=UTC), 3653),
)
_MODERN = datetime(2016, 10, 1, tzinfo=UTC)
# 64 random bits have fewer than 48 significant ones once in 65,536 certificates.
_SERIAL_BITS = 48


def lacking(leaf: Certificate) -> tuple[str, ...]:
    """What is missing, in words. Empty for a leaf that a public CA could have issued. Raises CertificateError."""
    found: list[str] = []
    if not leaf.dns_names and not leaf.ip_addresses:
        found.append("subject alternative names")
    days = longest_validity(leaf.not_before)
    too_long = (leaf.not_after - leaf.not_before).total_seconds() > days * 86400 + 1
    validity = [f"a validity of at most {days} days"] if too_long else []
    if leaf.not_before < _MODERN:
        return (*found, *validity)  # what else was asked of certificates then is too little to tell
    for name, text in (("AIA", "authority information access"), ("POL", "certificate policies")):
        if leaf.extension(name) is None:
            found.append(text)
    if leaf.usages is None or not leaf.may_serve_tls:
        found.append("server authentication usage")
    if leaf.serial.bit_length() < _SERIAL_BITS or leaf.serial < 0:
        found.append("a random serial number")
    found += validity
    if key_kind(leaf.spki) in ("rsa512", "rsa768", "rsa1024", "rsa1536", "dsa1024", "dsa2048"):
        found.append("a key of 2,048 bits")
    return tuple(found)


def longest_validity(issued: datetime) -> int:
    """Most days that a public leaf issued then was ever valid."""
    return next(days for since, days in LONGEST_VALIDITY if issued >= since)
