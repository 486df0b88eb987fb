"""What `tlsight watch-path --networks --json` prints: one object. Readings are printed as they are compared
(detector.judging.path_answer).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from detector.model.paths import Network


class NetworkRow(msgspec.Struct, frozen=True):
    """A network on which paths were read.

    Attributes:
        id: a salted digest that tells no place, and is another on every machine.
        name: what the user calls it; empty where it has no name.
        seen: aware UTC time of the last reading.
        hosts: how many are remembered there.
        readings: how many of them were made.

    """

    id: str
    name: str
    seen: datetime
    hosts: int
    readings: int


class NetworksRecord(msgspec.Struct, frozen=True):
    """All networks, the latest first."""

    networks: tuple[NetworkRow, ...]
    schema: Literal["tlsight.watch-path-networks/1"] = "tlsight.watch-path-networks/1"


def networks_record(
    networks: Iterable[Network], counts: Mapping[str, tuple[int, int]]
) -> NetworksRecord:
    """Args: networks: those that are known; counts: of each id, its hosts and its readings."""
    return NetworksRecord(
        tuple(
            NetworkRow(one.id, one.name, one.seen, *counts.get(one.id, (0, 0))) for one in networks
        )
    )
