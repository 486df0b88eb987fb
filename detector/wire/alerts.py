"""TLS alerts on the wire (RFC 8446 section 6); what each means is in `detector.model.alerts`."""

from __future__ import annotations

import re

import msgspec

from detector.errors import WireError
from detector.model.alerts import NAMES

WARNING, FATAL = 1, 2
MAX_ALERTS = 16  # of one side in clear; an honest one ends with its first or second
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
