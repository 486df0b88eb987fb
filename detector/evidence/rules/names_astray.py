"""names-astray: names of well-known public sites lead to inner addresses here, so an address makes nothing internal.

A gateway's resolver, a hosts file, a portal, a sinkhole. The host's own address, which would make a private
CA expected, is as likely one of theirs.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence


def find(seen: Examination, sharing: Sharing) -> Evidence | None:
    if not sharing.astray or not seen.at_inner_address or seen.declared_internal:
        return None
    if seen.is_public_path or seen.expected_private is not None:
        return None
    places = ", ".join(f"{host} to {ip}" for host, ip in sharing.astray)
    text = f"Here names of public sites lead to inner addresses ({places}): no address excuses."
    details = {"hosts": [host for host, _ in sharing.astray]}
    return Evidence("names-astray", "intercepted", "strong", text, details)
