"""The `tlsight` command: parse, call, print. One file a verb."""

from __future__ import annotations

import os
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
    from detector.cli.app import run, tell

    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError as error:  # what was printed last did not fit on the disk
        code = tell(error)
    sys.stderr.flush()
    # Taking a thousand modules apart at exit is a tenth of a short run, for nothing: files and
    # databases are closed by now.
    os._exit(code)
