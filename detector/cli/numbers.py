"""Numbers of the command line."""

from __future__ import annotations

import math

from detector.cli.options import BadParameter


def finite(value: float | None) -> float | None:
    """For `callback=`. "nan" is below no minimum, and nobody waits "inf" seconds: both are refused.

    Raises BadParameter.

    """
    if value is not None and not math.isfinite(value):
        raise BadParameter(f"{value} is no number to count with.")
    return value
