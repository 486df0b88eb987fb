"""Hosts that everybody knows to be public, and how that is known."""

from __future__ import annotations

from datetime import datetime

import msgspec


class LoggedLeaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a public log holds a leaf with a host's exact name.

    Attributes:
        log: id of the log, 64 hex digits.
        at: the SCT's time, UTC.
        leaf: SHA-256 of the leaf, hex.

    """

    log: str
    at: datetime
    leaf: str


class CanaryHost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One host of the table.

    Attributes:
        host: a name, normalised.
        owner: whose it is; no two hosts of the table have one owner.
        region: where the owner sits, ISO 3166's two letters; "int" for organisations of many states.
        checked: whether there is evidence; else that it is public is general knowledge.
        evidence: what a public log holds for it.

    """

    host: str
    owner: str
    region: str = ""
    checked: bool = False
    evidence: LoggedLeaf | None = None
