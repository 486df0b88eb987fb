"""Captured connections as Zeek's ssl.log, which SIEMs read; x509.log is in `pcap_zeek_x509`.

Rules
-----
1. The form is that of Zeek's own TSV writer: header lines, tabs, "-" for what is not known, "(empty)" for an empty
   list or text. What would break a line, a list or the form itself is written as \\xNN, a backslash included; bytes
   that are no printable UTF-8 likewise (names in certificates are anybody's).
2. Columns are those of Zeek 5 and later, which names certificates by their SHA-256 instead of file ids. All that a
   column says is of the wire; verdicts are not in it.
3. `ssl_history` is unset: of the messages' order between the two sides nothing is kept.
4. An uid is made from what tells the connection apart, so that the same capture gives the same log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from detector.capture.connection import Connection
from detector.chain.certificate import read_certificate
from detector.chain.names import holds_name
from detector.errors import CertificateError
from detector.wire import registry as r
from detector.wire.alerts import alert_name
from detector.wire.suites import suite_name

Value = str | int | float | bool | None | Sequence[str]

SSL_COLUMNS: dict[str, str] = {
    "ts": "time", "uid": "string", "id.orig_h": "addr", "id.orig_p": "port", "id.resp_h": "addr",
    "id.resp_p": "port", "version": "string", "cipher": "string", "curve": "string",
    "server_name": "string", "resumed": "bool", "last_alert": "string", "next_protocol": "string",
    "established": "bool", "ssl_history": "string", "cert_chain_fps": "vector[string]",
    "client_cert_chain_fps": "vector[string]", "sni_matches_cert": "bool",
}  # fmt: skip
_VERSIONS = {
    0x0002: "SSLv2", 0x0300: "SSLv3", 0x0301: "TLSv10", 0x0302: "TLSv11", 0x0303: "TLSv12",
    0x0304: "TLSv13", 0xFEFF: "DTLSv10", 0xFEFD: "DTLSv12", 0xFEFC: "DTLSv13",
}  # fmt: skip
_UNSET, _EMPTY = "-", "(empty)"
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ESCAPED = re.compile(
    r"[\x00-\x1f\x7f-\x9f\\\u2028\u2029\ud800-\udfff\ufeff\u202a-\u202e\u2066-\u2069]"
)


def header(path: str, columns: dict[str, str], opened: datetime) -> str:
    """The lines before the first row of the log called `path`."""
    return "".join(
        f"{line}\n"
        for line in (
            "#separator \\x09",
            "#set_separator\t,",
            f"#empty_field\t{_EMPTY}",
            f"#unset_field\t{_UNSET}",
            f"#path\t{path}",
            f"#open\t{opened:%Y-%m-%d-%H-%M-%S}",
            "\t".join(("#fields", *columns)),
            "\t".join(("#types", *columns.values())),
        )
    )


def footer(closed: datetime) -> str:
    """The line after the last row."""
    return f"#close\t{closed:%Y-%m-%d-%H-%M-%S}\n"


def line(columns: dict[str, str], values: dict[str, Value]) -> str:
    """One row."""
    return "\t".join(_field(kind, values[name]) for name, kind in columns.items()) + "\n"


def ssl_values(c: Connection) -> dict[str, Value]:
    """The columns of ssl.log of a connection in which somebody spoke TLS."""
    answer = c.answer
    alerts = [alert.code for alert in c.alerts if alert.code is not None]
    return {
        "ts": c.first,
        "uid": uid(c),
        "id.orig_h": c.client,
        "id.orig_p": c.client_port,
        "id.resp_h": c.server,
        "id.resp_p": c.server_port,
        "version": version_name(answer.version) if answer else None,
        "cipher": suite_name(answer.cipher) if answer else None,
        "curve": r.group_name(answer.group) if answer and answer.group is not None else None,
        "server_name": c.sni,
        "resumed": bool(c.resumed),
        "last_alert": alert_name(alerts[-1]) if alerts else None,
        "next_protocol": c.alpn,
        "established": c.completed,
        "ssl_history": None,
        "cert_chain_fps": _digests(c.chain) if c.chain else None,
        "client_cert_chain_fps": _digests(c.client_chain) if c.chain or c.client_chain else None,
        "sni_matches_cert": _matches(c.chain[0], c.sni) if c.chain and c.sni else None,
    }


def spoke_tls(c: Connection) -> bool:
    """Whether it belongs into ssl.log at all: a hello or an alert of either side was seen."""
    return c.hello is not None or c.answer is not None or bool(c.alerts)


def uid(c: Connection) -> str:
    """As Zeek's look: C and 17 letters or digits."""
    told = f"{c.transport} {c.client} {c.client_port} {c.server} {c.server_port} {c.first!r} {c.number}"
    number = int.from_bytes(sha256(told.encode()).digest()[:13])
    letters = []
    for _ in range(17):
        number, left = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[left])
    return "C" + "".join(letters)


def version_name(version: int) -> str:
    """A version as Zeek calls it; drafts of TLS 1.3 by their number."""
    if version >> 8 == 0x7F:
        return f"TLSv13-draft{version & 0xFF}"
    return _VERSIONS.get(version, f"unknown-{version}")


def _digests(chain: Iterable[bytes]) -> list[str]:
    return [sha256(der).hexdigest() for der in chain]


@lru_cache(maxsize=1024)
def _matches(leaf: bytes, host: str) -> bool | None:
    try:
        return holds_name(read_certificate(leaf), host.rstrip(".").lower())
    except CertificateError:
        return None


def _field(kind: str, value: Value) -> str:
    if value is None:
        return _UNSET
    if isinstance(value, bool):
        return "T" if value else "F"
    if kind == "time":
        return f"{value:.6f}"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    return ",".join(_text(one).replace(",", "\\x2c") for one in value) or _EMPTY


def _text(text: str) -> str:
    """What would mean something else, or would not come back as it was, is told by its bytes."""
    if not text:
        return _EMPTY
    if text in (_UNSET, _EMPTY):
        return f"\\x{ord(text[0]):02x}{text[1:]}"
    return _ESCAPED.sub(_bytes, text)


def _bytes(found: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in found[0].encode("utf-8", "surrogatepass"))
