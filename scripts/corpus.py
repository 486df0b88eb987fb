"""Judge every chain and capture below a folder, each file by itself, in parallel, and say what came of it.

    make corpus DIR=folder
    python scripts/corpus.py folder --issuers known.toml --together

Read are PEM and DER chains (leaf first), observations that `check --save` wrote, and captures, packed or not, also
inside of tar archives; what a file is, its first bytes tell. Offline, with the shipped tables: no store, no roots of this
machine. A chain is asked for by the leaf's own first name, on the day after the leaf became valid.

Told are the verdicts, every accusation with its reasons, tracebacks and slow files. Where a folder has what Zeek says of
its captures (baselines.tar.gz, as in tests/data/zeek), what is read of them is held against it: see zeek_agreement.py.
Exit code 1: a traceback, a file that took longer than --limit, a disagreement with Zeek that nothing explains, or, with
--honest, an accusation. 2: no such folder, or nothing in it to judge.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import signal
import sys
import tarfile
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from zeek_agreement import BASELINES, compare, tell

from detector.chain.certificate import MAX_PEM, read_certificate
from detector.cli.judge import parse_time
from detector.errors import TlsightError
from detector.judging.judge import judge_all
from detector.knowledge.assemble import assemble
from detector.known.knowledge import Knowledge
from detector.model.observation import Judgement, Observation
from detector.runs.captures import CaptureRun
from detector.runs.saved import read_observations

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
MAX_MEMBER = 1 << 30
MAX_ARCHIVE = 16 << 30
_CAPTURES = tuple(
    bytes.fromhex(text)
    for text in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a", "1f8b")
)
_SLOWEST = 10
_SLOW = 2.0


@dataclass(frozen=True)
class Verdict:
    """One judgement as it is told."""

    host: str
    verdict: str
    decided_by: str
    interceptor: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of one file. `kind` is empty where it is none of ours."""

    name: str
    kind: str = ""
    seconds: float = 0.0
    verdicts: tuple[Verdict, ...] = ()
    unread: str = ""
    crash: str = ""


@dataclass(frozen=True)
class How:
    """What every file is judged with."""

    issuers: Path | None = None
    roots: Path | None = None
    at: datetime | None = None
    limit: float = 120.0


def main(words: list[str] | None = None) -> int:
    options = _options(words)
    folder = Path(options.folder)
    if not options.folder or not folder.is_dir():
        said = f"{options.folder}: no such folder" if options.folder else "which folder?"
        print(f"corpus: {said}; make corpus DIR=folder", file=sys.stderr)
        return 2
    how = How(options.issuers, options.roots, options.at, options.limit)
    begun = time.monotonic()
    with ExitStack() as stack:
        outcomes = list(_outcomes(_files(folder, stack), how, options.jobs))
        if options.together:
            outcomes.append(_together(_files(folder, stack), how))
    judged = [outcome for outcome in outcomes if outcome.kind]
    if options.each:
        for outcome in judged:
            for found in outcome.verdicts:
                print(
                    _plain(f"{found.verdict:14}{found.decided_by:32}{outcome.name}  {found.host}")
                )
        print()
    _tell(judged, time.monotonic() - begun, len(outcomes) - len(judged))
    if not judged:
        print(f"corpus: nothing to judge below {folder}", file=sys.stderr)
        return 2
    crashed = any(outcome.crash for outcome in judged)
    agreed = [_with_zeek(place) for place in sorted({p.parent for p in folder.rglob(BASELINES)})]
    accused = any(v.verdict == "intercepted" for outcome in judged for v in outcome.verdicts)
    return 1 if crashed or not all(agreed) or (options.honest and accused) else 0


def _options(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="corpus", description="Judge all below a folder.")
    parser.add_argument("folder", nargs="?", default="")
    parser.add_argument("--issuers", type=Path, help="what logs know, as judge takes it")
    parser.add_argument("--roots", type=Path, help="what public means, as judge takes it")
    parser.add_argument("--at", type=parse_time, help="judge chains then")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=How.limit, help="seconds a file may take")
    parser.add_argument("--honest", action="store_true", help="accusations are faults")
    parser.add_argument("--each", action="store_true", help="say every verdict")
    parser.add_argument("--together", action="store_true", help="all chains as one run, too")
    return parser.parse_args(words)


def _files(folder: Path, stack: ExitStack) -> Iterator[tuple[str, Path]]:
    """Every file with the name that it is told by; archives are unpacked beside."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = str(path.relative_to(folder))
        if not path.name.endswith(ARCHIVES):
            yield name, path
            continue
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corpus-")))
        try:
            left = MAX_ARCHIVE
            with tarfile.open(path) as archive:
                for member in archive:
                    if member.isfile() and member.size <= min(MAX_MEMBER, left):
                        left -= member.size
                        try:
                            archive.extract(member, place, filter="data")
                        except tarfile.FilterError as error:
                            print(f"corpus: {name}: {error}", file=sys.stderr)
                            continue
                        yield f"{name}!{member.name}", place / member.name
        except (tarfile.TarError, OSError, EOFError) as error:
            print(f"corpus: {name}: {error}", file=sys.stderr)


def _outcomes(files: Iterable[tuple[str, Path]], how: How, jobs: int) -> Iterator[Outcome]:
    # Spawned, so that each process begins with what a run of the command begins with.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max(1, jobs), context, _begin, (how,)) as pool:
        yield from pool.map(_judge_file, *zip(*files, strict=True), chunksize=1)


_known: Knowledge
_how: How


def _begin(how: How) -> None:
    global _known, _how  # noqa: PLW0603 (one a process)
    _how = how
    _known = assemble(local=False, issuers=how.issuers, roots=how.roots)


class TooLong(BaseException):
    """Of no other kind, so that nothing that reads files takes it for a fault of the file."""


def _judge_file(name: str, path: Path) -> Outcome:
    kind = _kind(path)
    if not kind:
        return Outcome(name)
    begun = time.monotonic()
    signal.signal(signal.SIGALRM, _out_of_time)
    try:
        signal.setitimer(signal.ITIMER_REAL, _how.limit)
        outcome = _judged(Outcome(name, kind), path)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except TooLong:
        outcome = Outcome(name, kind, crash=traceback.format_exc())
    return replace(outcome, seconds=time.monotonic() - begun)


def _judged(outcome: Outcome, path: Path) -> Outcome:
    try:
        capture = outcome.kind == "capture"
        judgements = _capture(path) if capture else judge_all(_chains(path, _how), _known)
        return replace(outcome, verdicts=tuple(_verdict(found) for found in judgements))
    except TlsightError as error:
        return replace(outcome, unread=str(error))
    except Exception:  # what this program looks for
        return replace(outcome, crash=traceback.format_exc())


def _out_of_time(*_: object) -> None:
    raise TooLong(f"not judged within {_how.limit:g} s")


def _kind(path: Path) -> str:
    """What a file's first bytes say it is: "capture", "chain", "observations", or nothing of ours."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start[:2] == b"\x1f\x8b":
                file.seek(0)
                start = gzip.GzipFile(fileobj=file).read(4)
            if start.startswith(_CAPTURES):
                return "capture"
            file.seek(0)
            text = file.read(MAX_PEM)
    except (OSError, EOFError):
        return ""
    if b"-----BEGIN CERTIFICATE-----" in text:
        return "chain"
    if text[:1] == b"{" and b'"chain"' in text[: 1 << 20]:
        return "observations"
    return "chain" if text[:2] == b"\x30\x82" and path.suffix in (".der", ".cer", ".crt") else ""


def _chains(path: Path, how: How) -> list[Observation]:
    """The observations of a file, those of chains on a day when the leaf was valid."""
    found = read_observations(path.read_bytes(), None, how.at)
    if how.at is not None or path.read_bytes()[:1] == b"{":
        return found
    return [
        replace(seen, at=read_certificate(seen.chain[0]).not_before + timedelta(days=1))
        for seen in found
    ]


def _capture(path: Path) -> Iterator[Judgement]:
    for one in CaptureRun(files=(str(path),)).begin(_known):
        if one.judgement is not None:
            yield one.judgement


def _together(files: Iterable[tuple[str, Path]], how: How) -> Outcome:
    """All chains as if one run had seen them."""
    begun = time.monotonic()
    observations: list[Observation] = []
    for _, path in files:
        if _kind(path) in ("chain", "observations"):
            try:
                observations += _chains(path, how)
            except TlsightError:
                continue  # told with its file
    outcome = Outcome("(all chains together)", "together")
    try:
        known = assemble(local=False, issuers=how.issuers, roots=how.roots)
        verdicts = tuple(_verdict(found) for found in judge_all(observations, known))
        return replace(outcome, verdicts=verdicts, seconds=time.monotonic() - begun)
    except Exception:  # what this program looks for
        return replace(outcome, crash=traceback.format_exc())


def _with_zeek(place: Path) -> bool:
    """Whether every difference from Zeek is explained; told where it is."""
    found = compare(place)
    print(f"\nagreement with Zeek, {place}:")
    tell(found, every=True)
    return found.holds


def _verdict(found: Judgement) -> Verdict:
    who = found.interceptor
    reasons = tuple(
        f"{evidence.id} ({evidence.strength}): {evidence.text}"
        for evidence in found.evidence
        if evidence.points == "intercepted" and evidence.strength != "weak"
    )
    return Verdict(
        found.observation.target.host,
        found.verdict,
        found.decided_by,
        (who.product or who.engine or who.issuer) if who is not None else "",
        reasons,
    )


def _tell(outcomes: list[Outcome], seconds: float, others: int) -> None:
    kinds = Counter(outcome.kind for outcome in outcomes)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    print(f"{len(outcomes)} files ({told}), {others} others, {seconds:.1f} s")
    verdicts = Counter((v.verdict, v.decided_by) for o in outcomes for v in o.verdicts)
    print(f"\n{'verdict':14}{'decided by':32}{'count':>6}")
    for (verdict, row), count in sorted(verdicts.items()):
        print(f"{verdict:14}{row:32}{count:6}")
    unread = [outcome for outcome in outcomes if outcome.unread]
    _section("not read", [f"{o.name}: {o.unread}" for o in unread])
    accusations = [(o, v) for o in outcomes for v in o.verdicts if v.verdict == "intercepted"]
    lines = []
    for outcome, found in accusations:
        lines.append(f"{outcome.name}  {found.host}  [{found.decided_by}] {found.interceptor}")
        lines += [f"    {reason}" for reason in found.reasons]
    _section("accusations", lines, len(accusations))
    slow = sorted((o for o in outcomes if o.seconds > _SLOW), key=lambda o: -o.seconds)
    _section("slow files", [f"{o.seconds:6.1f} s  {o.name}" for o in slow[:_SLOWEST]], len(slow))
    crashes = [outcome for outcome in outcomes if outcome.crash]
    _section("tracebacks", [f"{o.name}\n{o.crash}" for o in crashes], len(crashes))


def _section(title: str, lines: list[str], count: int | None = None) -> None:
    print(f"\n{title}: {len(lines) if count is None else count}")
    for line in lines:
        print(_plain(f"  {line}"))


def _plain(text: str) -> str:
    """Names in certificates are anybody's."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


if __name__ == "__main__":
    sys.exit(main())
