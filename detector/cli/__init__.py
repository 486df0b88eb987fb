"""The `tlsight` command: parse, call, print. One file a verb."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point. `--version` answers before anything heavy is imported."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from detector.version import __version__

        print(f"tlsight {__version__}")
        return
    import gc

    # Little of what a run makes is cyclic; collecting rarely saves a tenth of the time.
    gc.set_threshold(20_000, 20, 100)
    from detector.cli.app import run

    sys.exit(run(sys.argv[1:]))
