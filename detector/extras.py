"""Libraries that come with an extra of the distribution, `pip install 'tlsight[EXTRA]'`."""

from __future__ import annotations

from importlib.util import find_spec

from detector.errors import ConfigError


def demand(option: str, library: str, extra: str) -> None:
    """Raises ConfigError, which names the option that needs it and the remedy, where a library is missing."""
    if find_spec(library) is None:
        remedy = f"pip install 'tlsight[{extra}]'"
        raise ConfigError(option, f"{library} is not installed", remedy=remedy)
