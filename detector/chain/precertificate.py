"""The TBSCertificate that a log signed: without the SCT list (RFC 6962 section 3.2).

It is cut out of the bytes that were sent, and only the lengths around the cut are written again. So
oddities that a strict parser refuses (an explicit FALSE, a negative serial) stay as the log saw them.
"""

from __future__ import annotations

from functools import lru_cache

from detector.chain import der
from detector.chain.certificate import Certificate

_SCT_LIST = bytes.fromhex("060a2b06010401d679020402")  # 1.3.6.1.4.1.11129.2.4.2


@lru_cache(maxsize=4)
def without_scts(leaf: Certificate) -> bytes:
    """The leaf's TBSCertificate (DER) without its SCT list; as it is where there is none.

    Raises CertificateError where the certificate cannot be walked.
    """
    tbs = leaf.tbs
    start, end = der.expect(tbs, 0, len(tbs), der.SEQUENCE, "TBSCertificate")
    at = start
    while at < end:
        tag, first, last = der.element(tbs, at, end)
        if tag == 0xA3:
            kept = _kept(tbs, first, last)
            wrapped = der.encode(0xA3, der.encode(der.SEQUENCE, kept)) if kept else b""
            return der.encode(der.SEQUENCE, tbs[start:at] + wrapped + tbs[last:end])
        at = last
    return tbs


def _kept(tbs: bytes, first: int, last: int) -> bytes:
    """The extensions that remain, one after another."""
    at, end = der.expect(tbs, first, last, der.SEQUENCE, "extensions")
    kept: list[bytes] = []
    while at < end:
        _, start, stop = der.element(tbs, at, end)
        if not tbs.startswith(_SCT_LIST, start):
            kept.append(tbs[at:stop])
        at = stop
    return b"".join(kept)
