"""What the capture as a whole shows, beside the connection that is looked at."""

from __future__ import annotations

from collections.abc import Iterable

from detector.capture.outer_names import OuterNames


class Surroundings:
    """Grows while packets are read.

    Args:
        outer_names: names that hellos are known to show in place of others.

    Attributes:
        outer_names: the same, and those that the capture's own DNS answers tell.
        two_sided: somebody's answer came: where none did, only one direction may have been captured, and silence
            says nothing.

    """

    def __init__(self, outer_names: Iterable[str] = ()) -> None:
        self.outer_names = OuterNames(outer_names)
        self.two_sided = False
