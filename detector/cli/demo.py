"""`tlsight demo`."""

from __future__ import annotations

from typing import Annotated

from detector.cli.options import Option


def demo(
    verbose: Annotated[bool, Option("--verbose", "-v", help="All evidence and the chain.")] = False,
) -> int:
    """Unmask a real mitmproxy on this machine, in a minute, without the internet."""
    from detector.errors import ConfigError

    try:
        from detector.lab.demo import run
    except ModuleNotFoundError as error:
        remedy = "pip install 'tlsight[proxy]'"
        raise ConfigError("demo", f"{error.name} is not installed", remedy=remedy) from None
    return run(verbose=verbose)
