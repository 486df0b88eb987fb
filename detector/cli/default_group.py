"""A group of verbs of which one may be left out: `tlsight ct HOST` means `tlsight ct show HOST`."""

from __future__ import annotations

from typing import Any

from detector.cli.options import Verbs


class DefaultGroup(Verbs):
    """Inserts the first verb where the first argument names none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As click's, after the verb is put in."""
        first = next((a for a in args if not a.startswith("-")), None)
        asks_help = bool(set(args) & {"-h", "--help"})
        if args and not (asks_help and first is None) and first not in self.commands:
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)
