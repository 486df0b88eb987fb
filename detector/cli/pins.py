"""`tlsight pins`: learn, check, show and export pins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from detector.cli import exit_codes
from detector.cli.dates import last_day
from detector.cli.ending import say
from detector.cli.groups import grouped
from detector.cli.knowledge import ProofOptions, Roots
from detector.cli.options import Argument, Option, Verbs
from detector.cli.output import Json, Verbose
from detector.cli.streams import print_line, write_file, write_json
from detector.cli.waiting import Waiting
from detector.cli.way import WayOptions
from detector.errors import CertificateError, ConfigError
from detector.model.targets import host_text, parse_target

if TYPE_CHECKING:
    from detector.known.knowledge import Knowledge, Pin
    from detector.model.observation import Judgement, Target
    from detector.pinning.drift import Drift

app = Verbs(no_args_is_help=True, help="Pins of hosts: learn, check, show, export.")

PinFile = Annotated[Path, Option("--pins", help="TOML file of pins.", envvar="TLSIGHT_PINS")]


@app.command("learn")
@grouped
def learn(
    way: WayOptions,
    proof: ProofOptions,
    hosts: Annotated[list[str], Argument(help="host or host:port.", values="hosts")],
    pins: PinFile,
    key: Annotated[
        str,
        Option(
            help="Whose key to pin: leaf, or issuer, which outlives renewals.",
            values=("leaf", "issuer"),
        ),
    ] = "leaf",
    note: Annotated[str, Option(help="Why; kept with the pin.")] = "",
    expires: Annotated[
        str | None, Option(metavar="DATE", help="Last day of the pin, 2027-06-30.")
    ] = None,
    anyway: Annotated[
        bool, Option("--anyway", help="Learn also where nothing proves who answers.")
    ] = False,
) -> int:
    """Pin what hosts show now, if it is proven that they show it.

    Exit codes: 0 learned, 1 refused because the verdict is not direct, 3 no handshake.
    """
    from detector.judging.judge import examine
    from detector.knowledge.pins import curl_digest
    from detector.knowledge.whole_file import locked, write_whole
    from detector.pinning.learning import learned_pin, with_pin

    if key not in ("leaf", "issuer"):
        raise ConfigError("--key", f"{key!r} is neither leaf nor issuer")
    until = last_day(expires)
    _text(pins)  # a broken file is told before anybody is asked
    code = exit_codes.CLEAN
    learned: list[Pin] = []
    lines: list[str] = []
    for judgement, known in _judged(_parse(hosts, way), way, proof):
        host = host_text(judgement.observation.target)
        seen = examine(judgement.observation, known)
        if seen is None:
            _warn(f"{host}: {judgement.summary}")
            code = exit_codes.worst(code, exit_codes.INCONCLUSIVE)
        elif judgement.verdict != "direct" and not anyway:
            why = f"refused: the verdict is {judgement.verdict}, so the key may not be the host's"
            _warn(f"{host}: {why}; see tlsight check {host}, or say --anyway")
            code = exit_codes.FOUND
        else:
            pin = learned_pin(seen, key, note=note, expires=until)  # type: ignore[arg-type]
            learned.append(pin)
            lines.append(f"{host}: pinned {curl_digest(pin.spki[0])} ({judgement.verdict})")
    if learned:
        with locked(pins):
            text = _text(pins)  # others may have learned meanwhile
            for pin in learned:
                text = with_pin(text, pin, curl_digest)
            write_whole(pins, text.encode())
        for line in lines:
            print_line(line)
        print_line(f"use with: tlsight check --pins {pins}")
    return code


@app.command("check")
@grouped
def check(
    way: WayOptions,
    proof: ProofOptions,
    pins: PinFile,
    hosts: Annotated[
        list[str] | None, Argument(help="Only these; all pinned hosts when left out.")
    ] = None,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Ask every pinned host and report what changed since its pin was learned.

    unchanged, backup: the pin holds. renewed, moved: another key, explained by Certificate
    Transparency. unconfirmed, unexplained: look closely.

    Exit codes: 0 all explained, 1 something is not, 3 no handshake with some host.
    """
    from detector.judging.judge import examine
    from detector.knowledge.pins import load_pins
    from detector.known.knowledge import pins_for
    from detector.pinning.drift import drift
    from detector.report.digests import digests

    table = load_pins(pins)
    wanted = _parse(hosts or _plain(table), way)
    code = exit_codes.CLEAN
    for judgement, known in _judged(wanted, way, proof, shown=not json):
        target = judgement.observation.target
        host = host_text(target)
        seen = examine(judgement.observation, known)
        pinned = pins_for(table, target.host, target.port)
        if seen is None:
            _warn(f"{host}: {judgement.summary}")
            code = exit_codes.worst(code, exit_codes.INCONCLUSIVE)
        elif not pinned:
            _warn(f"{host}: no pin")
            code = exit_codes.worst(code, exit_codes.USAGE)
        else:
            try:
                found = min((drift(pin, seen) for pin in pinned), key=lambda d: not d.explained)
            except CertificateError as error:
                _warn(f"{host}: {error}")
                code = exit_codes.FOUND
                continue
            _tell(found, host, json=json)
            if verbose and not json:
                for label, text in digests(judgement, verbose=True):
                    print_line(f"  {label:12} {text}")
            if not found.explained:
                code = exit_codes.FOUND
    return code


@app.command("show")
def show(pins: PinFile) -> int:
    """Show the pins of a file."""
    from detector.knowledge.pins import curl_digest, load_pins
    from detector.model.harmless import harmless
    from detector.report.check_text import stdout_console
    from detector.report.layout import Cell, Column, Fitted

    columns = (
        Column("host", kind="name"), Column("kind", kind="figure"), Column("key or owner", kind="figure"),
        Column("expires", kind="figure", minor=1), Column("note", minor=2),
    )  # fmt: skip
    shown: list[tuple[Cell, ...]] = []
    for pin in load_pins(pins):
        rows = [("key", curl_digest(key)) for key in pin.spki]
        rows += [("backup", curl_digest(key)) for key in pin.backup]
        rows += [("issuer", curl_digest(key)) for key in pin.issuers]
        rows += [("owner", owner) for owner in pin.owners]
        until = pin.expires.isoformat() if pin.expires else ""
        for number, (kind, value) in enumerate(rows):
            first = (pin.place, until, pin.note) if number == 0 else ("", "", "")
            texts = (first[0], kind, value, *first[1:])
            shown.append(tuple((harmless(text), "") for text in texts))
    stdout_console().print(Fitted(columns, shown))
    return exit_codes.CLEAN


@app.command("export")
def export(
    pins: PinFile,
    form: Annotated[
        str,
        Option(
            "--format",
            help="curl, okhttp, android, nginx-upstream or python.",
            values="pin_formats",
        ),
    ],
    hosts: Annotated[
        list[str] | None, Argument(help="Only these hosts' pins.", values="hosts")
    ] = None,
    folder: Annotated[
        Path | None,
        Option("--dir", help="For nginx-upstream: where to write HOST.pem, the host's CA."),
    ] = None,
    roots: Roots = None,
) -> int:
    """Write the pins as configuration or code of another program, on stdout."""
    from detector.knowledge.pins import base64_digest, load_pins
    from detector.pinning.export import FORMATS
    from detector.pinning.export import export as rendered

    if form not in FORMATS:
        raise ConfigError("--format", f"{form!r} is none of {', '.join(FORMATS)}")
    table = load_pins(pins)
    if hosts:
        table = _only(table, hosts)
    if not table:
        raise ConfigError(str(pins), "has no pin for that")
    if form == "nginx-upstream" and folder is not None:
        _write_anchors(table, folder, roots)
    found = rendered(table, form, base64_digest)
    for warning in found.warnings:
        _warn(warning)
    write_file(found.text.encode())
    return exit_codes.CLEAN


def _write_anchors(table: tuple[Pin, ...], folder: Path, roots: Path | None) -> None:
    import ssl

    from detector.knowledge.assemble import assemble
    from detector.knowledge.whole_file import write_whole
    from detector.pinning.export import anchor_file

    anchors = {anchor.sha256: anchor for anchor in assemble(roots=roots).public.certificates}
    for pin in table:
        anchor = anchors.get(pin.learned.anchor or "") if pin.learned else None
        if anchor is None:
            _warn(f"{pin.place}: its CA is not known; learn the pin again")
            continue
        write_whole(folder / anchor_file(pin), ssl.DER_cert_to_PEM_cert(anchor.der).encode())


def _judged(
    targets: list[Target], way: WayOptions, proof: ProofOptions, *, shown: bool = True
) -> list[tuple[Judgement, Knowledge]]:
    """Each target's judgement. Without pins: learning and drift look at the host as it is."""
    from contextlib import ExitStack

    from detector.api import check as judge_targets

    with proof.opened() as opened:
        known = opened.knowledge
        waiting = Waiting("waiting for {} to answer", shown=shown, total=len(targets))
        with waiting, ExitStack() as under_way:
            for target in targets:
                under_way.enter_context(waiting.target(target))
            found = judge_targets(*targets, knowledge=known, options=way.probe_options(proof.roots))
        return [(judgement, known) for judgement in found]


def _plain(table: tuple[Pin, ...]) -> list[str]:
    """Hosts that can be asked: patterns name none."""
    names = dict.fromkeys(pin.place for pin in table)
    for name in names:
        if name.startswith((".", "*")):
            _warn(f"{name}: a pattern; give a host to ask")
    return [name for name in names if not name.startswith((".", "*"))]


def _only(table: tuple[Pin, ...], hosts: list[str]) -> tuple[Pin, ...]:
    """The pins for these hosts, where a port is named only those for it."""
    wanted = [parse_target(text, port=0) for text in hosts]  # 0: any

    def is_wanted(pin: Pin) -> bool:
        return any(
            pin.host.matches(one.host) and (not one.port or pin.port in (None, one.port))
            for one in wanted
        )

    return tuple(filter(is_wanted, table))


def _parse(hosts: list[str], way: WayOptions) -> list[Target]:
    return list({(t.host, t.port): t for t in way.targets(hosts, None)}.values())


def _text(path: Path) -> str:
    from detector.knowledge.pins import load_pins

    if not path.exists():
        return ""
    load_pins(path)  # a broken file is not written over
    return path.read_text(encoding="utf-8")


def _tell(found: Drift, place: str, *, json: bool) -> None:
    import msgspec

    if json:
        record = {"schema": "tlsight.pins/1", **msgspec.structs.asdict(found)}
        write_json(record)
        return
    mark = "✓" if found.explained else "✗"
    print_line(f"{mark} {place}  {found.kind}: {found.text}")
    if found.kind in ("renewed", "moved"):
        print_line(f"  learn it: tlsight pins learn {place}")


def _warn(text: str) -> None:
    say(text)
