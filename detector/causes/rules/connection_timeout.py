"""connection-timeout: the first packet is not answered, on all or on some of the name's addresses.

RFC 9293 section 3.8.3; RFC 8305 for names with several addresses.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues, said
from detector.causes.through_proxy import claim


def find(clues: Clues) -> Claim | None:
    behind = claim(clues, "connection-timeout")
    if behind is not None:
        return behind
    failure = clues.failure
    if failure is not None and failure.cause == "connection-timeout" and failure.step == "tcp":
        return Claim("error", f"The connection does not come about: {failure.text}.")
    addresses = clues.inquiry.addresses
    dead = [address for address, trial in addresses.items() if not trial.answered]
    alive = [address for address, trial in addresses.items() if trial.answered]
    if not dead or not alive:
        return None
    evidence = tuple(f"{address}: a hello {said(trial)}." for address, trial in addresses.items())
    text = f"{len(dead)} of the name's {len(addresses)} addresses do not serve it."
    return Claim(
        "warning", text, evidence, "server", "Mend these addresses, or take them out of DNS."
    )
