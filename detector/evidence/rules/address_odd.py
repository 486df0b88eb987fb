"""address-odd: a host that is known to be public was led to an address that is not of the public internet.

A resolver or a hosts file sends it somewhere else: a tool on this machine, a gateway, a sinkhole. It excuses
no private chain. An owner's inner view looks the same, so it decides nothing.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if not seen.standing or not seen.at_inner_address or seen.declared_internal:
        return None
    ip = seen.observation.target.ip
    text = f"{seen.host} is a public site, but its name leads to {ip}."
    return Evidence("address-odd", "intercepted", "weak", text, {"ip": ip})
