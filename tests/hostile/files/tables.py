"""TOML and JSON that is deep, wide, or quadratic to read."""

from __future__ import annotations

from tests.hostile.files.written import holding

_DEEP = 50_000


def _rows() -> bytes:
    row = b'[[pin]]\nhost = "h%d.example.org"\nspki = ["sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]\n'
    return b"".join(row % n for n in range(5000)) + b"[[pin]]\nhost = 7\n"


TOML = {
    "deep.toml": holding("deep.toml", lambda: b"a = " + b"[" * _DEEP + b"]" * _DEEP),
    "tables.toml": holding("tables.toml", lambda: b"a = " + b"{a = " * _DEEP + b"1" + b"}" * _DEEP),
    "dots.toml": holding("dots.toml", lambda: b"[" + b"a." * _DEEP + b"a]\nx = 1\n"),
    "keys.toml": holding("keys.toml", lambda: b"a." * 5000 + b"a = 1\n"),
    "rows.toml": holding("rows.toml", _rows),
    "quotes.toml": holding("quotes.toml", lambda: b'a = """' + b'"" ' * 500_000),
    "number.toml": holding("number.toml", lambda: b"a = " + b"9" * 1_000_000),
    "large.toml": holding("large.toml", lambda: b"#" * (17 << 20)),
}
JSON = {
    "deep.json": holding("deep.json", lambda: b"[" * 1_000_000),
    "objects.json": holding("objects.json", lambda: b'{"a":' * 500_000),
    "number.json": holding("number.json", lambda: b'{"at":' + b"9" * 1_000_000 + b"}"),
    "text.json": holding("text.json", lambda: b'{"at":"' + b"\\u001b" * 2_000_000 + b'"}'),
    "lines.json": holding("lines.json", lambda: b"{}\n" * 200_000),
}
