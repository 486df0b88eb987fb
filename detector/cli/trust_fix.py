"""`tlsight trust fix`: write the lines by which programs trust one CA, and take them back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from detector.cli import exit_codes
from detector.cli.knowledge import PolicyFile
from detector.cli.options import Argument, Option
from detector.cli.output import Json
from detector.errors import ConfigError

_TEXT = """
Let a program trust one CA that somebody has answered for: a marked block in the shell's start file, or the program's
own settings.

The CA is a file's, never a connection's. Its SHA-256 (of the certificate or the file) is what its owner told you by
another way, or the policy declares its key. Servers' certificates, expired ones, and keys that everybody has are
refused. Settings that replace every root are given a bundle with the public ones in it.

Examples

  tlsight trust fix pip --ca corp-ca.pem --sha256 HEX --dry-run
  tlsight trust fix --all --ca corp-ca.pem --policy policy.toml
  tlsight trust fix pip --undo

Exit codes: 0 done, 3 a line has no effect yet because a stronger setting
is in the way, 2 usage, also a CA that nobody may trust and a program without such a line, 4 a file cannot
be written; then nothing is left half-written.
"""


def fix(
    program: Annotated[
        str | None, Argument(help="Its command or name, e.g. pip, npm, git.", values="programs")
    ] = None,
    everything: Annotated[
        bool, Option("--all", "-a", help="Every program that is installed here.")
    ] = False,
    ca: Annotated[
        Path | None, Option("--ca", help="File of the CA's certificate, PEM or DER.")
    ] = None,
    sha256: Annotated[
        str | None, Option("--sha256", metavar="HEX", help="What its owner says it is.")
    ] = None,
    policy: PolicyFile = None,
    shell: Annotated[
        str | None,
        Option(
            help="Whose start file: bash, zsh, fish or sh; yours.",
            values=("bash", "zsh", "fish", "sh"),
        ),
    ] = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    undo: Annotated[bool, Option("--undo", help="Take back what was written.")] = False,
    json: Json = False,
) -> int:
    import os

    from detector.report.trust_fix_json import FixStepRecord, TrustFixRecord, render
    from detector.runs.trust_fix import FixRun

    if (program is None) != everything:
        raise ConfigError("trust fix", "name one program, or give --all")
    run = FixRun(program, ca=ca, sha256=sha256, policy=policy, shell=shell, dry_run=dry_run)
    done = run.undo(os.environ) if undo else run.fix(os.environ)
    steps = tuple(
        FixStepRecord(step.program, step.line, step.path, step.diff, step.note, step.idle)
        for step in done.steps
    )
    record = TrustFixRecord(
        done.ask, done.dry_run, done.undo, done.root, done.sha256, done.files, steps
    )
    if json:
        from detector.cli.streams import write_json

        write_json(record)
    else:
        from detector.report.check_text import stdout_console

        stdout_console().print(render(record), soft_wrap=True)
    # An agent learns it too that a line which was written changes nothing.
    return exit_codes.INCONCLUSIVE if any(step.idle for step in done.steps) else exit_codes.CLEAN


fix.__doc__ = _TEXT
