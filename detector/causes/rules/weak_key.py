"""weak-key: a key that can be broken (RFC 9325 section 4.5; NIST SP 800-57: 112 bits of strength)."""

from __future__ import annotations

import re
from functools import cache

from detector.causes.clues import Claim, Clues
from detector.chain.shape import key_kind


def find(clues: Clues) -> Claim | None:
    if clues.seen is not None:
        for certificate in clues.seen.path.certificates:
            kind = key_kind(certificate.spki)
            if _is_weak(kind):
                whose = (
                    "The certificate's"
                    if certificate == clues.seen.leaf
                    else certificate.subject_text + "'s"
                )
                text = f"{whose} key is too short: {kind.upper()}."
                return Claim(
                    "error", text, ("OpenSSL at its default level, Go and browsers refuse it.",)
                )
    return _short_prime(clues)


def _short_prime(clues: Clues) -> Claim | None:
    trial = clues.trial("dhe")
    if trial is None or trial.dh_bits is None or trial.dh_bits >= 2048:
        return None
    text = f"The Diffie-Hellman prime has {trial.dh_bits} bits."
    if clues.welcome:
        return Claim("warning", text, ("Other key exchanges are offered beside it.",))
    return Claim(
        "error", text, ("The server offers no other key exchange; OpenSSL says dh key too small.",)
    )


@cache  # of a few dozen kinds
def _is_weak(kind: str) -> bool:
    found = re.fullmatch(r"(rsa|dsa)(\d+)", kind)
    if found:
        return int(found[2]) < 2048
    curve = re.search(r"(\d{3})", kind) if kind.startswith("ec-") else None
    return curve is not None and int(curve[1]) < 224
