"""`tlsight trust`: every place on this machine where trust is decided, and what stands out there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detector.cli import exit_codes
from detector.cli.knowledge import Lists, PolicyFile, installed_lists
from detector.cli.output import Json, Verbose
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.trust.model import TrustKnowledge

_TEXT = """
Audit this machine's trust: bundles, NSS databases, Java keystores, Python's copies, Node, and the
variables and settings that redirect it.

Flags keys that everybody has, roots of products that intercept, roots that no public program has,
weak and expired ones, and verification that is turned off. Tells which file each tool goes by.

[bold]Examples[/]

  tlsight trust
  tlsight trust --sarif > trust.sarif
  tlsight trust --root /mnt/image        another machine's files
  tlsight trust --also keystore.jks --also ./nssdb
  tlsight trust --policy policy.toml     declared CAs are notes

[bold]Exit codes[/]: 0 nothing stands out, 1 findings of --fail-on or worse, 2 usage.
"""


def trust(
    root: Annotated[
        Path, typer.Option("--root", help="Where the file system begins; also a mounted image.")
    ] = Path("/"),
    homes: Annotated[
        list[Path] | None, typer.Option("--home", help="A user's home; may be repeated.")
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--also", help="One more bundle, NSS database or keystore; may be repeated."),
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option("--published-keys", help="TOML file of more keys that everybody has."),
    ] = None,
    policy: PolicyFile = None,
    lists: Lists = None,
    json: Json = False,
    sarif: Annotated[bool, typer.Option("--sarif", help="SARIF 2.1.0 on stdout.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Show public roots too, and notes.")
    ] = False,
    verbose: Verbose = False,
    fail_on: Annotated[
        str, typer.Option(help="First level that makes the exit code 1: note, warning, error.")
    ] = "warning",
) -> int:
    import os

    import msgspec

    from detector import clock
    from detector.knowledge.trust_tables import trust_tools
    from detector.report import trust as report
    from detector.stores.survey import survey
    from detector.trust.audit import audit
    from detector.trust.model import LEVELS
    from detector.trust.precedence import tool_trust

    if fail_on not in LEVELS:
        raise ConfigError("--fail-on", f"{fail_on!r} is none of {', '.join(LEVELS)}")
    for path in (root, *(homes or ()), *(also or ())):
        if not path.exists():
            raise ConfigError(str(path), "no such file or folder")
    known = _known(policy, lists, published)
    here = root.resolve() == Path("/")
    ours = {name: value for name, value in os.environ.items() if name.startswith("TLSIGHT_")}
    found = survey(
        os.environ if here else ours, trust_tools(), clock.now(),
        root=root.resolve(), homes=homes, also=also or (),
    )  # fmt: skip
    findings = audit(found, known)
    tools = tool_trust(trust_tools(), found)
    public = frozenset(known.public) | {c.sha256 for c in known.known.public.certificates}
    record = report.record(found, findings, tools, public, everything=everything)
    if sarif:
        sys.stdout.buffer.write(report.sarif(findings) + b"\n")
    elif json:
        sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
    else:
        from detector.report.check_text import stdout_console

        shown = report.render(record, notes=everything or verbose, everything=everything or verbose)
        stdout_console().print(shown)
    worst = max((LEVELS.index(finding.level) for finding in findings), default=-1)
    return exit_codes.FOUND if worst >= LEVELS.index(fail_on) else exit_codes.CLEAN


def _known(policy: Path | None, lists: Path | None, published: Path | None) -> TrustKnowledge:
    from dataclasses import replace

    from detector import clock
    from detector.knowledge.assemble import assemble
    from detector.knowledge.shipped import load_published_keys
    from detector.knowledge.trust_tables import public_roots
    from detector.known.knowledge import PublishedKeys
    from detector.trust.model import TrustKnowledge

    installed = installed_lists(lists)
    known = assemble(policy=policy, lists=installed, local=False)
    if published is not None:
        keys = (*known.published.keys, *load_published_keys(published).keys)
        known = replace(known, published=PublishedKeys(keys))
    owners = installed.ca_owners()
    public = {**(owners.roots if owners else {}), **public_roots()}
    return TrustKnowledge(known, public, clock.now().date())


trust.__doc__ = _TEXT
