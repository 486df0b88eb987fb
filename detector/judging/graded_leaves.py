"""Answers from the leaves that an interceptor mints for several servers of ours.

The leaves of one run are judged together: what two of them share is seen by nobody who looks at one. Of fewer than two
hosts nothing is said about sharing, of fewer than eight serials nothing about chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from detector.chain.certificate import Certificate, read_certificate
from detector.chain.profile import longest_validity
from detector.chain.signature import fits_key, is_signed_by, public_key, signature_hash
from detector.errors import CertificateError
from detector.judging.graded_shown import BROKEN_HASHES, leaf_of, minted, short_key
from detector.known.knowledge import PublishedKeys
from detector.model.grades import Answer, GradeTests, Seen

# Serials of random 64 bits: that the top bits of eight of them are all clear has a chance of 2^-64.
_ENOUGH, _RANDOM_BITS = 8, 64
_SHORT = 8
# Leaves of one CA are signed by one key.
_TRIED = 2


def answers_to_leaves(seen: Seen, tests: GradeTests, published: PublishedKeys) -> Iterator[Answer]:
    """One for each test that asks leaves."""
    found: dict[str, Certificate] = {}
    above: dict[str, Certificate] = {}
    for visit in minted(seen):
        leaf = leaf_of(visit)
        if leaf is None:
            continue
        found.setdefault(visit.server, leaf)
        for der in visit.chain[1:]:
            try:
                one = read_certificate(der)
            except CertificateError:
                continue
            if one.subject == leaf.issuer:
                above[one.spki_sha256] = one
    leaves = list(found.values())
    if not leaves:
        return
    yield _published(leaves, list(above.values()), published)
    yield _of_ca(leaves, list(above.values()))
    yield _shared(leaves)
    yield _serials(list({leaf.sha256: leaf for leaf in leaves}.values()))
    # What is copied from a bad server is that server's fault, and is told there.
    good = [leaf for server, leaf in found.items() if _is_good(server, tests)] or leaves
    yield _weak(good)
    yield _signed(good)
    yield _long(good)
    yield _scts(good)


def _is_good(server: str, tests: GradeTests) -> bool:
    """Its certificate is."""
    return server not in tests or tests[server].group != "certificates"


def _said(test: str, fault: str | None, good: str = "") -> Answer:
    if fault is None:
        return Answer(test=test, outcome="passed", seen=good)
    return Answer(test=test, outcome="failed", seen=fault)


def _published(
    leaves: Sequence[Certificate], above: Sequence[Certificate], published: PublishedKeys
) -> Answer:
    for one in (*leaves, *above):
        key = published.find(one.spki_sha256, one.sha256, one.sha1)
        if key is not None:
            return _said("ca-key-published", f"it is the key of {key.name}")
    for key in published.keys:
        # Of a CA that is not sent, its signature tells.
        if key.spki and any(
            fits_key(leaf, key.spki) and is_signed_by(leaf, key.spki) for leaf in leaves[:_TRIED]
        ):
            return _said("ca-key-published", f"the key of {key.name} signed a leaf")
    if not above and not any(_names_its_key(leaf) for leaf in leaves):
        return Answer(test="ca-key-published", outcome="unclear", seen="its CA is not sent")
    return _said("ca-key-published", None)


def _names_its_key(leaf: Certificate) -> bool:
    """Mitmproxy and others mint with the CA's own key: then the leaf shows it."""
    return _key_identifiers_agree(leaf)


def _of_ca(leaves: Sequence[Certificate], above: Sequence[Certificate]) -> Answer:
    keys = {one.spki for one in above}
    if any(leaf.spki in keys or _key_identifiers_agree(leaf) for leaf in leaves):
        return _said("leaf-key-of-ca", "the leaf's key is the one that signs")
    if not keys and not any(_authority(leaf) for leaf in leaves):
        told = "its CA is neither sent nor named by key"
        return Answer(test="leaf-key-of-ca", outcome="unclear", seen=told)
    return _said("leaf-key-of-ca", None)


def _key_identifiers_agree(leaf: Certificate) -> bool:
    from hashlib import sha1

    named = _authority(leaf)
    key = public_key(leaf.spki)
    if named is None or key is None:
        return False
    from cryptography.x509 import SubjectKeyIdentifier

    own = SubjectKeyIdentifier.from_public_key(key).digest  # type: ignore[arg-type]
    return named in (own, sha1(leaf.spki).digest())  # noqa: S324 (RFC 5280 section 4.2.1.2)


def _authority(leaf: Certificate) -> bytes | None:
    try:
        return leaf.authority_key_id
    except CertificateError:
        return None


def _shared(leaves: Sequence[Certificate]) -> Answer:
    if len(leaves) < 2:
        return Answer(test="leaf-key-shared", outcome="unclear", seen="one leaf was seen")
    keys = {leaf.spki for leaf in leaves}
    if len(keys) == len(leaves):
        return _said("leaf-key-shared", None)
    counted = "one key" if len(keys) == 1 else f"{len(keys)} keys"
    return _said("leaf-key-shared", f"{len(leaves)} names, {counted}")


def _weak(leaves: Sequence[Certificate]) -> Answer:
    return _said("leaf-key-weak", next(filter(None, map(short_key, leaves)), None))


def _signed(leaves: Sequence[Certificate]) -> Answer:
    bad = {one for leaf in leaves if (one := signature_hash(leaf)) in BROKEN_HASHES}
    return _said(
        "leaf-signed-weakly", f"with {', '.join(sorted(filter(None, bad)))}" if bad else None
    )


def _serials(leaves: Sequence[Certificate]) -> Answer:
    if len(leaves) == 1:
        return Answer(test="serial-predictable", outcome="unclear", seen="one leaf was seen")
    serials = {leaf.serial for leaf in leaves}
    if any(serial < 0 for serial in serials):
        return _said("serial-predictable", "one is negative, which no certificate's may be")
    if len(serials) < min(len(leaves), _ENOUGH):
        if len(serials) < len(leaves):
            return _said("serial-predictable", f"{len(leaves)} leaves, {len(serials)} serials")
        return Answer(
            test="serial-predictable", outcome="unclear", seen=f"{len(serials)} were seen"
        )
    longest = max(serial.bit_length() for serial in serials)
    # One bit of 64 is lost to the sign, some to leading zeros.
    if longest < _RANDOM_BITS - _SHORT:
        return _said("serial-predictable", f"the longest of {len(serials)} has {longest} bits")
    ordered = sorted(serials)
    span = ordered[-1] - ordered[0]
    if span.bit_length() < _RANDOM_BITS - 2 * _SHORT:
        return _said("serial-predictable", f"{len(serials)} lie within {span.bit_length()} bits")
    return _said("serial-predictable", None, f"{len(serials)} of up to {longest} bits")


def _long(leaves: Sequence[Certificate]) -> Answer:
    for leaf in leaves:
        days = (leaf.not_after - leaf.not_before).days
        most = longest_validity(leaf.not_before)
        if days > most:
            return _said("leaf-long-lived", f"{days} days, where public ones may have {most}")
    return _said("leaf-long-lived", None)


def _scts(leaves: Sequence[Certificate]) -> Answer:
    for leaf in leaves:
        if any(name == "SCT" for name, _, _ in leaf.extensions):
            return _said("scts-copied", "a leaf bears SCTs, which no log gave for it")
    return _said("scts-copied", None)
