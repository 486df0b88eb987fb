"""TLS alerts: one row a description, with what it means to each side that receives it.

Rules
-----
1. An alert is the sender's complaint about the receiver (RFC 8446 section 6): the same number means opposite
   things on the two sides, so a row has a column for each receiver.
2. The causes of a column are in the order of likelihood: a plain one is likely, with "?" possible, with "??"
   unlikely.
3. `old` replaces the client's column where its hello offered nothing later than TLS 1.1: then most refusals are
   about the version.
4. What is known of the connection can refute a cause (nobody rejects a certificate that was never shown) or
   put it in front (one was asked for, and none shown), and never adds one. Where nothing is known, all of the
   column stands.

`check`, `diagnose`, `pcap`, `logs`, `explain` and the addon ask `meanings`, so that an alert means the same
everywhere.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import msgspec
from msgspec import structs

Likelihood = Literal["likely", "possible", "unlikely"]
LIKELIHOODS: tuple[Likelihood, ...] = ("likely", "possible", "unlikely")
# Who received the alert, or wrote a message: the same words mean opposite things on the two sides.
Side = Literal["client", "server"]

OTHER = "other-alert"
_WANTED = "client-certificate-required"
_SAYS_THAT_IT_ASKED = 116  # certificate_required (RFC 8446 section 6.2)
_TLS12 = 0x0303


class Meaning(msgspec.Struct, frozen=True):
    """A cause that an alert or a message can have."""

    cause: str
    likelihood: Likelihood


class AlertContext(msgspec.Struct, frozen=True):
    """What is known of the connection when the alert came; None where nothing is.

    Attributes:
        offered: highest version in the client's hello, as a code point.
        named: the hello had a server name.
        protocols: the hello had application protocols.
        asked: the server asked for a client certificate.
        shown: the client showed one.
        answered: the server had chosen a version and a suite before.

    """

    offered: int | None = None
    named: bool | None = None
    protocols: bool | None = None
    asked: bool | None = None
    shown: bool | None = None
    answered: bool | None = None


class AlertRow(msgspec.Struct, frozen=True):
    """One description of IANA's registry."""

    code: int
    name: str
    source: str
    client: str = OTHER
    server: str = OTHER
    old: str = ""


_REJECTED = "client-certificate-rejected, ??client-certificate-required, ??other-alert"

_ROWS: tuple[AlertRow, ...] = (
    AlertRow(0, "close_notify", "RFC 8446", "closed-during-handshake", "closed-during-handshake"),
    AlertRow(10, "unexpected_message", "RFC 8446"),
    AlertRow(20, "bad_record_mac", "RFC 8446"),
    AlertRow(21, "decryption_failed", "RFC 5246, reserved"),
    AlertRow(22, "record_overflow", "RFC 8446"),
    AlertRow(30, "decompression_failure", "RFC 5246, reserved"),
    AlertRow(
        40, "handshake_failure", "RFC 8446",
        "no-shared-cipher, ?client-certificate-required, ?version-mismatch, ?sni-required, ??no-shared-group",
        "no-shared-cipher, ?legacy-renegotiation, ?client-certificate-rejected",
        "version-mismatch, ?no-shared-cipher",
    ),
    AlertRow(41, "no_certificate", "SSL 3.0, reserved"),
    AlertRow(
        42, "bad_certificate", "RFC 8446", _REJECTED,
        "untrusted-root, hostname-mismatch, ?certificate-expired, ?certificate-not-yet-valid,"
        " ?certificate-pinned, ?tls-intercepted",
    ),
    AlertRow(43, "unsupported_certificate", "RFC 8446", _REJECTED, "wrong-usage, ?weak-signature"),
    AlertRow(44, "certificate_revoked", "RFC 8446", _REJECTED, "certificate-revoked"),
    AlertRow(45, "certificate_expired", "RFC 8446", _REJECTED,
             "certificate-expired, ?client-clock-wrong"),
    AlertRow(
        46, "certificate_unknown", "RFC 8446", _REJECTED,
        "untrusted-root, ?certificate-pinned, ?hostname-mismatch, ?tls-intercepted",
    ),
    AlertRow(47, "illegal_parameter", "RFC 8446",
             "other-alert, ?tls-intercepted, ?large-hello-dropped"),
    AlertRow(
        48, "unknown_ca", "RFC 8446", _REJECTED,
        "untrusted-root, incomplete-chain, ?client-lacks-ca, ?certificate-pinned, ?tls-intercepted",
    ),
    AlertRow(49, "access_denied", "RFC 8446",
             "client-certificate-rejected, other-alert, ??client-certificate-required"),
    AlertRow(50, "decode_error", "RFC 8446", "other-alert, ?tls13-intolerant"),
    AlertRow(51, "decrypt_error", "RFC 8446", "client-certificate-rejected, other-alert"),
    AlertRow(52, "too_many_cids_requested", "RFC 9147"),
    AlertRow(60, "export_restriction", "RFC 2246, reserved"),
    AlertRow(70, "protocol_version", "RFC 8446", "version-mismatch", "version-mismatch"),
    AlertRow(71, "insufficient_security", "RFC 8446", "no-shared-cipher, weak-cipher-only",
             "weak-cipher-only, ?weak-key", "version-mismatch, ?no-shared-cipher"),
    AlertRow(80, "internal_error", "RFC 8446",
             "other-alert, ?sni-unrecognized, ?client-certificate-required"),
    AlertRow(86, "inappropriate_fallback", "RFC 7507", "version-mismatch", "version-mismatch"),
    AlertRow(90, "user_canceled", "RFC 8446"),
    AlertRow(100, "no_renegotiation", "RFC 5246", "legacy-renegotiation", "legacy-renegotiation"),
    AlertRow(109, "missing_extension", "RFC 8446", "sni-required, other-alert"),
    AlertRow(110, "unsupported_extension", "RFC 8446"),
    AlertRow(111, "certificate_unobtainable", "RFC 6066"),
    AlertRow(112, "unrecognized_name", "RFC 6066", "sni-unrecognized, ?sni-required",
             "sni-unrecognized"),
    AlertRow(113, "bad_certificate_status_response", "RFC 6066", server="must-staple-missing"),
    AlertRow(114, "bad_certificate_hash_value", "RFC 6066"),
    AlertRow(115, "unknown_psk_identity", "RFC 4279"),
    AlertRow(116, "certificate_required", "RFC 8446", "client-certificate-required",
             "client-certificate-required"),
    AlertRow(117, "general_error", "RFC 9846"),
    AlertRow(120, "no_application_protocol", "RFC 7301", "alpn-mismatch", "alpn-mismatch"),
    AlertRow(121, "ech_required", "RFC 9849"),
)  # fmt: skip

NAMES: dict[int, str] = {row.code: row.name for row in _ROWS}
_BY_CODE = {row.code: row for row in _ROWS}
_NOTHING_KNOWN = AlertContext()


def meanings(
    code: int, receiver: Side, context: AlertContext = _NOTHING_KNOWN
) -> tuple[Meaning, ...]:
    """Causes of a received alert, the likeliest first; never empty.

    Args:
        code: the description.
        receiver: who received it; the other side complains.
        context: what is known of the connection.

    """
    row = _BY_CODE.get(code)
    if row is None:
        return _column(OTHER)
    if code == _SAYS_THAT_IT_ASKED:
        context = structs.replace(context, asked=True)
    column = row.client if receiver == "client" else row.server
    if receiver == "client" and row.old and (context.offered or _TLS12) < _TLS12:
        column = row.old
    kept = [m for m in _column(column) if not _refuted(m.cause, receiver, context)]
    if receiver == "client" and context.asked and not context.shown:
        kept.sort(key=lambda m: m.cause != _WANTED)
    return tuple(kept) or _column(OTHER)


def rows() -> tuple[AlertRow, ...]:
    """The table, for documentation and tests."""
    return _ROWS


def _refuted(cause: str, receiver: Side, context: AlertContext) -> bool:
    """What is known of the connection speaks against the cause."""
    if receiver != "client":
        return cause == "client-certificate-rejected" and context.shown is False
    if cause == "client-certificate-rejected":
        return context.shown is False
    if cause == _WANTED:
        return context.asked is False or context.shown is True
    if cause in ("no-shared-cipher", "weak-cipher-only", "no-shared-group", "version-mismatch"):
        return context.answered is True  # it has agreed to one
    if cause == "sni-required":
        return context.named is True
    if cause == "sni-unrecognized":
        return context.named is False
    return cause == "alpn-mismatch" and context.protocols is False


@cache
def _column(text: str) -> tuple[Meaning, ...]:
    found: list[Meaning] = []
    for part in text.split(","):
        marked = part.strip()
        cause = marked.lstrip("?")
        found.append(Meaning(cause, LIKELIHOODS[min(len(marked) - len(cause), 2)]))
    return tuple(found)
