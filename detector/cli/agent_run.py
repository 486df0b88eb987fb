"""`tlsight agent run` and `tlsight agent once`."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the verbs."""
