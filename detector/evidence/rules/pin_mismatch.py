"""pin-mismatch: keys are pinned for the host, and none of them is on the path.

Proof on a path that is private and known to its end. A public one may be an ordinary renewal that
the pin's owner forgot to announce, and where the path breaks off, because an issuer was not sent or
a signature cannot be checked, the pinned key may be the one that is missing: strong only. A key known
to be the host's own is not missing; a CA that the policy names may have renewed; and where the path runs through a certificate that may not issue,
nothing beyond could help. Behind one that is out of date the pinned key is no match, but is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from detector.chain.signature import is_signed_by
from detector.evidence.examination import Examination
from detector.evidence.pins import matched_key, pins_in_force
from detector.evidence.sharing import Sharing
from detector.known.knowledge import Pin
from detector.model.observation import Evidence, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    pins = pins_in_force(seen) if seen.known.pins else ()
    if not pins or any(matched_key(seen, pin) is not None for pin in pins):
        return None
    expected = sorted({key for pin in pins for key in (*pin.keys, *pin.issuers)})
    presented = [certificate.spki_sha256 for certificate in seen.path.certificates]
    outdated = not set(expected).isdisjoint(c.spki_sha256 for c in seen.once_lawful_path)
    open_case = (
        seen.is_public_path
        or seen.expected_private is not None
        or seen.undecided_root
        or _may_be_missing(seen, pins)
    )
    strength: Strength = "strong" if open_case or outdated else "proof"
    if outdated and len(seen.lawful_path) < len(seen.once_lawful_path):
        text = f"A key pinned for {seen.host} stands behind a certificate that is out of date."
    elif set(expected) & set(presented[len(seen.lawful_path) :]):
        barred = seen.path.certificates[len(seen.lawful_path)].subject_text
        text = f"A key pinned for {seen.host} stands behind a certificate that may not issue for it"
        text += f" ({barred})."
    elif any(set(pin.keys) & set(presented) for pin in pins):
        text = f"The pinned key is on the path, but no issuer that the pin for {seen.host} allows."
    elif any(pin.keys for pin in pins):
        text = f"None of the keys pinned for {seen.host} is on the path."
    else:
        text = f"None of the issuers that the pin for {seen.host} allows is on the path."
    owners = sorted({owner for pin in pins for owner in pin.owners})
    details = {"expected": expected, "presented": presented} | (
        {"owners": owners} if owners else {}
    )
    return Evidence("pin-mismatch", "intercepted", strength, text, details)


def _may_be_missing(seen: Examination, pins: Sequence[Pin]) -> bool:
    """Whether a pinned key may be that of an issuer which was not sent, or could not be checked."""
    if seen.path.kind != "incomplete" or seen.shape.leaf_key_is_issuer_key:
        return False
    if len(seen.once_lawful_path) < len(seen.path.certificates) or _signer_was_sent(seen):
        return False
    return seen.looks_public or not all(_of_leaf(pin) for pin in pins)


def _signer_was_sent(seen: Examination) -> bool:
    """Who signed is there, but is no CA: the path breaks off, and nothing is missing."""
    last = seen.path.certificates[-1]
    return any(is_signed_by(last, c.spki) for c in seen.sent if c not in seen.path.certificates)


def _of_leaf(pin: Pin) -> bool:
    """Whether nothing but the host's own key is pinned. Of keys a person wrote nobody can tell."""
    own = {pin.learned.leaf} if pin.learned is not None else set()
    return not pin.issuers and not pin.owners and set(pin.keys) <= own
