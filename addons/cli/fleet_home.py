"""What the verbs of `tlsight fleet` are given: the fleet's folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli.options import Option

if TYPE_CHECKING:
    from addons.fleet.home import FleetHome
    from addons.fleet.members import Members

Home = Annotated[
    Path | None,
    Option(
        "--store",
        help="The fleet's folder; fleet in STATE_DIRECTORY or the XDG state folder when left out.",
        envvar="TLSIGHT_FLEET_STORE",
    ),
]

Database = Annotated[
    str | None,
    Option(
        "--database",
        help="Findings: a file, postgresql://... or @FILE; fleet.sqlite3 in the state folder.",
    ),
]


def open_home(home: Path | None, *, make: bool = False) -> FleetHome:
    """Raises StoreError, ConfigError."""
    import os

    from addons.fleet.home import FleetHome, default_home

    return FleetHome(home or default_home(os.environ), make=make)


@contextmanager
def opened(home: Path | None) -> Iterator[tuple[FleetHome, Members]]:
    """The folder of a fleet and its members. Raises StoreError, ConfigError."""
    from addons.fleet.members import Members

    found = open_home(home)
    members = Members(found.members)
    try:
        yield found, members
    finally:
        members.close()
