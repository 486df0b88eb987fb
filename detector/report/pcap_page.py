"""A capture as a page: who stands in between first, then the servers, and a card for each that is broken."""

from __future__ import annotations

from collections.abc import Iterator

from detector.forensics.story import CaptureStory, ServerDiagnosis
from detector.model.targets import socket_text
from detector.report.chart import chart_of
from detector.report.diagnose_page import cause_block, is_intercepted, rung
from detector.report.moments import WITH_YEAR
from detector.report.page import Block, Page, Point, TableOf, number, shown
from detector.report.palette import VERDICTS
from detector.report.pcap_json import SummaryRecord, capture_record, server_record
from detector.report.pcap_table import beneath
from detector.report.pcap_text import TITLES, CapturePrinter, heads, notes
from detector.report.pcap_words import REACHED, clients, counted, place, reached

TITLE = "Failed and intercepted connections over time"
UNIT = "connections"
_BLOCKS, _ROWS, _KEYS, _NAMED = 100, 500, 40, 12
_COLUMNS = ("when UTC", "server", "from", "reached", "failed", "verdict", "why")
_USUAL = ("nginx", "apache", "haproxy")


def capture_page(printer: CapturePrinter, story: CaptureStory) -> Page:
    """What the page says."""
    lines = notes(story)
    if story.joiner.count:
        lines.append(
            f"{len(story.joiner.joined)} of {story.joiner.count} logged failures are in the capture,"
            f" {story.agreed} with the same cause"
        )
    servers = sorted(story.servers, key=_between)
    records = [printer.hidden(server_record(one)) for one in servers[:_ROWS]]
    broken = [(n, one) for n, one in enumerate(servers) if one.broken][:_BLOCKS]
    if left := len(story.broken) - len(broken):
        lines.append(f"{left:,} more broken servers have no card here")
    if left := len(servers) + story.further - len(records):
        lines.append(f"{left:,} more servers have no row here")
    whole = capture_record(story)
    count = number(story.connections)
    if not story.selection.is_everything:
        count = f"{count} of {number(story.seen)}"
    return Page(
        title="TLS in a capture",
        lead=". ".join(heads(whole)) or "no TLS",
        figures=(
            ("packets", number(story.tally.packets)),
            ("connections", count),
            ("failed", number(story.failed)),
            ("servers", number(whole.servers or 0)),
            ("intercepted", number(story.intercepted)),
            ("hellos not their browser's", number(story.hellos["likely"])),
        ),
        first=tuple(_first(story, records)),
        choices=_choices(records),
        leading=(_servers(records, {n for n, _ in broken}),) if records else (),
        chart=chart_of(story.timeline, TITLE, UNIT),
        blocks=tuple(_block(printer, one, n) for n, one in broken),
        blocks_title="Servers that clients of today refuse",
        tables=tuple(_groups(printer, story)),
        notes=tuple(map(shown, lines)),
    )


def _between(one: ServerDiagnosis) -> bool:
    """Sorts servers that somebody stands before in front; the others keep their order."""
    return one.verdict != "intercepted"


def _first(story: CaptureStory, records: list[SummaryRecord]) -> Iterator[Block]:
    if not story.intercepted:
        return
    found = [one for one in records if one.verdict == "intercepted"]
    more = len(found) - _NAMED
    verb = "connection was" if story.intercepted == 1 else "connections were"
    yield Block(
        f"{story.intercepted:,} {verb} intercepted",
        lines=(
            "Somebody in between decrypted what was sent over them.",
            *([f"{more:,} more servers are in the table."] if more > 0 else []),
        ),
        tone="intercepted",
        points=tuple(
            Point("✗", shown(f"{place(one)}: {one.reason or 'intercepted'}"), "intercepted")
            for one in found[:_NAMED]
        ),
    )


def _choices(records: list[SummaryRecord]) -> tuple[tuple[str, int], ...]:
    verdicts = [one.verdict or "inconclusive" for one in records]
    return tuple((name, verdicts.count(name)) for name in VERDICTS if name in verdicts)


def _servers(records: list[SummaryRecord], with_card: set[int]) -> TableOf:
    """The table of the terminal, with the lines beneath as a row of their own."""
    rows = []
    for one in records:
        said = [text for _, _, text in beneath(one, form=WITH_YEAR)]
        if one.verdict == "inconclusive" and one.reason is not None and one.reason not in said:
            said.append(one.reason)
        when = min((f.first for f in one.failures), default=one.first)
        cells = (
            f"{when:%Y-%m-%d %H:%M:%S}" if when is not None else "", place(one), clients(one),
            REACHED.get(reached(one), ""), counted(one), one.verdict or "",
        )  # fmt: skip
        rows.append((*map(shown, cells), "\n".join(map(shown, said))))
    return TableOf(
        "Servers",
        _COLUMNS,
        tuple(rows),
        (4,),
        whole=(0, 3, 5),
        head=1,
        beneath=True,
        anchors=tuple(f"server-{n}" if n in with_card else "" for n in range(len(rows))),
        kinds=tuple(one.verdict or "inconclusive" for one in records),
    )


def _groups(printer: CapturePrinter, story: CaptureStory) -> Iterator[TableOf]:
    for by, counts in story.by.items():
        rows = tuple(
            (
                shown(printer.key(by, key)),
                number(count), number(counts.failed[key]), number(len(counts.clients[key])),
                number(len(counts.servers[key])),
            )
            for key, count in counts.connections.most_common(_KEYS)
        )  # fmt: skip
        if rows:
            figures = ("connections", "failed", "clients", "servers")
            title = TITLES[by]
            title = title[:1].upper() + title[1:]
            yield TableOf(title, (TITLES[by], *figures), rows, (1, 2, 3, 4))


def _block(printer: CapturePrinter, one: ServerDiagnosis, place_: int) -> Block:
    server, diagnosis = one.server, one.diagnosis
    assert diagnosis is not None
    where = socket_text(server.address, server.port)
    between = is_intercepted(diagnosis) or one.verdict == "intercepted"
    made = Block(
        f"{server.name} ({where})" if server.name else where,
        badge="broken",
        beside=f"who answers: {one.verdict}",
        kind=one.verdict,
        tone="intercepted" if between else "bad",
        anchor=f"server-{place_}",
        steps=tuple(map(rung, diagnosis.steps)),
        inner=tuple(
            cause_block(cause, _USUAL, whole=not number_)
            for number_, cause in enumerate(diagnosis.causes[:4])
        ),
    )
    return printer.hidden(made)
