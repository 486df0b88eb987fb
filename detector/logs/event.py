"""One failed handshake as a server's log has it."""

from __future__ import annotations

from typing import Literal

import msgspec

Complainant = Literal["client", "server"]


class Event(msgspec.Struct, frozen=True):
    """One failed handshake.

    Attributes:
        at: seconds since 1970, None where the line has no time.
        peer: address of the client, or of the server where `upstream`.
        name: SNI, virtual host or listener.
        complainant: who said no; None where nobody did (a reset, a close).
        alert: description of the alert, where there was one.
        noise: scanners' and health checks': garbage, clear text, nothing at all.
        upstream: the program was the client.
        reason: the words of the log.

    """

    at: float | None
    program: str
    cause: str
    complainant: Complainant | None
    reason: str
    peer: str | None = None
    port: int | None = None
    name: str | None = None
    alert: int | None = None
    noise: bool = False
    upstream: bool = False
