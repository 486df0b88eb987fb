"""Which backends of a router let through: those of our own exports, and those that an administrator names.

A router sends names to one program or another. Which of them decrypts is not in its configuration, so a backend that
nobody spoke of is never taken for one that lets through.
"""

from __future__ import annotations

from typing import cast

from addons.bypass.rule import Action
from addons.formats.exported import ReadOptions
from addons.formats.settling import Line, Named
from detector.errors import ConfigError

OURS: dict[str, Action] = {"tlsight_pass": "pass", "tlsight_inspect": "inspect"}
_ACTIONS = ("pass", "inspect", "block")


class Backends:
    """What becomes of what is sent to a backend, by its name; `columns` of the options says it of others' names."""

    def __init__(self, options: ReadOptions) -> None:
        """Raises ConfigError for what is no action."""
        given = dict(options.columns)
        for backend, action in given.items():
            if action not in _ACTIONS:
                raise ConfigError("--map", f"{backend}={action}: not one of {', '.join(_ACTIONS)}")
        self._known = OURS | cast("dict[str, Action]", given)

    def knows(self, backend: str) -> bool:
        """Whether its meaning is known."""
        return backend in self._known

    def line(
        self, backend: str, named: tuple[Named, ...], at: Named, *, any_host: bool = False,
        spared: tuple[Named, ...] = (), doubt: str = "",
    ) -> Line:  # fmt: skip
        """A line that sends what is named to a backend; it stands where `at` says."""
        action = self._known.get(backend, "inspect")
        why = (
            f"goes to {backend!r}, and nothing says whether that lets through: --map {backend}=pass"
        )
        untold = "" if self.knows(backend) else why[:200]
        return Line(action, named, at.line, at.text, at.file, any_host, spared, doubt, untold)
