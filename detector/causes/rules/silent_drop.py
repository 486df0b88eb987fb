"""silent-drop: the connection stands, and nothing comes back (RFC 8446 section 4.1.2).

Once a ServerHello has come no filter has swallowed the hello. What follows it are the certificates, the first
thing in a handshake that fills several packets: a path that loses large ones (RFC 4821) stops there too. Where
another hello brought the certificates to light, the path carries them, and the server hangs.
"""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.model.observation import Party

_FIX = (
    "Look for a server that hangs after its hello (a slow key module, a look-up), or a path that loses large"
    " packets, as those with the certificates are (MTU)."
)


def find(clues: Clues) -> Claim | None:
    text = clues.failed_with("silent-drop")
    if text is None:
        shunned = clues.shunned("silent")
        return Claim("error", shunned, clues.flips_told) if shunned is not None else None
    if clues.observation.handshake is None:
        return Claim("error", text, clues.flips_told)
    came = f"{len(clues.observation.server_bytes)} bytes came, a ServerHello first."
    carried = any(trial.chain for trial in clues.trials.values())
    party: Party | None = "server" if carried else None
    return Claim("error", text, (came, *clues.flips_told), party, _FIX)
