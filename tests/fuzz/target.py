"""One target, and one input tried on it within its bounds."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import getdoc
from typing import NamedTuple

from detector.errors import TlsightError

Parse = Callable[[bytes], object]
# Seconds of CPU time for one input; instrumented code takes several times as long.
LIMIT = 2.0
MEMORY = 1 << 30


class Target(NamedTuple):
    """Something that reads foreign bytes.

    Attributes:
        parse: reads them; raises TlsightError for what it does not take, and nothing else.
        samples: valid input to start from.
        said: what holds, where `parse` is no function of these tests with a docstring.

    """

    parse: Parse
    samples: tuple[bytes, ...]
    said: str = ""

    @property
    def claim(self) -> str:
        """What holds whatever comes in."""
        return self.said or getdoc(self.parse) or ""


class TooSlowError(AssertionError):
    """An input took longer than it may."""


def attempt(parse: Parse, data: bytes, limit: float = LIMIT) -> None:
    """Try one input. Raises whatever is no error of ours, TooSlowError after `limit` seconds of CPU time."""

    def too_slow(*_: object) -> None:
        raise TooSlowError(f"an input of {len(data)} bytes took longer than {limit:g} s")

    before = signal.signal(signal.SIGPROF, too_slow)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        parse(data)
    except TlsightError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Inside, what asks for more than MEMORY bytes gets a MemoryError, which is a find."""
    before, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, most))
