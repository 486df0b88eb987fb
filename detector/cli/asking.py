"""Options and set-up of the verbs that ask the network for knowledge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli.given import no_proxy_option, proxy_option
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.lookup.source import Source

_PANEL = "How to ask"

Proxy = Annotated[str | None, proxy_option(_PANEL)]
NoProxy = Annotated[bool, no_proxy_option(_PANEL)]
Timeout = Annotated[
    float,
    typer.Option(
        min=0.05, help="Seconds for each answer.", envvar="TLSIGHT_TIMEOUT", rich_help_panel=_PANEL
    ),
]
SourceNames = Annotated[
    str,
    typer.Option(
        "--sources",
        help="Services to ask, in turn: certspotter, crt.sh; with =URL at another place.",
        envvar="TLSIGHT_CT_SOURCES",
        rich_help_panel=_PANEL,
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="File with a Cert Spotter token; or set TLSIGHT_CERTSPOTTER_TOKEN.",
        envvar="TLSIGHT_CERTSPOTTER_TOKEN_FILE",
        rich_help_panel=_PANEL,
    ),
]


def sources(names: str, token_file: Path | None) -> list[Source]:
    """Services by name, in order. Raises ConfigError."""
    from detector.ct import certspotter, crtsh
    from detector.lookup.source import CertSpotter, CrtSh

    found: list[Source] = []
    for text in names.split(","):
        name, _, base = text.strip().partition("=")
        if name == "certspotter":
            found.append(CertSpotter(_token(token_file), base or certspotter.BASE))
        elif name == "crt.sh":
            found.append(CrtSh(base or crtsh.BASE))
        else:
            raise ConfigError("--sources", f"{name!r} is neither certspotter nor crt.sh")
    return found


def _token(path: Path | None) -> str | None:
    import os

    if path is None:
        return os.environ.get("TLSIGHT_CERTSPOTTER_TOKEN") or None
    try:
        return path.read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"no token: {error}") from None
