"""`tlsight agent status` and `tlsight agent events`."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the verbs."""
