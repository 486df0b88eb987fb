"""What of a judgement is kept as a reading of the path. Pure."""

from __future__ import annotations

from detector.chain.names import as_address
from detector.errors import CertificateError
from detector.evidence.examination import Examination
from detector.judging.judge import examine
from detector.known.knowledge import Knowledge
from detector.model.harmless import harmless
from detector.model.observation import Failure, Judgement, Observation
from detector.model.paths import BrowserGot, Family, PathReading
from detector.wire.registry import is_grease
from detector.wire.transcript import read_transcript

# A name in a certificate may be as long as its sender likes.
_LONGEST = 200


def reading_of(
    judgement: Judgement, known: Knowledge, hello: tuple[str, ...] | None = None
) -> PathReading:
    """The reading; `hello` is what an echo server says was changed in ours."""
    seen = judgement.observation
    examined = examine(seen, known)
    done, browser = seen.handshake, seen.browser
    who = judgement.interceptor if judgement.verdict == "intercepted" else None
    return PathReading(
        verdict=judgement.verdict,
        failure=seen.failure.cause if seen.failure is not None else "",
        who=_short((who.product or who.engine or who.issuer) if who is not None else ""),
        engine=_short((who.engine or "") if who is not None else ""),
        sanctioned=judgement.sanctioned,
        issuer=_short(examined.leaf.issuer_text) if examined is not None else "",
        issuer_key=_private_key(examined) if examined is not None else "",
        route=seen.route.kind,
        proxy=seen.route.proxy or "",
        family=_family(seen),
        inner=examined is not None and _is_led_inwards(examined),
        version=(done.version or "") if done is not None else "",
        alpn=(done.alpn or "") if done is not None else "",
        server_hello=_order(seen.server_bytes),
        browser=None if browser is None else BrowserGot(browser.version, browser.group or "", browser.alpn or ""),
        hello=hello,
    )  # fmt: skip


def tells_of_the_path(failure: Failure | None) -> bool:
    """A peer ended it, so it is no weather of this machine's own network: a name that nobody resolves, a time-out."""
    if failure is None or failure.why:
        return False
    return (
        failure.how in ("rst", "alert", "refused")
        or failure.spoke is not None
        or (failure.proxy is not None and failure.proxy.status is not None)
    )


def _private_key(seen: Examination) -> str:
    try:
        return "" if seen.is_public_path else seen.issuer_spki_sha256 or ""
    except CertificateError:
        return ""


def _is_led_inwards(seen: Examination) -> bool:
    try:
        return seen.at_inner_address and not seen.declared_internal
    except CertificateError:
        return False


def _family(seen: Observation) -> Family:
    address = as_address(seen.target.ip) if seen.target.ip else None
    if address is None:
        return ""
    return "IPv4" if address.version == 4 else "IPv6"


def _order(server_bytes: bytes) -> tuple[int, ...]:
    hello = read_transcript(b"", server_bytes).server_hello if server_bytes else None
    kinds = hello.extensions or () if hello is not None else ()
    return tuple(kind for kind, _ in kinds if not is_grease(kind))


def _short(text: str) -> str:
    return harmless(text)[:_LONGEST]
