"""TLS alerts that a text says were received, by number and by every library's spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from detector.model.alerts import NAMES, Side

# In RE2's syntax, for a whole log.
_SERVER_MARKS = (
    r"(?im)while SSL handshaking, client:|SSL_accept|AH0\d{4}|TLS handshake error from"
    r"|could not accept SSL connection|SSL handshake failure \(|peer closed connection in SSL"
    r"|client [^ ]+ (?:SSL|TLS)|Client TLS handshake failed|(?-i:TLS_error:)|\bfrontend\b.*SSL"
    r"|accepting (?:a )?(?:client )?connection|New connection from [^ ]+ on port|tlsClientError|ovpn-server\["
    r"|(?:get|process)_client_certificate"
    r"|\[emerg\]|postfix/smtpd|imap-login|pop3-login|SSLHandshakeException.*NioEndpoint"
)
# Lines without one of these say nothing of an alert.
_HINTS = r"(?im)alert|remote error: tls|0A000[45]|[a-z]_[a-z_]+\(\d{2,3}\)|^\s*[a-z]+_[a-z_]+\s*$|\(OUT\)|: Fatal \("
# Each gives the alert's number, or its name in the library's own spelling; no name has more than 40 letters.
_ALERTS = tuple(
    re.compile(expression, re.IGNORECASE | re.MULTILINE)
    for expression in (
        r"alert number (\d{1,3})\b",
        r"received (?:fatal )?alert \[(\d{1,3})\]",
        r"received alert \[(\d{1,3})\]",
        r"fatal alert message \(msg (\d{1,3})\)",
        r"alert code (\d{1,3})\b",
        r"\b(0A000[45][0-9A-F]{2})\b",
        r"received fatal alert: ([a-z_]+)",
        r"remote error: tls: ([a-z ]+)",
        r"(?:tlsv1|tlsv13|sslv3|ssl/tls|tls)[ _]alert[ _]([a-z_ ]{1,40}?)(?=[:\]\)(,.'\"\n]|$)",
        r"SSL_ERROR_([A-Z_]{1,40})_ALERT\b",
        r"ERR_SSL_([A-Z_]{1,40})_ALERT\b",
        r"read alert, level: \w{1,16}, description: ([a-z_ ]{1,40})",
        r"AlertReceived\((\w{1,40})\)",
        r"\{tls_alert,\s?\{([a-z_]{1,40}),(?![^\n]{0,90}generated)",
        # By number or name alone; "snort alert 112 triggered" is no alert of TLS.
        r"(?:^\s*|(?:tls|ssl|fatal|handshake|ca|certificate|error|of|got|received|by|with)[: ]{1,2}|[:;,(\[] ?)alert[ :=#(]{1,2}(\d{1,3})(?=\s*(?:$|[:;,.)\]\"'(]|[a-z]+_[a-z]))",
        r"^\s*(?:tls |fatal |warning )*(?:alert[: ]+)?([a-z]+_[a-z_]+)\s*$",
        # BouncyCastle writes TlsFatalAlert where it complains itself.
        r"(?<!TlsFatalAlert: )\b([a-z]+_[a-z_]+)\(\d{2,3}\)",
        # curl -v: (IN) came from the other side, (OUT) went there. Two bytes: level and description.
        r"(?<!\(OUT\), )TLS alert, ([a-z ]+?) \(\d{3}\)",
    )
)

# What the writer says that it sent: its own complaint.
_SENT = tuple(
    re.compile(expression, re.IGNORECASE)
    for expression in (
        r"sending fatal alert (\w{1,40})",
        r"\(OUT\), TLS alert, ([a-z ]{1,40}?) \(\d{3}\)",
        r"generated (?:CLIENT|SERVER) ALERT: Fatal - ([a-z ]{1,40})",
        r"write alert, level: \w{1,16}, description: ([a-z_ ]{1,40})",
        r"SSL3 alert write:\s?fatal:([a-z ]{1,40})",
        r"Fatal \(([A-Z_]{1,40})\):",
    )
)


def side_of(text: str) -> Side:
    """Who wrote the message."""
    return "server" if _engine()[0].search(text) else "client"


def alerts_in(text: str, spellings: Mapping[str, int]) -> list[tuple[int, int, int]]:
    """Number, start and end of each alert that the message says was received, each number once, in the order in which
    they are found.
    """
    return _each_once(_all(text, spellings, _ALERTS))


def alerts_sent(text: str, spellings: Mapping[str, int]) -> list[tuple[int, int, int]]:
    """The same of alerts that the writer says it sent."""
    return _each_once(_all(text, spellings, _SENT))


def _each_once(found: Iterator[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    first: dict[int, tuple[int, int]] = {}
    for number, start, end in found:
        first.setdefault(number, (start, end))
    return [(number, *place) for number, place in first.items()]


def _all(
    text: str, spellings: Mapping[str, int], expressions: tuple[re.Pattern[str], ...]
) -> Iterator[tuple[int, int, int]]:
    unwrapped = text.replace("\n", " ")
    seen: set[str] = set()
    for first, last in _windows(text):
        if (window := text[first:last]) in seen:
            continue  # each number counts once
        seen.add(window)
        yield from _within(text, first, last, spellings, expressions)
        if "\n" in text[first:last]:
            yield from _within(unwrapped, first, last, spellings, expressions)


def _within(
    text: str,
    first: int,
    last: int,
    spellings: Mapping[str, int],
    expressions: tuple[re.Pattern[str], ...],
) -> Iterator[tuple[int, int, int]]:
    for expression in expressions:
        for match in expression.finditer(text, first, last):
            number = _number(match[1], spellings)
            if number is not None:
                yield number, match.start(), match.end()


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Whole lines with a hint, and the next one, to which a wrap may have gone."""
    start = end = -1
    for match in _engine()[1].finditer(text):
        if match.start() < end:
            continue
        first = text.rfind("\n", 0, match.start()) + 1
        last = text.find("\n", match.end())
        last = text.find("\n", last + 1) if last >= 0 else -1
        last = len(text) if last < 0 else last
        if first > end:
            if end >= 0:
                yield start, end
            start = first
        end = last
    if end >= 0:
        yield start, end


@cache
def _engine() -> tuple[Any, Any]:
    import re2

    return re2.compile(_SERVER_MARKS), re2.compile(_HINTS)


def _number(text: str, spellings: Mapping[str, int]) -> int | None:
    if text.isdigit() and len(text) < 4:
        return int(text)
    if text[:2] == "0A" and len(text) == 8:  # OpenSSL 3: reason 1000 + the alert's number
        reason = int(text[5:], 16)
        return reason - 1000 if 1000 <= reason < 1256 else None
    spelling = folded_spelling(text)
    return spellings.get(spelling, _BY_NAME.get(spelling))


def folded_spelling(text: str) -> str:
    """Unknown CA, unknown_ca and UnknownCA as one: libraries differ in these alone."""
    return _JOINTS.sub("", text.casefold())


_JOINTS = re.compile(r"[\W_]+")


_BY_NAME = {folded_spelling(name): number for number, name in NAMES.items()}
