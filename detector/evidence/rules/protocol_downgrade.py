"""protocol-downgrade: protocol features are gone that the host has otherwise.

Many interceptors speak an older TLS to the client, or lose HTTP/2; so do servers that changed.
"""

from __future__ import annotations

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence

_ORDER = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def find(seen: Examination, _: Sharing) -> Evidence | None:
    base, handshake = seen.baseline, seen.observation.handshake
    if base is None or handshake is None or not handshake.completed:
        return None
    lost: list[str] = []
    before, now = base.version, handshake.version
    if before in _ORDER and now in _ORDER and _ORDER.index(now) < _ORDER.index(before):
        lost.append(f"{before} became {now}")
    if base.alpn == "h2" and handshake.alpn != "h2":
        lost.append(f"h2 became {handshake.alpn or 'no ALPN'}")
    if not lost:
        return None
    where = "without the proxy" if base.source == "direct" else "earlier"
    text = f"Against what the host offered {where}: {', '.join(lost)}."
    details = {"lost": lost, "source": base.source}
    return Evidence("protocol-downgrade", "intercepted", "weak", text, details)
