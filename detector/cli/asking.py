"""Options and set-up of the verbs that ask the network for knowledge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from detector.bounded import read_bounded
from detector.cli.numbers import finite
from detector.cli.options import Option
from detector.cli.way import fetch_options, no_proxy_option, proxy_option, routing
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.lookup.source import Source
    from detector.net.fetch import FetchOptions

_PANEL = "How to ask"

Proxy = Annotated[str | None, proxy_option(_PANEL)]
NoProxy = Annotated[bool, no_proxy_option(_PANEL)]
Timeout = Annotated[
    float,
    Option(
        min=0.05,
        callback=finite,
        help="Seconds for each answer.",
        envvar="TLSIGHT_TIMEOUT",
        panel=_PANEL,
    ),
]


class AskingOptions(msgspec.Struct, frozen=True):
    """How to ask services, and which."""

    sources: Annotated[
        str,
        Option(
            help="Services to ask, in turn: certspotter, crt.sh; with =URL at another place.",
            envvar="TLSIGHT_CT_SOURCES",
            panel=_PANEL,
        ),
    ] = "certspotter,crt.sh"
    token_file: Annotated[
        Path | None,
        Option(
            help="File with a Cert Spotter token; or set TLSIGHT_CERTSPOTTER_TOKEN.",
            envvar="TLSIGHT_CERTSPOTTER_TOKEN_FILE",
            panel=_PANEL,
        ),
    ] = None
    proxy: Proxy = None
    no_proxy: NoProxy = False
    timeout: Timeout = 20.0

    def services(self) -> list[Source]:
        """The services in order. Raises ConfigError."""
        return sources(self.sources, self.token_file)

    def fetch_options(self, trust: Path | None) -> FetchOptions:
        """How to ask them. Raises ConfigError."""
        way = routing(self.proxy, no_proxy=self.no_proxy, trust=trust)
        return fetch_options(way, self.timeout, trust)


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
        return read_bounded(path, 4096).decode("ascii").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"no token: {error}") from None
