"""One followed connection for a person: who, how it ended and why, then every message with its time."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from detector.model.harmless import harmless
from detector.report.check_text import STYLES
from detector.report.layout import torn
from detector.report.pcap_connection_json import PcapConnectionRecord, StepRecord
from detector.report.pcap_json import PcapRecord
from detector.report.pcap_table import paragraph
from detector.report.pcap_words import after, cut, opinion_text

_ARROWS = {"client": ("→", "cyan"), "server": ("←", "magenta")}
_FIRST = 160
_TIMES = {
    "rtt": "round trip {} ms",
    "rtt-server": "to the server {}",
    "rtt-client": "to the client {}",
    "first-byte": "first byte after the ClientHello {} ms",
    "answer": "first answer to data {} ms",
}


def connection_lines(record: PcapConnectionRecord, width: int) -> Iterator[Text]:
    """The connection as lines of a terminal of so many columns."""
    c = record.connection
    head = Text()
    head.append(f"#{c.number} ", style="dim")
    head.append(harmless(f"{c.client} → {c.server}"), style="bold")
    if c.sni:
        head.append(f"  {harmless(c.sni)}", style="bold")
    if c.ech == "outer":
        head.append(" (the outer name: the one that was asked for is encrypted)")
    yield head
    yield Text(harmless(_when(record)))
    spoken = [c.version, c.cipher, c.group, c.alpn]
    if any(spoken):
        yield Text(harmless(", ".join(one for one in spoken if one)))
    yield Text(harmless(_carried(record)))
    yield from _ending(c, width)
    yield Text("")
    yield from _steps(record, width)
    yield Text("")
    yield Text("Wireshark's display filter for these packets:", style="dim")
    # One line, however long: it is there to be copied.
    yield Text(record.display_filter, no_wrap=True, overflow="ignore")


def _when(record: PcapConnectionRecord) -> str:
    c = record.connection
    spoken = c.protocol.upper() + (f" over {c.transport.upper()}" if c.protocol != "tls" else "")
    last = f" to #{record.last_packet}" if record.last_packet != record.first_packet else ""
    return (
        f"{c.at:%Y-%m-%d %H:%M:%S.%f} UTC by the capture's clock, {c.seconds:.3f} s, {spoken},"
        f" {record.packets:,} packets, #{record.first_packet}{last}"
    )


def _carried(record: PcapConnectionRecord) -> str:
    """How the network carried it."""
    parts: list[str] = []
    if "rtt" in record.ms:
        ways = [
            _TIMES[way].format(_ms(record.ms[way]))
            for way in ("rtt-server", "rtt-client")
            if way in record.ms
        ]
        parts.append(f"{_TIMES['rtt'].format(_ms(record.ms['rtt']))} ({', '.join(ways)})")
    parts += [
        _TIMES[name].format(_ms(record.ms[name]))
        for name in ("first-byte", "answer")
        if name in record.ms
    ]
    sent, received = record.bytes.get("client", 0), record.bytes.get("server", 0)
    parts.append(f"{sent:,} bytes sent, {received:,} received")
    if record.retransmitted:
        again = [f"{side} {count:,}" for side, count in record.retransmitted.items() if count]
        parts.append(f"sent again: {', '.join(again) or 'nothing'}")
    moved = [f"{side} {count:,}" for side, count in record.overtaken.items() if count]
    if moved:
        parts.append(f"out of order: {', '.join(moved)}")
    return "; ".join(parts)


def _ending(c: PcapRecord, width: int) -> Iterator[Text]:
    """How it ended, why, who answers, who asks."""
    fatal = next((alert for alert in c.alerts if alert.fatal), None)
    who = cut(
        c.closed_by, c.how, fatal.code if fatal is not None else None,
        encrypted=fatal is not None and fatal.code is None,
    )  # fmt: skip
    if c.failed:
        yield from paragraph("✗", "bold red", f"failed {after(c.reached)}, {who}", width, 0)
    else:
        said = "completed" if c.completed else f"not completed, {after(c.reached)}"
        yield from paragraph("✓" if c.completed else "·", "green", f"{said}; {who}", width, 0)
    for cause in c.causes:
        if cause.id != "tls-intercepted":
            style = "bold red" if cause.severity == "error" else "bold yellow"
            yield from paragraph("!", style, f"{cause.id}: {cause.text}", width, 0)
    for sign in (*c.signs, *c.notes):
        yield from paragraph("·", "dim", sign, width, 0)
    reason = f": {c.reason}" if c.reason else ""
    yield from paragraph("?" if c.verdict == "suspect" else "·", STYLES[c.verdict],
                         f"{c.verdict}{reason}", width, 0)  # fmt: skip
    if c.hello is not None:
        bad = c.hello.interception == "likely"
        yield from paragraph("✗" if bad else "·", "bold red" if bad else "dim",
                             opinion_text(c.hello), width, 0)  # fmt: skip


def _steps(record: PcapConnectionRecord, width: int) -> Iterator[Text]:
    yield Text(f"{'ms':>12}  {'packet':>8}     {'bytes':>9}", style="dim")
    for number, step in enumerate(record.steps):
        if record.left_out and number == _FIRST:
            yield Text(f"{'…':>12}  {record.left_out:,} more in between", style="dim")
        yield from _step(step, width)


def _step(step: StepRecord, width: int) -> Iterator[Text]:
    arrow, style = _ARROWS[step.sender]
    bad = "alert" in step.what or step.what == "RST"
    many = ""
    if step.count > 1:
        took = (step.until - step.at).total_seconds() * 1000
        many = f", {step.count:,} in {_ms(took)} ms, to #{step.last_packet}"
    line = Text(f"{step.ms:12,.3f}  ")
    line.append(f"{'#' + str(step.packet):>8}  ", style="dim")
    line.append(f"{arrow}  ", style=style)
    line.append(f"{step.size:9,}  " if step.size else " " * 11)
    indent = line.cell_len
    for number, text in enumerate(torn(harmless(step.what + many), max(width - indent, 20))):
        lead = line if number == 0 else Text(" " * indent)
        yield lead + Text(text, style="bold red" if bad else "")


def _ms(value: float) -> str:
    return f"{value:,.3f}" if value < 10 else f"{value:,.1f}"
