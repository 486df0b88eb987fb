"""Logs and lists of hosts whose lines are too long, too many, or meant for the terminal."""

from __future__ import annotations

from tests.hostile.files.written import holding

_NGINX = b"2026/11/20 10:00:00 [info] 7#7: *%d SSL_do_handshake() failed (SSL: error:%s) while SSL handshaking, client: 192.0.2.%d, server: 0.0.0.0:443\n"
_EVIL = b"\x1b[2J\x1b]0;x\x07\x9b31m\xe2\x80\xae\0<script>"


def _long() -> bytes:
    """Lines that nearly match, of a megabyte each."""
    start = b"2026/11/20 10:00:00 [info] 7#7: *1 SSL_do_handshake() failed (SSL: error:"
    return (start + b"0A000415:SSL routines::" * 40_000 + b"\n") * 4


def _colons() -> bytes:
    return b"".join(
        word * 20_000 + b"\n"
        for word in (b"1:", b"[", b"::1 ", b"a.b.", b"SSL_ERROR_", b"\t ", b"10.0.0.1:")
    )


def _many() -> bytes:
    return b"".join(_NGINX % (n, b"0A%06X:x:%s" % (n, _EVIL), n % 256) for n in range(300))


def _hosts() -> bytes:
    return b"".join(
        (
            _EVIL,
            b"\n",
            b"a" * 1_000_000,
            b"\n",
            b"a." * 200_000,
            b"\n",
            b"xn--" * 5000,
            b"\n",
            b"[::" * 5000,
            b"\n",
        )
    )


KINDS = {
    "long.log": holding("long.log", _long),
    "colons.log": holding("colons.log", _colons),
    "many.log": holding("many.log", _many),
}  # fmt: skip
LINES = {"hosts": holding("hosts", _hosts)}
