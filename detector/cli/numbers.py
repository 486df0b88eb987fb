"""Numbers of the command line."""

from __future__ import annotations

import math

import typer


def finite(value: float | None) -> float | None:
    """For `callback=`. "nan" is below no minimum, and nobody waits "inf" seconds: both are refused.

    Raises typer.BadParameter.

    """
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to count with.")
    return value
