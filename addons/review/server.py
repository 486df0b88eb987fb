"""The page of bypasses, started: over which store, and what its files are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from addons.review import serving
from addons.review.app import Review
from addons.review.serving import Entrance, House, Listening
from detector import clock

__all__ = ["Listening", "serve", "start"]


def serve(store: Path, listen: str, entrance: Entrance) -> None:
    """Until it is interrupted or told to end. Raises ConfigError, StoreError."""
    serving.serve(_house(store), listen, entrance)


def start(store: Path, listen: str) -> tuple[Listening, Callable[[], None]]:
    """In a thread of its own, on loopback; the page and what stops it. Raises ConfigError, StoreError."""
    return serving.start(_house(store), listen)


def _house(store: Path) -> House:
    return House(
        name="review",
        beside=store,
        app=lambda access: Review(store, access, clock.now).app(),
        verb="tlsight bypass user",
        holder="review page",
        cookies="tlsight",
    )
