"""hostname-mismatch: the certificate is for other names (RFC 9525 section 6).

It does not apply where nobody asked for a name.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    seen = clues.seen
    if seen is None or seen.holds_name or not clues.observation.asks_for_name:
        return None
    names = (*seen.leaf.dns_names, *seen.leaf.ip_addresses)
    evidence: list[str] = []
    if names:
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        evidence.append(f"It is for {', '.join(names[:6])}{more}.")
    else:
        evidence.append(
            "It has no subject alternative name at all; a common name counts for nothing."
        )
    for name in names:
        if name.startswith("*.") and clues.host.endswith(name[1:]):
            evidence.append(f"{name} stands for one label only, so not for {clues.host}.")
        if name.startswith("*.") and clues.host == name[2:]:
            evidence.append(f"{name} does not stand for {clues.host} itself.")
    return Claim("error", f"The certificate does not name {clues.host}.", tuple(evidence))
