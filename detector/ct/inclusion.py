"""Is a leaf in a public log? Checks an inclusion proof against a log's own signed tree head.

Rules
-----
1. The proof is about an SCT of the leaf, embedded or sent beside it, that verifies under the log's key.
2. The tree head is signed by that same key, and not older than the SCT.
3. The entry's hash is computed here, from the leaf and its issuer: the log says only where it is.
4. In a static-ct log that place is the SCT's own leaf_index.

Whoever delivers a proof cannot forge it, so the way it came does not matter.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from detector.chain.certificate import Certificate
from detector.chain.precertificate import without_scts
from detector.chain.sct import CTLog, Sct, SctResult, signed_certificate_input, signed_input
from detector.ct.merkle import is_included, leaf_hash
from detector.ct.tree_head import TreeHead, is_signed, parse_checkpoint, parse_sth
from detector.errors import WireError
from detector.model.observation import InclusionProof

InclusionStatus = Literal[
    "included",
    "no-such-sct",  # the leaf has no valid SCT of that log
    "bad-head",  # cannot be read, or is not signed by the log
    "old-head",  # signed before the SCT was
    "wrong-index",  # not where the SCT says the entry is
    "wrong-path",  # does not lead to the signed root
]


class Inclusion(msgspec.Struct, frozen=True):
    """What one proof is worth."""

    status: InclusionStatus
    log: CTLog | None = None
    index: int = 0
    size: int = 0


def check_inclusion(
    proof: InclusionProof, leaf: Certificate, issuer: Certificate, scts: tuple[SctResult, ...]
) -> Inclusion:
    """Check one proof. `scts` are the leaf's own, already checked. Never raises."""
    for result in scts:
        if result.log is None or result.status != "valid" or result.sct.log_id != proof.log_id:
            continue
        return _check(proof, result.sct, result.log, entry_hash(result, leaf, issuer))
    return Inclusion("no-such-sct")


def entry_hash(result: SctResult, leaf: Certificate, issuer: Certificate) -> bytes:
    """Merkle leaf hash of the entry that a valid SCT is for (RFC 6962 section 3.4).

    A MerkleTreeLeaf and the input of an SCT's signature are the same bytes. Raises CertificateError
    where `leaf` cannot be walked.
    """
    if not result.embedded:
        return leaf_hash(signed_certificate_input(result.sct, leaf.der))
    key = bytes.fromhex(issuer.spki_sha256)
    return leaf_hash(signed_input(result.sct, key, without_scts(leaf)))


def read_head(proof: InclusionProof) -> TreeHead:
    """The proof's tree head, not yet trusted. Raises WireError."""
    if proof.form == "static-ct":
        return parse_checkpoint(proof.head, proof.log_id)
    return parse_sth(proof.head)


def _check(proof: InclusionProof, sct: Sct, log: CTLog, entry: bytes) -> Inclusion:
    try:
        head = read_head(proof)
    except WireError:
        return Inclusion("bad-head", log)
    if not is_signed(head, log):
        return Inclusion("bad-head", log)
    if head.timestamp_ms < sct.timestamp_ms:
        return Inclusion("old-head", log)
    if proof.form == "static-ct" and sct.leaf_index != proof.index:
        return Inclusion("wrong-index", log)
    if not is_included(entry, proof.index, head.size, proof.path, head.root):
        return Inclusion("wrong-path", log)
    return Inclusion("included", log, proof.index, head.size)
