"""Compare what is read of Zeek's test traces with what Zeek's own tests say of them, and tell who is right.

    python scripts/zeek_agreement.py [tests/data/zeek] [--all]

The folder holds traces.tar.gz, baselines.tar.gz (the ssl.log of each test, tests.tsv says of which traces, and Zeek's
licence) and disagreements.toml. Each row of a ssl.log is compared, column by column, with the row that `pcap --zeek`
writes of the same connection; a connection that only one of the two knows is the column "row". A disagreement has to
have its row in disagreements.toml, with who is right and why. Exit code 1: one has none, or a row there is stale. 2: no
such folder.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from detector.capture.keylog import KeyLog
from detector.capture.tally import Tally
from detector.report.pcap_zeek import SSL_COLUMNS, line, spoke_tls, ssl_values
from detector.runs.packets import Capture

DATA = Path(__file__).parents[1] / "tests/data/zeek"
BASELINES = "baselines.tar.gz"
ROW = "row"
COMPARED = (
    "version", "cipher", "curve", "server_name", "resumed", "last_alert", "next_protocol",
    "established", "cert_chain_fps", "client_cert_chain_fps", "sni_matches_cert",
)  # fmt: skip
_ENDS = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
Row = dict[str, str]


class Disagreement(msgspec.Struct, frozen=True, order=True):
    """One value in which Zeek and we differ.

    Attributes:
        trace: the capture, below Zeek's folder of traces.
        connection: client and server.
        field: column of ssl.log; "row" where one of the two has no such connection at all.

    """

    trace: str
    connection: str
    field: str
    zeek: str
    ours: str


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why Zeek and we differ: one row of disagreements.toml; `connection` "*" means each of the trace."""

    trace: str
    field: str
    zeek: str
    ours: str
    right: str
    why: str
    connection: str = "*"

    def explains(self, one: Disagreement) -> bool:
        """Whether this is meant."""
        return (
            self.connection in ("*", one.connection)
            and (self.trace, self.field) == (one.trace, one.field)
            and (self.zeek, self.ours) == (one.zeek, one.ours)
        )


class Agreement(msgspec.Struct, frozen=True):
    """What the comparison gave.

    Attributes:
        rows: how many connections were compared.
        logs, bare: how many logs there are; of those, without a header to tell the columns by.
        same, differing: values by column.
        explained: disagreements with their reasons.
        unexplained: those without.
        stale: reasons that nothing needs.

    """

    rows: int
    logs: int
    bare: int
    same: Mapping[str, int]
    differing: Mapping[str, int]
    explained: tuple[tuple[Disagreement, Reason], ...]
    unexplained: tuple[Disagreement, ...]
    stale: tuple[Reason, ...]

    @property
    def holds(self) -> bool:
        """Nothing is left to explain."""
        return not self.unexplained and not self.stale


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="zeek_agreement", description="Compare with Zeek.")
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    parser.add_argument("--all", action="store_true", help="also say what is explained")
    options = parser.parse_args(words)
    if not (options.folder / BASELINES).is_file():
        print(f"zeek_agreement: {options.folder}: no {BASELINES} in it", file=sys.stderr)
        return 2
    found = compare(options.folder)
    tell(found, every=options.all)
    return 0 if found.holds else 1


def compare(folder: Path) -> Agreement:
    """Everything below `folder`, as the docstring of this file says."""
    reasons = read_reasons(folder / "disagreements.toml")
    same, differing = dict.fromkeys((ROW, *COMPARED), 0), dict.fromkeys((ROW, *COMPARED), 0)
    rows = logs = bare = 0
    met: set[Disagreement] = set()
    read: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="zeek-") as place:
        with tarfile.open(folder / "traces.tar.gz") as archive:
            archive.extractall(place, filter="data")
        for names, theirs in baselines(folder / BASELINES):
            logs += 1
            if not theirs:
                bare += 1
                continue
            for name in names:
                if name not in read:
                    read[name] = our_rows(Path(place, "zeek/traces", name))
            for trace, zeek, row in _paired(theirs, {name: read[name] for name in names}):
                rows += zeek is not None and row is not None
                for field, one, other in _values(zeek, row):
                    (same if one == other else differing)[field] += 1
                    if one != other:
                        met.add(Disagreement(trace, _ends(zeek or row or {}), field, one, other))
    return _explained((rows, logs, bare), same, differing, sorted(met), reasons)


def _values(zeek: Row | None, row: Row | None) -> Iterator[tuple[str, str, str]]:
    """Column, what Zeek says in it, what we say."""
    if zeek is None or row is None:
        yield ROW, "no row" if zeek is None else "a row", "no row" if row is None else "a row"
        return
    yield ROW, "a row", "a row"
    for field in COMPARED:
        if field in zeek:
            yield field, zeek[field], row[field]


def read_reasons(path: Path) -> list[Reason]:
    """The rows of a table of reasons."""
    return msgspec.convert(tomllib.loads(path.read_text())["reason"], list[Reason])


def tell(found: Agreement, *, every: bool) -> None:
    """In lines on stdout."""
    print(
        f"{found.rows} rows of {found.logs} logs compared; {found.bare} logs are without a header\n"
    )
    print(f"{'column':24}{'same':>6}{'other':>7}")
    for field in (ROW, *COMPARED):
        print(f"{field:24}{found.same[field]:6}{found.differing[field]:7}")
    by = [reason.right for _, reason in found.explained]
    counts = ", ".join(f"{right} right in {by.count(right)}" for right in sorted(set(by)))
    print(f"\nexplained disagreements: {len(found.explained)} ({counts})")
    for one, reason in found.explained if every else ():
        print(f"  {_told(one)}\n      {reason.right} right: {reason.why}")
    print(f"unexplained disagreements: {len(found.unexplained)}")
    for one in found.unexplained:
        print(f"  {_told(one)}")
    print(f"stale reasons: {len(found.stale)}")
    for reason in found.stale:
        print(f"  {reason.trace}  {reason.field}: {reason.zeek} / {reason.ours}")


def baselines(path: Path) -> Iterator[tuple[list[str], list[Row]]]:
    """The traces that a test reads, with all rows of its ssl.log."""
    with tarfile.open(path) as archive:
        texts = {
            Path(member.name).name: _content(archive, member).decode()
            for member in archive
            if member.isfile()
        }
    for record in texts["tests.tsv"].splitlines()[1:]:
        test, log, traces = record.split("\t")
        yield traces.split(" "), list(_rows(texts[f"{test}__{log}"]))


def _rows(text: str) -> Iterator[Row]:
    """Nothing of a log that the test cut columns out of: it has no header to tell them by."""
    fields: list[str] = []
    for one in text.splitlines():
        if one.startswith("#fields\t"):
            fields = one.split("\t")[1:]
        elif fields and one and not one.startswith("#"):
            yield dict(zip(fields, one.split("\t"), strict=True))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None
    with file:
        return file.read()


def our_rows(path: Path) -> list[Row]:
    """The rows that we would write of a capture."""
    return [
        dict(zip(SSL_COLUMNS, line(SSL_COLUMNS, ssl_values(c))[:-1].split("\t"), strict=True))
        for c in Capture(KeyLog()).connections(str(path), Tally())
        if spoke_tls(c)
    ]


def _paired(
    theirs: list[Row], ours: dict[str, list[Row]]
) -> Iterator[tuple[str, Row | None, Row | None]]:
    """Trace, Zeek's row and ours of the same connection; None where one of the two has none.

    Zeek's originator is who sent the first packet, ours who sent the ClientHello. A trace of which Zeek has no row
    at all was not asked for rows: some tests read several traces and log of one.

    """
    left: dict[tuple[str, ...], list[tuple[str, Row]]] = {}
    for trace, rows in ours.items():
        for row in rows:
            left.setdefault(_key(row), []).append((trace, row))
    logged: set[str] = set()
    for zeek in theirs:
        found = left.get(_key(zeek)) or left.get(_turned(_key(zeek)))
        if not found:
            yield "+".join(ours), zeek, None
            continue
        trace, row = found.pop(0)
        logged.add(trace)
        yield trace, zeek, row
    for rows_left in left.values():
        for trace, row in rows_left:
            if trace in logged or len(ours) == 1:
                yield trace, None, row


def _key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in _ENDS)


def _turned(key: tuple[str, ...]) -> tuple[str, ...]:
    return (*key[2:], *key[:2])


def _ends(row: Row) -> str:
    client, client_port, server, server_port = _key(row)
    return f"{client} {client_port} > {server} {server_port}"


def _explained(
    counts: tuple[int, int, int],
    same: Mapping[str, int],
    differing: Mapping[str, int],
    met: list[Disagreement],
    reasons: list[Reason],
) -> Agreement:
    explained = [
        (one, reason)
        for one in met
        if (reason := next((r for r in reasons if r.explains(one)), None)) is not None
    ]
    known = {one for one, _ in explained}
    used = {id(reason) for _, reason in explained}
    return Agreement(
        *counts, same, differing, tuple(explained),
        tuple(one for one in met if one not in known),
        tuple(reason for reason in reasons if id(reason) not in used),
    )  # fmt: skip


def _told(one: Disagreement) -> str:
    return f"{one.trace}  {one.connection}  {one.field}: Zeek {one.zeek}, we {one.ours}"


if __name__ == "__main__":
    sys.exit(main())
