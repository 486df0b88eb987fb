"""What earlier runs saw, as a run uses it: trouble with the file ends the memory, not the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from detector.errors import StoreError
from detector.evidence.examination import Examination
from detector.evidence.sharing import Sharing
from detector.known.knowledge import Baseline, Knowledge
from detector.model.observation import Judgement, Target

if TYPE_CHECKING:
    from detector.knowledge.history import History


class Memory:
    """A history that may be missing, or get lost on the way.

    Args:
        history: the open database; None remembers nothing.
        warn: told about trouble, one line, once.
        read_only: ask, and remember nothing.

    """

    def __init__(
        self,
        history: History | None = None,
        warn: Callable[[str], None] = lambda _: None,
        *,
        read_only: bool = False,
    ) -> None:
        self._history = history
        self._read_only = read_only
        self._warn = warn
        self._anchors = ""

    def fill(self, sharing: Sharing, known: Knowledge) -> None:
        """Put what earlier runs saw into `sharing`, as far as they held the same roots and logs for public as
        `known` does; `baseline` asks for no others from then on.
        """
        self._anchors = known.anchors
        if (history := self._history) is not None:
            self._guard(lambda: history.fill(sharing, known.anchors))

    def baseline(self, target: Target) -> Baseline | None:
        """How the host looked when it was last proven direct."""
        if (history := self._history) is None:
            return None
        return self._guard(lambda: history.baseline(target.host, target.port, self._anchors))

    def signers(self) -> tuple[bytes, ...]:
        """Keys (SPKI) of signers that were not sent, as far as earlier runs computed them."""
        if (history := self._history) is None:
            return ()
        return self._guard(history.signers) or ()

    def keep_signers(self, keys: Sequence[bytes]) -> None:
        if (history := self._history) is not None and keys and not self._read_only:
            self._guard(lambda: history.keep_signers(keys))

    def record(self, seen: Examination, judgement: Judgement) -> None:
        if (history := self._history) is not None and not self._read_only:
            self._guard(lambda: history.record(seen, judgement))

    def flush(self) -> None:
        if (history := self._history) is not None:
            self._guard(history.flush)

    def close(self) -> None:
        """Write what waits and close the file."""
        if (history := self._history) is not None:
            self._guard(history.close)
            self._history = None

    def _guard[T](self, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except StoreError as error:
            self._warn(str(error))
            self._history = None
            return None
