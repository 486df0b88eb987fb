"""weak-signature: MD5 or SHA-1 vouches for a certificate or for the handshake (RFC 9155, RFC 6194)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.chain.signature import signature_hash


def find(clues: Clues) -> Claim | None:
    if clues.seen is not None:
        for certificate in clues.seen.path.certificates:
            if certificate.is_self_issued:
                continue  # nobody asks who signed a root
            name = signature_hash(certificate)
            if name in ("md5", "sha1"):
                text = f"{certificate.subject_text} is signed with {name.upper().replace('SHA1', 'SHA-1')}."
                return Claim(
                    "error", text, ("Browsers, Java, Go and OpenSSL 3 refuse such signatures.",)
                )
    if clues.welcome or not clues.fails("plain") or not clues.serves("all-schemes"):
        return None
    text = "The server signs the handshake only with an algorithm that clients no longer offer."
    return Claim("error", text, (clues.compared("plain", "all-schemes"),))
