"""What the frozen program starts with: tlsight, or the Python of its own children.

Some of tlsight's work is done in a child, started as `sys.executable -P ...` (a proxy's script, sums of big numbers).
Frozen, that is this program: it then does what Python does with these words. No verb or option of tlsight is "-P".
"""

from __future__ import annotations

import runpy
import sys


def main() -> int:
    words = sys.argv[1:]
    if words[:1] == ["-P"]:
        _as_python(words[1:])
        return 0
    from detector.cli import main as tlsight

    return tlsight()


def _as_python(words: list[str]) -> None:
    if words[:1] == ["-m"]:
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[:1] == ["-c"]:
        sys.argv = ["-c", *words[2:]]
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    sys.exit(main())
