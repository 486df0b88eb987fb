"""`tlsight trust remove`: be rid of a root that nobody sanctioned, in every store, and prove it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from detector.cli import exit_codes
from detector.cli.options import Argument, Option
from detector.cli.output import Json
from detector.cli.surveyed import Also, Homes, Root

_TEXT = """
Find a root in every place that trust reads, say store by store how to be rid of it, and with --yes do what can be done
here; then look again whether it is gone.

Proxies and browser policies that may have come with it are named beside it. A public root is refused without --force.

Examples

  tlsight trust remove HEX
  tlsight trust remove HEX --yes
  tlsight trust remove HEX --root /mnt/image --yes

Exit codes: 0 it is nowhere, or nowhere any more, 1 a store trusts it, 2 usage, also a public root, 3 it was not
found, but a store could not be read.
"""


def remove(
    sha256: Annotated[str, Argument(metavar="SHA256", help="Of the root's certificate.")],
    yes: Annotated[bool, Option("--yes", "-y", help="Do what can be done here.")] = False,
    dry_run: Annotated[
        bool,
        Option(
            "--dry-run",
            help="Show what would change, and change nothing; so does leaving out --yes.",
        ),
    ] = False,
    force: Annotated[bool, Option("--force", help="Also a public root.")] = False,
    root: Root = Path("/"),
    homes: Homes = None,
    also: Also = None,
    json: Json = False,
) -> int:
    from detector.auditing.audit import secrets_out
    from detector.report.trust_remove_json import (
        RemovalRecord,
        TrustRemoveRecord,
        UnreadRecord,
        render,
    )
    from detector.runs.trust_remove import RemoveRun

    run = RemoveRun(
        sha256, root=root, homes=tuple(homes) if homes else None, also=tuple(also or ()),
        force=force,
    )  # fmt: skip
    done = run.remove() if yes and not dry_run else run.look()
    record = TrustRemoveRecord(
        done.sha256, done.subject, done.dry_run, done.before,
        tuple(
            RemovalRecord(one.step.way, one.step.path, one.step.text, one.ended, one.why)
            for one in done.steps
        ),
        done.left, tuple(UnreadRecord(*one) for one in done.unread),
        tuple(map(secrets_out, done.beside)), done.read,
    )  # fmt: skip
    if json:
        from detector.cli.streams import write_json

        write_json(record)
    else:
        from detector.report.check_text import stdout_console

        stdout_console().print(render(record), soft_wrap=True)
    if done.left:
        return exit_codes.FOUND
    return exit_codes.INCONCLUSIVE if not done.subject and done.unread else exit_codes.CLEAN


remove.__doc__ = _TEXT
