"""Options that every verb has: colours, and lines of what is done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import click

from detector.cli import color

# Title of theirs in the help; they stand last.
PANEL = "Everywhere"
LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")


NAMES = ("--color", "--log-level", "--log-format")


class Shared(click.Option):
    """One of them; no verb is told its value."""

    panel = PANEL
    values: str | Sequence[str] | None = None


@cache
def options() -> tuple[Shared, ...]:
    """Made once, for all verbs."""
    return (
        _option(
            "--color", color.CHOICES, _paint, envvar=None, default="auto",
            metavar="WHEN", help="Colours: auto, always or never. auto asks the terminal, NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE.",
        ),
        _option(
            "--log-level", LEVELS, _log, envvar="TLSIGHT_LOG_LEVEL",
            metavar="LEVEL", help="Write on stderr what is done and decided, from debug, info, warning or error on.",
        ),
        _option(
            "--log-format", FORMATS, _log, envvar="TLSIGHT_LOG_FORMAT", default="text",
            metavar="FORMAT", help="Of those lines: text, or json, an object each.",
        ),
    )  # fmt: skip


def _option(name: str, words: Sequence[str], told: Any, **more: Any) -> Shared:
    return Shared(
        [name], type=click.Choice(words), callback=told, expose_value=False, is_eager=True,
        show_envvar=True, show_default=True, **more,
    )  # fmt: skip


def _paint(context: click.Context, parameter: click.Parameter, value: str) -> None:
    given = context.get_parameter_source(parameter.name or "")
    if given is not None and given.name == "COMMANDLINE":
        color.prepare(value, os.environ)


def _log(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Both are needed, and either may come first."""
    said = context.meta.setdefault("detector.logged", {})
    source = context.get_parameter_source(parameter.name or "")
    if parameter.name in said and (source is None or source.name != "COMMANDLINE"):
        return  # a group above was told
    said[parameter.name] = value
    if said.get("log_level") and said.get("log_format"):
        from detector.logged import configure

        configure(said["log_level"], said["log_format"])
