"""The `tlsight` command: parse, call, print. One file a verb."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def main() -> None:
    """Entry point: whatever happens, it ends with one of the documented exit codes."""
    from detector.cli import ending, exit_codes, streams

    try:
        streams.prepare()
        code = _run(sys.argv[1:])
        if code != exit_codes.ENVIRONMENT:  # else that stdout takes nothing may be what was told
            sys.stdout.flush()
    except BaseException as error:  # the last line of defence
        code = ending.tell(error)
    with suppress(OSError, streams.ReaderGone):
        sys.stdout.flush()
    sys.stderr.flush()
    # Taking a thousand modules apart at exit is a tenth of a short run, for nothing: files and
    # databases are closed by now.
    os._exit(code)


def _run(words: list[str]) -> int:
    """`--version`, and a shell that completes, are answered before anything heavy is imported."""
    if words in (["--version"], ["-V"]):
        from detector.version import __version__

        print(f"tlsight {__version__}")
        return 0
    if shell := os.environ.get("_TLSIGHT_COMPLETE"):
        from detector.cli.completing import main as complete

        return complete(shell, words)
    import gc
    import signal

    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        # What service managers and closing terminals send ends a run as Ctrl-C does: nothing stays behind.
        # Whoever asked for it to be ignored (nohup) is obeyed.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    # Little of what a run makes is cyclic; collecting rarely saves a tenth of the time.
    gc.set_threshold(60_000, 20, 100)
    from detector.cli.app import run

    return run(words)
