"""large-hello-dropped: a ClientHello that does not fit into one packet is lost.

X25519MLKEM768 makes every browser's hello that large (RFC 8446 section 4.2.8; tldr.fail).
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues


def find(clues: Clues) -> Claim | None:
    if not clues.greeted or not clues.cut("large"):
        return None
    sizes = f"{clues.trials['large'].size} bytes against {clues.trials['plain'].size}"
    evidence = (clues.compared("large", "plain"), f"The two hellos have {sizes}.")
    if clues.harm == "note":
        text = "A ClientHello that is padded to a browser's size fails, a browser's own does not."
        return Claim("note", text, evidence, "server")
    text = "Large ClientHellos, as browsers send them, do not get through."
    return Claim("error", text, evidence)
