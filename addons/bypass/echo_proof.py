"""Does a bypass bypass? What became of hellos to an echo server through the proxy. Pure.

A hello that arrives byte for byte cannot have been answered by anybody but the server: the handshake's keys come from it.
No other way is needed to compare with, and no certificate is looked at, so an echo server stands for any host of a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from addons.bypass.proof import SCHEMA, Proof, Reason, Same, State
from detector.forensics.echoed import EchoedHello, Fate

_NOTHING = Same(None, None, None, None)


def echo_proof(
    at: datetime, host: str, port: int, fate: Fate, hellos: Sequence[EchoedHello], *, signed: bool
) -> Proof:
    """What they say of the bypass.

    Args:
        at: when they were sent.
        host: the echo server's.
        port: the echo server's.
        fate: the worst of them.
        hellos: each of them.
        signed: the server's word was proven by its key.

    """
    first = next((one for one in hellos if one.fate == fate), None)
    by: str | None = None
    state: State = "cannot-tell"
    reason: Reason
    if fate == "nothing" or not signed:
        reason = "no-echo"
        why = first.why if first is not None and fate == "nothing" else ""
        text = f"cannot tell: {why or 'what the server said is not proven'}"
    elif fate == "unchanged":
        state, reason = "passes", "same-hello"
        count = sum(one.fate == "unchanged" for one in hellos)
        text = f"passes: {count} hello{'s' * (count != 1)} arrived byte for byte"
    elif fate == "rewritten":
        state, reason = "decrypted", "other-hello"
        by = (first.written_by if first is not None else None) or "somebody unknown"
        text = f"still decrypted by {by}: the hello that arrived is not the client's"
    else:
        reason = "changed-hello"
        told = first.differences[0].text if first is not None and first.differences else ""
        text = f"cannot tell: the hello is the client's, and not as it was sent. {told}".rstrip()
    return Proof(SCHEMA, at, host, port, None, state, reason, text, by, _NOTHING)
