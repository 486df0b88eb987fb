"""`tlsight agent enrol`: make this machine's agent one of a fleet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from detector.cli import exit_codes
from detector.cli.options import Argument, Option, Verbs


def enrol(
    file: Annotated[Path, Argument(help="One-time token that tlsight fleet token made.")],
    state: Annotated[
        Path | None,
        Option(help="The agent's folder; STATE_DIRECTORY or the XDG state folder when left out."),
    ] = None,
    no_name: Annotated[
        bool, Option("--no-name", help="Do not tell the fleet this machine's name.")
    ] = False,
) -> int:
    """Make a key here, show the token, and keep what the fleet gives for it in fleet.json.

    The agent of the machine's service takes a token from systemd: root enrols it by
    install -Dm600 TOKEN /etc/credstore/tlsight-fleet; systemctl restart tlsight-agent.
    """
    import asyncio
    import os
    import secrets
    import socket

    from detector.agent.identity import identity
    from detector.agent.joining import join_once
    from detector.agent.membership import FILE
    from detector.agent.owned import give, refuse_for_the_service
    from detector.agent.store import default_path
    from detector.cli import ending
    from detector.errors import FetchError

    if state is None:
        refuse_for_the_service(file, os.environ, Path("/"), root=_is_root())
    path = default_path(os.environ) if state is None else state / default_path(os.environ).name
    name = "" if no_name else socket.gethostname()
    try:
        device = identity(path.parent, secrets.token_bytes).device
        asyncio.run(join_once(file, path.parent, device, name))
    except FetchError as error:
        ending.say(str(error))
        return exit_codes.ENVIRONMENT
    finally:
        if state is not None and _is_root():
            give(path.parent)
    print(f"{device} is enrolled; its key and the fleet's word for it are in {path.parent / FILE}")
    print(f"remove {file}; a running agent takes the fleet up by itself within a minute")
    return exit_codes.CLEAN


def _is_root() -> bool:
    import os

    return hasattr(os, "geteuid") and os.geteuid() == 0


def register(app: Verbs) -> None:
    app.command("enrol")(enrol)
