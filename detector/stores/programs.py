"""Running other programs that know their own stores: bounded in time and output, never a shell."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

_PATIENCE = 30.0


def output(command: Sequence[str], environment: Mapping[str, str] | None = None) -> bytes | None:
    """Standard output, None when the program fails, hangs, or is not there."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
