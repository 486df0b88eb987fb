"""Options that several verbs share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.errors import ConfigError
from detector.model.targets import parse_target

if TYPE_CHECKING:
    from detector.knowledge.ct_store import CtStore
    from detector.knowledge.installed import InstalledLists
    from detector.known.knowledge import Knowledge, Pin
    from detector.net.fetch import FetchOptions

_KNOWLEDGE = "What to compare with"
_OUTPUT = "Output"

Roots = Annotated[
    Path | None,
    typer.Option(
        help="PEM file of roots to call public, instead of certifi's. Makes it a lab: special-use"
        " names and private addresses then count as public.",
        envvar="TLSIGHT_ROOTS",
        rich_help_panel=_KNOWLEDGE,
    ),
]
CtLogs = Annotated[
    Path | None,
    typer.Option(
        "--ct-logs",
        help="More CT logs: a file like Google's log_list.json.",
        envvar="TLSIGHT_CT_LOGS",
        rich_help_panel=_KNOWLEDGE,
    ),
]
Pins = Annotated[
    list[str] | None,
    typer.Option(
        "--pin",
        metavar="HOST=sha256//BASE64",
        help="A key that must be on the host's path; may be repeated.",
        rich_help_panel=_KNOWLEDGE,
    ),
]
PinFile = Annotated[
    Path | None,
    typer.Option(
        "--pins", help="TOML file of pins.", envvar="TLSIGHT_PINS", rich_help_panel=_KNOWLEDGE
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="TOML file: internal names, expected private CAs, sanctioned interceptors.",
        envvar="TLSIGHT_POLICY",
        rich_help_panel=_KNOWLEDGE,
    ),
]
Issuers = Annotated[
    Path | None,
    typer.Option(
        help="TOML file of the issuers that Certificate Transparency knows for hosts.",
        envvar="TLSIGHT_ISSUERS",
        rich_help_panel=_KNOWLEDGE,
    ),
]
NoLocalRoots = Annotated[
    bool,
    typer.Option(
        "--no-local-roots",
        help="Do not ask the operating system's trust store.",
        rich_help_panel=_KNOWLEDGE,
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(
        "--store", help="Database of what was looked up.", envvar="TLSIGHT_STORE",
        rich_help_panel=_KNOWLEDGE,
    ),
]  # fmt: skip
NoStore = Annotated[
    bool,
    typer.Option("--no-store", help="Do not read what was looked up.", rich_help_panel=_KNOWLEDGE),
]
Lists = Annotated[
    Path | None,
    typer.Option(
        "--lists",
        metavar="DIR",
        help="Folder of the lists that tlsight update installed.",
        envvar="TLSIGHT_LISTS",
        rich_help_panel=_KNOWLEDGE,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="One JSON object a line on stdout.", rich_help_panel=_OUTPUT),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="All evidence and the chain.", rich_help_panel=_OUTPUT),
]
FailOn = Annotated[
    str,
    typer.Option(
        help="First verdict that makes the exit code 1: private, consistent, suspect, intercepted.",
        envvar="TLSIGHT_FAIL_ON",
        rich_help_panel=_OUTPUT,
    ),
]
AllowSanctioned = Annotated[
    bool,
    typer.Option(
        "--allow-sanctioned",
        help="Exit 0 for interceptors that the policy allows.",
        rich_help_panel=_OUTPUT,
    ),
]


Plot = Annotated[
    Path | None,
    typer.Option(metavar="FILE.svg|png", help="Failures over time.", rich_help_panel=_OUTPUT),
]
Anonymize = Annotated[
    bool,
    typer.Option(
        "--anonymize",
        help="Replace addresses and names, each always by the same.",
        rich_help_panel=_OUTPUT,
    ),
]


def plot_file(path: Path | None) -> Path | None:
    """The file that a plot is to go to. Raises ConfigError for a kind that cannot be made."""
    if path is not None and path.suffix not in (".svg", ".png"):
        raise ConfigError("--plot", f"{path.name!r} is neither .svg nor .png")
    return path


def knowledge(
    *,
    store: CtStore | None = None,
    lists: Path | None = None,
    roots: Path | None,
    ct_logs: Path | None,
    issuers: Path | None,
    pin: list[str] | None,
    pins: Path | None,
    policy: Path | None,
    no_local_roots: bool,
) -> Knowledge:
    """What the options of this panel name, put together. Raises ConfigError."""
    from detector.knowledge.assemble import assemble

    # The lists' module is imported only where there are lists.
    installed = installed_lists(lists) if _lists_folder(lists).exists() else None
    found = assemble(
        roots=roots,
        ct_logs=ct_logs,
        pins=_parse_pins(pin),
        pin_file=pins,
        policy=policy,
        issuers=issuers,
        store=store,
        lists=installed,
        local=not no_local_roots,
    )
    for trouble in installed.troubles if installed else ():
        print(f"tlsight: {trouble}", file=sys.stderr)
    return found


def fetch_options(
    proxy: str | None, timeout: float, trust: Path | None, *, no_proxy: bool = False
) -> FetchOptions:
    """Raises ConfigError for a proxy that cannot be understood."""
    import os

    from detector.net.fetch import FetchOptions
    from detector.net.routes import routing_from

    routing = routing_from(proxy, os.environ, no_proxy=no_proxy)
    return FetchOptions(timeout=timeout, routing=routing, trust=trust)


def installed_lists(folder: Path | None) -> InstalledLists:
    """The lists that were installed; none need be there."""
    from detector.knowledge.installed import InstalledLists

    return InstalledLists(_lists_folder(folder))


def _lists_folder(folder: Path | None) -> Path:
    import os

    from detector.knowledge.database import state_folder

    return folder or state_folder(os.environ) / "lists"


def open_store(path: Path | None, *, read_only: bool = False) -> CtStore:
    """Raises StoreError."""
    import os

    from detector.knowledge.ct_store import CtStore, default_path

    return CtStore(path or default_path(os.environ), read_only=read_only)


def kept_store(path: Path | None, *, no_store: bool, to_write: bool = False) -> CtStore | None:
    """The store for a judge; None when there is none.

    One that was asked for by name must be usable, else StoreError is raised; the default one only
    warns.
    """
    import os

    from detector.errors import StoreError
    from detector.knowledge.database import state_folder

    if no_store:
        return None
    try:
        # The store's module is imported only where there is a store.
        default = state_folder(os.environ) / "ct.sqlite3"
        if to_write or path is not None or default.exists():
            return open_store(path, read_only=not to_write)
    except StoreError as error:
        if path is not None:
            raise
        print(f"tlsight: {error}", file=sys.stderr)
    return None


def close_store(store: CtStore | None) -> None:
    """Tell what went wrong with it meanwhile, and close it."""
    if store is None:
        return
    if store.trouble is not None:
        print(f"tlsight: {store.trouble}", file=sys.stderr)
    store.close()


def address(text: str) -> tuple[str, int]:
    """The IP:PORT of --connect. Raises ConfigError."""
    target = parse_target(text)
    if target.sni is not None:
        raise ConfigError("--connect", f"{text!r} is no IP:PORT")
    return target.host, target.port


def _parse_pins(texts: list[str] | None) -> list[Pin]:
    """The values of --pin. Raises ConfigError."""
    if not texts:
        return []
    from detector.knowledge.pins import parse_pin

    return [parse_pin(text) for text in texts]
