"""Entry of the hooks in .pre-commit-hooks.yaml: `python -m tlsight.pre_commit policy|bypass [--strict] FILE...`

pre-commit hands over several files at once, and a verb reads one. Each file is judged by itself, whatever this machine
keeps of its own; the code is the worst.
"""

from __future__ import annotations

import os
import sys
import tempfile

from detector.cli.exit_codes import CLEAN, USAGE, worst

_KINDS = ("policy", "bypass")


def main(words: list[str]) -> int:
    """The exit code; what is wrong is on stdout."""
    from detector.cli.app import run

    options = [word for word in words[1:] if word.startswith("--")]
    files = [word for word in words[1:] if not word.startswith("--")]
    if not words or words[0] not in _KINDS:
        print(f"tlsight: say which kind of file: {' or '.join(_KINDS)}", file=sys.stderr)
        return USAGE
    code = CLEAN
    with tempfile.TemporaryDirectory() as folder:
        # The store of this machine's own proxy is no part of the file.
        os.environ.pop("TLSIGHT_BYPASS_STORE", None)
        os.environ["STATE_DIRECTORY"] = folder
        for file in files:
            chosen = ["--rules", file] if words[0] == "bypass" else [file]
            code = worst(code, run([words[0], "lint", *options, *chosen]))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
