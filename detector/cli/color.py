"""Whether there are colours: `--color`, and the variables that say the same.

Theory of operation
-------------------
rich, mitmproxy and other programs that we start go by NO_COLOR and FORCE_COLOR (no-color.org, force-color.org). So
`--color`, and CLICOLOR_FORCE, which fewer know, are written as those two, once and before anything is printed, and
every room reads the same environment. NO_COLOR wins over what forces; an option wins over both.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import IO

CHOICES = ("auto", "always", "never")
_DUMB = ("dumb", "unknown")


def prepare(choice: str, environment: MutableMapping[str, str]) -> None:
    """Have the environment say what `choice` does, for whoever asks it."""
    if choice == "always":
        environment.pop("NO_COLOR", None)
        environment["FORCE_COLOR"] = "1"
        if environment.get("TERM", "").lower() in ("", *_DUMB):
            environment["TERM"] = "xterm-256color"
    elif choice == "never":
        environment.pop("FORCE_COLOR", None)
        environment["NO_COLOR"] = "1"
        environment["TERM"] = "dumb"  # NO_COLOR leaves bold and dim; this leaves nothing
    elif environment.get("CLICOLOR_FORCE", "0") != "0" and not environment.get("NO_COLOR"):
        environment.setdefault("FORCE_COLOR", "1")


def allowed(stream: IO[str], environment: MutableMapping[str, str]) -> bool:
    """Whether what is written there may have colours."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("TERM", "").lower() in _DUMB:
        return False
    return bool(environment.get("FORCE_COLOR")) or stream.isatty()
