"""protocol-downgrade: protocol features are gone that the host has otherwise.

Many interceptors speak an older TLS to the client, or lose HTTP/2; gateways that open TLS 1.3 strip the hybrid key
exchange, which they cannot do themselves. So do servers that changed, and fronts whose machines are not all alike.

The handshake is compared with that of the other way, or of an earlier run. Where both ways were asked at one
time with the hello of today's browsers, their answers are compared too: this machine's own library may offer less.
"""

from __future__ import annotations

from datetime import timedelta

from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.model.observation import BrowserAnswer, Evidence

_ORDER = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
# ECDHE joined with ML-KEM (draft-ietf-tls-ecdhe-mlkem), and its forerunner.
_HYBRID = frozenset(
    ("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "X25519Kyber768Draft00")
)
_ONE_TIME = timedelta(minutes=1)


def find(seen: Examination, _: Sharing) -> Evidence | None:
    base, handshake = seen.baseline, seen.observation.handshake
    if base is None or handshake is None or not handshake.completed:
        return None
    lost = _lost((base.version, base.alpn), (handshake.version, handshake.alpn))
    other, here = base.browser, seen.observation.browser
    if other is not None and here is not None and abs(other.at - here.at) <= _ONE_TIME:
        lost += [one for one in _lost_to_browsers(other, here) if one not in lost]
    if not lost:
        return None
    where = "without the proxy" if base.source == "direct" else "earlier"
    text = f"Against what the host offered {where}: {', '.join(lost)}."
    details = {"lost": lost, "source": base.source}
    return Evidence("protocol-downgrade", "intercepted", "weak", text, details)


def _lost_to_browsers(other: BrowserAnswer, here: BrowserAnswer) -> list[str]:
    hidden = here.version == "TLSv1.3" and here.alpn is None
    alpn = other.alpn if hidden else here.alpn
    lost = _lost((other.version, other.alpn), (here.version, alpn))
    if other.group in _HYBRID and here.group not in _HYBRID:
        lost.append(f"{other.group} became {here.group or 'no key exchange of TLS 1.3'}")
    return lost


def _lost(before: tuple[str | None, str | None], now: tuple[str | None, str | None]) -> list[str]:
    """Of version and ALPN what is less now."""
    lost: list[str] = []
    old, new = before[0], now[0]
    if old in _ORDER and new in _ORDER and _ORDER.index(new) < _ORDER.index(old):
        lost.append(f"{old} became {new}")
    if before[1] == "h2" and now[1] != "h2":
        lost.append(f"h2 became {now[1] or 'no ALPN'}")
    return lost
