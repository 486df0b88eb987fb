"""The fleet page, started: what it shows, and what its files are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from addons.fleet.page.app import Console, Fleet
from addons.review import serving
from addons.review.serving import Entrance, House, Listening
from detector import clock

NAME, VERB = "fleet", "tlsight fleet user"


def serve(fleet: Fleet, beside: Path, listen: str, entrance: Entrance) -> None:
    """Until it is interrupted or told to end; its files are beside `beside`. Raises ConfigError, StoreError."""
    serving.serve(_house(fleet, beside), listen, entrance)


def start(fleet: Fleet, beside: Path, listen: str) -> tuple[Listening, Callable[[], None]]:
    """In a thread of its own, on loopback; the page and what stops it. Raises ConfigError, StoreError."""
    return serving.start(_house(fleet, beside), listen)


def _house(fleet: Fleet, beside: Path) -> House:
    return House(
        name=NAME,
        beside=beside,
        app=lambda access: Console(fleet, access, clock.now).app(),
        verb=VERB,
        holder="fleet page",
        cookies="tlsight_fleet",
        lifespan="on",
    )
