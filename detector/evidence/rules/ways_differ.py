"""ways-differ: the host shows a public chain by one of its ways, and none by another.

A gateway that decrypts TCP alone leaves HTTP/3 as it is, one that knows IPv4 alone leaves IPv6. Two public chains
may differ: large hosts have several. Weak: a host's second address is now and then forgotten, and serves its old
or a self-signed certificate.
"""

from __future__ import annotations

from dataclasses import replace

from detector.errors import CertificateError
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence, OtherWay, Way

_NAMES: dict[Way, str] = {"ipv4": "over IPv4", "ipv6": "over IPv6", "http3": "over HTTP/3"}


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if not seen.observation.other_ways:
        return None
    here = _is_public(seen)
    others = [(one, _by(seen, one)) for one in seen.observation.other_ways]
    differing = [one for one, public in others if None not in (here, public) and public != here]
    if not differing:
        return None
    names = " and ".join(_NAMES[one.way] for one in differing)
    if here:
        text = f"By this way the chain is public, {names} the host shows one that is not."
    else:
        text = f"By this way the chain is not public, {names} the host shows one that is."
    details = {"public_here": here, "ways": {one.way: one.ip for one in differing}}
    return Evidence("ways-differ", "intercepted", "weak", text, details)


def _by(seen: Examination, other: OtherWay) -> bool | None:
    if not other.chain:
        return None
    try:
        return _is_public(Examination(replace(seen.observation, chain=other.chain), seen.known))
    except CertificateError:
        return None


def _is_public(seen: Examination) -> bool | None:
    """None where the issuer is missing and could be a public one."""
    missing = seen.path.kind == "incomplete" and seen.looks_public
    return None if missing else seen.is_public_path
