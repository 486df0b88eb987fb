"""`tlsight trust why`: which store a program reads here, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.groups import grouped
from detector.cli.options import Argument, Option
from detector.cli.output import Json, Verbose
from detector.cli.surveyed import Homes, Root
from detector.cli.waiting import Waiting
from detector.cli.way import WayOptions

if TYPE_CHECKING:
    from detector.chain.certificate import Certificate

_TEXT = """
Tell which store a program reads here and why, whether it holds a root, and the line that adds it.

Each setting that wins or loses is named by file and line; what the program runs on counts as well. The root is that
of --ca, or the one that the chain of URL ends under; a chain is only compared, and nothing of it is ever trusted.

Examples

  tlsight trust why pip
  tlsight trust why npm https://registry.npmjs.org/
  tlsight trust why git --ca corp-ca.pem
  tlsight trust why node --root /mnt/image

Exit codes: 0 told, 1 the root is in no store that the program reads, or a setting turns verification off,
2 usage, also a program that is not known, 3 no handshake to look at.
"""


@grouped
def why(
    way: WayOptions,
    program: Annotated[
        str, Argument(help="Its command or name, e.g. pip, npm, git, java.", values="programs")
    ],
    url: Annotated[
        str | None, Argument(help="Whom it asks: host, host:port or URL.", values="hosts")
    ] = None,
    ca: Annotated[
        Path | None, Option("--ca", help="File of the CA's certificate, to look for it.")
    ] = None,
    root: Root = Path("/"),
    homes: Homes = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    from detector.auditing.why import Sought
    from detector.model.targets import parse_target
    from detector.report.trust_why_json import why_record
    from detector.runs.trust_ca import read_ca
    from detector.runs.trust_why import WhyRun, program_named

    program_named(program)
    host = parse_target(url).host if url else ""
    sought = Sought(ca=read_ca(ca)) if ca else Sought()
    unseen = False
    if url and ca is None:
        chain = _chain(way, url, shown=not json)
        sought, unseen = Sought(chain=chain), not chain
    done = WhyRun(
        program, root=root, homes=tuple(homes) if homes else None, folder=Path.cwd(), ca=ca,
        sought=sought, host=host,
    ).answer()  # fmt: skip
    record = why_record(done)
    if json:
        from detector.cli.streams import write_json

        write_json(record)
    else:
        from detector.report.check_text import stdout_console
        from detector.report.trust_why_text import render

        stdout_console().print(render(record, everything=verbose), crop=False)
    if unseen:
        return exit_codes.INCONCLUSIVE
    return exit_codes.FOUND if done.holds is False or done.unsafe else exit_codes.CLEAN


def _chain(way: WayOptions, url: str, *, shown: bool) -> tuple[Certificate, ...]:
    """What the server sends, as `check` sees it; empty where there is no handshake."""
    from detector.cli.ending import say
    from detector.model.targets import host_text
    from detector.net.briefly import run_briefly
    from detector.net.probe import probe
    from detector.runs.trust_why import chain_of

    (target,) = way.targets([url], None)
    with Waiting("waiting for {} to answer", shown=shown) as waiting, waiting.target(target):
        seen = run_briefly(probe(target, way.probe_options()))
    if not seen.chain:
        reason = seen.failure.text if seen.failure else "no certificate"
        asked = host_text(target) if "@" in url else url  # a login is not repeated
        say(f"{asked}: {reason}; tlsight diagnose {asked} tells why")
    return tuple(chain_of(seen.chain))


why.__doc__ = _TEXT
