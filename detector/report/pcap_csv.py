"""Captured connections as a table for spreadsheets (RFC 4180): one row a connection, the values of the JSON output.

A cell that a spreadsheet would take for a formula (names in hellos and certificates are anybody's) begins with an
apostrophe; what steers a terminal or breaks a line is replaced.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable

from detector.chain.certificate import Certificate, read_certificate
from detector.errors import CertificateError
from detector.forensics.judged import JudgedConnection
from detector.model.harmless import harmless
from detector.report.pcap_json import PcapRecord, pcap_record

Cell = str | int | float | bool | None
_FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_Made = Callable[[JudgedConnection, PcapRecord], Cell]

COLUMNS: dict[str, _Made] = {
    "number": lambda _, r: r.number,
    "at": lambda _, r: r.at.isoformat().replace("+00:00", "Z"),
    "seconds": lambda _, r: r.seconds,
    "client": lambda o, _: o.connection.client,
    "client_port": lambda o, _: o.connection.client_port,
    "server": lambda o, _: o.connection.server,
    "server_port": lambda o, _: o.connection.server_port,
    "transport": lambda _, r: r.transport,
    "protocol": lambda _, r: r.protocol,
    "sni": lambda _, r: r.sni,
    "version": lambda _, r: r.version,
    "cipher": lambda _, r: r.cipher,
    "group": lambda _, r: r.group,
    "alpn": lambda _, r: r.alpn,
    "ja3": lambda _, r: r.ja3,
    "ja3s": lambda _, r: r.ja3s,
    "ja4": lambda _, r: r.ja4,
    "verdict": lambda _, r: r.verdict,
    "interceptor": lambda _, r: (r.interceptor.product or r.interceptor.issuer) if r.interceptor else None,
    "failed": lambda o, _: o.failed,
    "cause": lambda o, _: o.blamed.id if o.blamed is not None else None,
    "cause_text": lambda o, _: o.blamed.text if o.blamed is not None else None,
    "causes": lambda _, r: " ".join(cause.id for cause in r.causes),
    "alerts": lambda _, r: " ".join(f"{a.sender}:{a.name or 'encrypted'}" for a in r.alerts),
    "completed": lambda _, r: r.completed,
    "resumed": lambda o, _: o.connection.resumed,
    "closed_by": lambda _, r: r.closed_by,
    "how": lambda _, r: r.how,
    "certificates": lambda _, r: len(r.chain),
    "leaf_sha256": lambda _, r: r.chain[0].sha256 if r.chain else None,
    "leaf_subject": lambda _, r: r.chain[0].subject if r.chain else None,
    "leaf_issuer": lambda _, r: r.chain[0].issuer if r.chain else None,
    "leaf_not_before": lambda o, _: _date(o, "not_before"),
    "leaf_not_after": lambda o, _: _date(o, "not_after"),
    "client_certificates": lambda o, _: len(o.connection.client_chain),
    "packets": lambda _, r: r.packets,
    "sent": lambda _, r: r.sent,
    "received": lambda _, r: r.received,
    "connect_ms": lambda _, r: r.ms.get("connect"),
    "server_hello_ms": lambda _, r: r.ms.get("server-hello"),
    "notes": lambda _, r: "; ".join(r.notes),
}  # fmt: skip


def header() -> str:
    """The first line."""
    return csv_line(COLUMNS)


def row(one: JudgedConnection) -> str:
    """The line of one connection."""
    record = pcap_record(one)
    return csv_line([_cell(made(one, record)) for made in COLUMNS.values()])


def safe_cell(text: str) -> str:
    """A text that is a text to a spreadsheet too."""
    text = harmless(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULAS) else text


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe_cell(value) if isinstance(value, str) else str(value)


def _date(one: JudgedConnection, which: str) -> str | None:
    if not one.connection.chain:
        return None
    try:
        read: Certificate = read_certificate(one.connection.chain[0])
    except CertificateError:
        return None
    moment = read.not_before if which == "not_before" else read.not_after
    return moment.isoformat().replace("+00:00", "Z")


def csv_line(cells: Iterable[str]) -> str:
    """Cells as one line; they are texts, and safe ones."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
