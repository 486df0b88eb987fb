"""How a run ends: the line on stderr and the exit code of what no verb foresaw.

An exit code of 1 says that something was found, so no failure of ours may leave with it.
"""

from __future__ import annotations

import errno
import os
import sys

from detector.cli.exit_codes import CLEAN, ENVIRONMENT
from detector.cli.streams import OutputClosed, ReaderGone
from detector.model.harmless import harmless

_INTERRUPTED = 130


def tell(error: BaseException) -> int:
    """Say what went wrong in one line on stderr, and give the exit code for it."""
    if isinstance(error, SystemExit):  # of a library
        if not error.code:
            return CLEAN
        error = error.__context__ or error
    if isinstance(error, ReaderGone):
        return CLEAN
    if isinstance(error, KeyboardInterrupt):
        say("interrupted")
        return _INTERRUPTED
    if isinstance(error, OutputClosed):
        say(str(error))
    elif isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        remedy = "; free some space" if error.errno == errno.ENOSPC else ""
        say(f"{where}{error.strerror or error}{remedy}")
    else:
        if os.environ.get("TLSIGHT_DEBUG"):
            import traceback

            traceback.print_exception(error)
        what = type(error).__name__ + (f": {error}" if str(error) else "")
        remedy = "rerun with TLSIGHT_DEBUG=1 to see where, and report it"
        say(f"unexpected error: {what}; {remedy}")
    return ENVIRONMENT


def say(text: str) -> None:
    """One line on stderr, whatever is in the text."""
    print(f"tlsight: {harmless(' '.join(text.splitlines()))}", file=sys.stderr)
