"""Files that a sink's settings name: held to what the settings themselves are held to.

Whose file of roots it is decides who may read along, so it is root's or the agent's, and nobody else may write it.
"""

from __future__ import annotations

from pathlib import Path

from detector.errors import ConfigError
from detector.knowledge.owners import distrusted


def named(key: str, text: str | None) -> Path | None:
    """The file, None where none is named. Raises ConfigError where it is not there, or somebody else's to write."""
    if text is None:
        return None
    path = Path(text)
    if not path.is_absolute():
        raise ConfigError(f"sink.{key}", f"{text!r} is not absolute")
    try:
        why = distrusted(path.stat())
    except OSError as error:
        raise ConfigError(f"sink.{key}", f"{text}: {error.strerror or error}") from None
    if why is not None:
        remedy = "make it yours or root's with chown, and chmod go-w"
        raise ConfigError(f"sink.{key}", f"{text}: {why}", remedy=remedy)
    return path


def credential(certificate: str | None, key: str | None) -> tuple[Path, Path] | None:
    """A client certificate and its key, which may be in one file. Raises ConfigError."""
    if key is not None and certificate is None:
        raise ConfigError("sink.key", "has no certificate beside it")
    shown = named("certificate", certificate)
    return (shown, named("key", key) or shown) if shown is not None else None
