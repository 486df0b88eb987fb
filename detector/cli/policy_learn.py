"""`tlsight policy learn`: the CA that answers for a host, as an entry of the policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.dates import last_day
from detector.cli.ending import say
from detector.cli.groups import grouped
from detector.cli.knowledge import ProofOptions
from detector.cli.options import Argument, Option, Verbs
from detector.cli.streams import print_line, write_file
from detector.cli.way import WayOptions
from detector.errors import ConfigError

if TYPE_CHECKING:
    from detector.evidence.examination import Examination
    from detector.pinning.policy_learning import Entry, PresentedCa

_TEXT = """
Show the CA that answers for a host from behind a gateway, and the lines by which the policy allows it.

What a connection shows is what an interceptor shows: so the lines are printed, and written only where --sha256 says
what its owner told you by another way. The digest may be that of the CA's certificate or of its key.

Examples

  tlsight policy learn github.com                                 who is it, and what would be written?
  tlsight policy learn github.com --policy policy.toml --sha256 HEX --decrypt "*" --never .bank.example
  tlsight policy learn intranet --private --policy policy.toml --sha256 HEX

Exit codes: 0 shown or written, 1 the digest is another's, 2 usage, also where there is nobody to
allow, 3 no handshake, 4 cannot write.
"""


def register(app: Verbs) -> None:
    """Add the verb."""
    app.command("learn")(learn)


@grouped
def learn(
    way: WayOptions,
    proof: ProofOptions,
    host: Annotated[str, Argument(help="host or host:port that is decrypted.")],
    policy: Annotated[
        Path | None,
        Option("--policy", help="The policy file to write.", envvar="TLSIGHT_POLICY"),
    ] = None,
    sha256: Annotated[
        str | None, Option("--sha256", metavar="HEX", help="What the CA's owner says it is.")
    ] = None,
    private: Annotated[
        bool, Option("--private", help="It is the CA of these names, not an interceptor's.")
    ] = False,
    decrypt: Annotated[
        list[str] | None,
        Option(
            "--decrypt",
            metavar="PATTERN",
            help="Hosts it may decrypt; may be repeated. The host alone when left out.",
        ),
    ] = None,
    never: Annotated[
        list[str] | None,
        Option("--never", metavar="PATTERN", help="Hosts it must not; may be repeated."),
    ] = None,
    name: Annotated[str, Option(help="What to call it; its CA's name when left out.")] = "",
    owner: Annotated[str, Option(help="Who runs it.")] = "",
    expires: Annotated[
        str | None, Option(metavar="DATE", help="Last day of the permission, 2027-06-30.")
    ] = None,
) -> int:
    from detector.knowledge.pins import curl_digest
    from detector.pinning.policy_learning import Entry, answered_for, presented

    if sha256 is not None and policy is None:
        raise ConfigError("--sha256", "no file to write is named", remedy="give --policy FILE")
    for option, value in (("--owner", owner), ("--never", never)):
        if private and value:
            raise ConfigError(option, "is of an interceptor; names of a private CA have none")
    until = last_day(expires)
    patterns = _patterns(decrypt), _patterns(never)
    if policy is not None:
        _text(policy)  # a broken file is told before anybody is asked
    seen = _seen(host, way, proof)
    if seen is None:
        return exit_codes.INCONCLUSIVE
    cas = presented(seen)
    ca = cas[-1] if sha256 is None else answered_for(cas, sha256)
    if ca is None:
        say(f"refused: nobody on the path to {seen.host} has that SHA-256; it showed:")
        _show(cas)
        say("ask the CA's owner again; this connection may be another's")
        return exit_codes.FOUND
    entry = Entry(
        "private" if private else "sanctioned", name or ca.name, ca.spki_sha256, patterns[0] or (seen.host,), patterns[1], owner, until,
        ca.name if ca.subject else "", bool(name),
    )  # fmt: skip
    if sha256 is None or policy is None:
        _show(cas)
        print_line("")
        write_file(_with_entry("", entry).encode())
        digest = ca.sha256 or ca.spki_sha256
        say(f"nothing is written: compare {digest} with what its owner tells you by another way")
        say("then: --sha256 HEX --policy FILE")
        return exit_codes.CLEAN
    _write(policy, entry)
    print_line(f"{policy}: {ca.name} ({curl_digest(ca.spki_sha256)}) for {', '.join(entry.names)}")
    print_line(f"use with: tlsight check --policy {policy} {host}")
    return exit_codes.CLEAN


def _seen(host: str, way: WayOptions, proof: ProofOptions) -> Examination | None:
    from detector.api import check as judge_targets
    from detector.judging.judge import examine

    with proof.opened() as opened:
        known = opened.knowledge
        targets = list(way.targets([host], None))
        (judgement,) = judge_targets(
            *targets, knowledge=known, options=way.probe_options(proof.roots)
        )
        seen = examine(judgement.observation, known)
        if seen is None:
            say(f"{host}: {judgement.summary}")
        return seen


def _show(cas: tuple[PresentedCa, ...]) -> None:
    for ca in cas:
        print_line(f"# {ca.subject or f'{ca.name} (its certificate was not sent)'}")
        if ca.sha256:
            print_line(f"#   certificate SHA-256  {ca.sha256}")
        print_line(f"#   key (SPKI) SHA-256   {ca.spki_sha256}")


def _write(path: Path, entry: Entry) -> None:
    from detector.knowledge.whole_file import locked, write_whole

    with locked(path):  # others may have written meanwhile
        write_whole(path, _with_entry(_text(path), entry).encode())


def _with_entry(text: str, entry: Entry) -> str:
    from functools import partial

    from detector.knowledge.hosts import key_digest
    from detector.knowledge.pins import curl_digest
    from detector.pinning.policy_learning import with_entry

    return with_entry(text, entry, curl_digest, partial(key_digest, "policy"))


def _text(path: Path) -> str:
    """The policy as it is; a broken one is not written over. Raises ConfigError."""
    from detector.knowledge.policy import load_policy

    if not path.exists():
        return ""
    load_policy(path)
    return path.read_text(encoding="utf-8")


def _patterns(texts: list[str] | None) -> tuple[str, ...]:
    """Normalised. Raises ConfigError."""
    from detector.knowledge.hosts import host_pattern

    return tuple(host_pattern(Path("policy learn"), text).text for text in texts or ())


learn.__doc__ = _TEXT
