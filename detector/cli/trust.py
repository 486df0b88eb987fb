"""`tlsight trust`: every place on this machine where trust is decided, and what stands out there.

Without a verb it is the audit; `why`, `fix` and `remove` are its verbs.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

from detector.cli import exit_codes
from detector.cli.knowledge import Lists, PolicyFile
from detector.cli.options import Context, Option, Verbs
from detector.cli.output import Html, Json, Verbose
from detector.cli.surveyed import Also, Homes, Root
from detector.cli.trust_fix import fix
from detector.cli.trust_remove import remove
from detector.cli.trust_why import why
from detector.errors import ConfigError
from detector.runs.overwriting import refuse_overwriting

_TEXT = """
Audit this machine's trust: bundles, NSS databases, Java keystores, Python's copies, Node, and the
variables and setting files that redirect it.

Flags keys that everybody has, roots of products that intercept, roots that no public program has,
weak and expired ones, and verification that is turned off. Tells which file each tool goes by.

Examples

  tlsight trust
  tlsight trust --sarif > trust.sarif
  tlsight trust --html trust.html
  tlsight trust --root /mnt/image        another machine's files
  tlsight trust --also keystore.jks --also ./nssdb
  tlsight trust --policy policy.toml     declared CAs are notes

Exit codes: 0 nothing stands out, 1 findings of --fail-on or worse, 2 usage.
"""


app = Verbs(help=_TEXT)


@app.itself(alone=True)
def trust(
    context: Context,
    root: Root = Path("/"),
    homes: Homes = None,
    also: Also = None,
    published: Annotated[
        Path | None,
        Option("--published-keys", help="TOML file of more keys that everybody has."),
    ] = None,
    policy: PolicyFile = None,
    lists: Lists = None,
    json: Json = False,
    html: Html = None,
    sarif: Annotated[bool, Option("--sarif", help="SARIF 2.1.0 on stdout.")] = False,
    everything: Annotated[
        bool, Option("--all", "-a", help="Show public roots too, and notes.")
    ] = False,
    verbose: Verbose = False,
    fail_on: Annotated[
        str,
        Option(
            help="First level that makes the exit code 1: note, warning, error.", values="levels"
        ),
    ] = "warning",
) -> int:
    import msgspec

    if context.invoked_subcommand is not None:
        _demand_none_before(context)
        return exit_codes.CLEAN
    from detector.auditing.model import LEVELS
    from detector.report import trust_json, trust_text
    from detector.runs.trust import TrustRun

    if fail_on not in LEVELS:
        raise ConfigError("--fail-on", f"{fail_on!r} is none of {', '.join(LEVELS)}")
    refuse_overwriting({"--html": html}, filter(None, (policy, published, *(also or ()))))
    done = TrustRun(
        root=root, homes=tuple(homes) if homes else None, also=tuple(also or ()), policy=policy,
        published=published, lists=lists,
    ).audit()  # fmt: skip
    record = trust_json.record(
        done.survey, done.findings, done.tools, done.public, everything=everything
    )
    if sarif:
        sys.stdout.buffer.write(trust_json.sarif(done.findings) + b"\n")
    elif json:
        sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
    else:
        from detector.report.check_text import stdout_console

        more = everything or verbose
        stdout_console().print(trust_text.render(record, notes=more, everything=more))
    if html is not None:
        from detector.report.page import write_page
        from detector.report.trust_page import trust_page

        paths = {
            "--root": [root] if root != Path("/") else [], "--home": homes or [], "--also": also or [],
            "--published-keys": [published] if published else [],
            "--policy": [policy] if policy else [], "--lists": [lists] if lists else [],
        }  # fmt: skip
        words = [word for name, given in paths.items() for one in given for word in (name, one)]
        again = ("tlsight", "trust", *map(str, words), *(("--all",) if everything else ()))
        write_page(html, trust_page(record, shlex.join(again)))
    worst = max((LEVELS.index(finding.level) for finding in done.findings), default=-1)
    return exit_codes.FOUND if worst >= LEVELS.index(fail_on) else exit_codes.CLEAN


def _demand_none_before(context: Context) -> None:
    """An option of the audit before a verb would be read by nobody."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            verb = context.invoked_subcommand
            raise ConfigError(f"--{parameter.name}", f"write it behind {verb}")


app.command("why")(why)
app.command("fix")(fix)
app.command("remove")(remove)
