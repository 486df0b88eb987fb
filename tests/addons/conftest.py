"""A clock that a test turns; a centre and its gateways."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.addons.sync_places import CentrePlace, GatewayPlace

START = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def centre(tmp_path: Path, clock: Clock) -> Iterator[CentrePlace]:
    from tests.addons.sync_places import CentrePlace, close_all

    yield CentrePlace(tmp_path / "centre", clock)
    close_all()


@pytest.fixture
def north(tmp_path: Path, clock: Clock, centre: CentrePlace) -> GatewayPlace:
    from tests.addons.sync_places import GatewayPlace

    return GatewayPlace(tmp_path / "north", clock, centre.enrol("north"))


@pytest.fixture
def south(tmp_path: Path, clock: Clock, centre: CentrePlace) -> GatewayPlace:
    from tests.addons.sync_places import GatewayPlace

    return GatewayPlace(tmp_path / "south", clock, centre.enrol("south"))
