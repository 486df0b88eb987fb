"""The package `detector` under the distribution's name: `from tlsight import check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import detector

if TYPE_CHECKING:
    from detector import *  # noqa: F403 (the door's own list of names)

__all__ = detector.__all__


def __getattr__(name: str) -> object:
    return getattr(detector, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
