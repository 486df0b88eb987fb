"""TLS alerts: IANA's registry of descriptions (TLS Alerts, RFC 8446 section 6 and successors)."""

from __future__ import annotations

import re

import msgspec

from detector.errors import WireError

NAMES: dict[int, str] = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",  # RFC 5246, reserved
    22: "record_overflow",
    30: "decompression_failure",  # RFC 5246, reserved
    40: "handshake_failure",
    41: "no_certificate",  # SSL 3.0, reserved
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    52: "too_many_cids_requested",  # RFC 9147
    60: "export_restriction",  # RFC 2246, reserved
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",  # RFC 7507
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",  # RFC 6066
    112: "unrecognized_name",  # RFC 6066
    113: "bad_certificate_status_response",  # RFC 6066
    114: "bad_certificate_hash_value",  # RFC 6066
    115: "unknown_psk_identity",  # RFC 4279
    116: "certificate_required",
    117: "general_error",  # RFC 9846 (8446bis)
    120: "no_application_protocol",  # RFC 7301
    121: "ech_required",
}

WARNING, FATAL = 1, 2
_RECEIVED = re.compile(r"(?:SSLV3|TLSV1|TLSV13|TLS)_ALERT_(.+)")


class WireAlert(msgspec.Struct, frozen=True):
    """Level (1 warning, 2 fatal, else as sent) and description."""

    level: int
    code: int

    @property
    def name(self) -> str:
        return alert_name(self.code)


def alert_name(code: int) -> str:
    """The registered name, or "alert(N)" for a number without one."""
    return NAMES.get(code, f"alert({code})")


def alert_of_reason(reason: str) -> int | None:
    """The alert that one of OpenSSL's reasons says was received, e.g. "TLSV1_ALERT_UNKNOWN_CA"; None for
    other reasons, internal_error for an alert whose name is not known.
    """
    found = _RECEIVED.fullmatch(reason)
    if found is None:
        return None
    wanted = found[1].lower()
    return next((code for code, known in NAMES.items() if known == wanted), 80)


def parse_alerts(payload: bytes, base: int = 0) -> tuple[WireAlert, ...]:
    """Alerts in one plaintext alert record (two bytes each). Raises WireError on a cut one."""
    if not payload or len(payload) % 2:
        raise WireError(f"alert record of {len(payload)} bytes", base)
    return tuple(WireAlert(payload[i], payload[i + 1]) for i in range(0, len(payload), 2))
