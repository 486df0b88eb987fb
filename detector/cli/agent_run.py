"""`tlsight agent run` and `tlsight agent once`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.ending import say
from detector.cli.options import Option, Verbs

if TYPE_CHECKING:
    from detector.agent.round import Ran

Config = Annotated[
    Path | None,
    Option(
        "--config",
        metavar="FILE",
        help="Settings; else /etc/tlsight/agent.toml, else agent.toml in the XDG config folder.",
        envvar="TLSIGHT_AGENT_CONFIG",
    ),
]


def register(app: Verbs) -> None:
    """Add the verbs."""
    app.command("run")(run)
    app.command("once")(once)


def run(config: Config = None) -> int:
    """Stay in the foreground and check, again and again; what a service starts.

    Nothing is written to stdout unless a sink does; stderr has a line for what is wrong. SIGHUP reads the settings
    again, SIGTERM ends it.

    Exit codes: 0 told to stop, 2 settings that cannot be used, 4 a state that cannot be used.
    """
    import asyncio

    from detector.agent.loop import Agent
    from detector.knowledge.folders import state_folder

    async def live() -> None:
        await Agent(os.environ, state_folder(os.environ), config, say).run()

    with asyncio.Runner() as runner:
        runner.run(live())
        # A name that nobody resolves keeps its thread for half a minute; all that counts is kept by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_codes.CLEAN)


def once(
    config: Config = None,
    fail_on: Annotated[
        str,
        Option(
            help="First verdict that makes the exit code 1: private, consistent, suspect, intercepted.",
            values="verdicts",
        ),
    ] = "suspect",
    allow_sanctioned: Annotated[
        bool,
        Option("--allow-sanctioned", help="Exit 0 for interceptors that the policy allows."),
    ] = False,
) -> int:
    """One run: ask, keep what changed, deliver it, and end. For timers and for trying settings.

    Exit codes: 0 clean, 1 suspect or intercepted, 3 no handshake to judge, 2 usage, 4 cannot write.
    """
    import asyncio

    from detector.agent import loop
    from detector.agent.settings import find, load
    from detector.errors import ConfigError
    from detector.knowledge.folders import state_folder

    if fail_on not in exit_codes.LEVELS:
        raise ConfigError("--fail-on", f"{fail_on!r} is none of {', '.join(exit_codes.LEVELS)}")
    settings = load(find(os.environ, config))
    ran = asyncio.run(loop.once(settings, os.environ, state_folder(os.environ), say))
    return _code(ran, fail_on, allow_sanctioned=allow_sanctioned)


def _code(ran: Ran | None, fail_on: str, *, allow_sanctioned: bool) -> int:
    behind = ran is not None and ran.mood == "captive"
    if ran is None or (behind and not ran.counts(patient=True)):
        return exit_codes.INCONCLUSIVE
    code = exit_codes.CLEAN
    for judgement in ran.judgements:
        code = exit_codes.worst(code, exit_codes.exit_code(judgement, fail_on, allow_sanctioned))
    return code
