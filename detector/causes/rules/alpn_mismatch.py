"""alpn-mismatch: client and server have no application protocol in common (RFC 7301 section 3.2)."""

from __future__ import annotations

from detector.causes.clues import Claim, Clues
from detector.errors import WireError
from detector.model.inquiry import Trial
from detector.wire.hello import parse_client_hello


def find(clues: Clues) -> Claim | None:
    odd = _unasked(clues)
    if odd is not None:
        return odd
    plain = clues.trial("plain")
    if plain is None or clues.welcome or plain.answered or not clues.answers("no-alpn"):
        return None
    text = "The server speaks none of the protocols that were offered, h2 and http/1.1."
    return Claim("error", text, (clues.compared("plain", "no-alpn"),))


def _unasked(clues: Clues) -> Claim | None:
    """RFC 7301 section 3.2: the server picks one of the client's; everybody ends the handshake where it does not."""
    trial = clues.heard
    if trial is None or trial.alpn is None or clues.completed or not trial.sent:
        return None  # of a capture: its client knows what it offered
    if trial.alpn in _offered(trial):
        return None
    text = f"The server chooses the protocol {trial.alpn!r}, which was not offered; clients then break off."
    offered = ", ".join(_offered(trial)) or "none"
    return Claim("error", text, (f"Offered: {offered}.",))


def _offered(trial: Trial) -> tuple[str, ...]:
    try:
        return tuple(name.decode("latin-1") for name in parse_client_hello(trial.sent[4:]).alpn)
    except WireError:
        return ()
