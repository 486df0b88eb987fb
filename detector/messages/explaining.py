"""From a pasted message to ranked causes.

Theory of operation
-------------------
1. The side that wrote the message is told from the marks of server logs; otherwise it is a client's.
2. An alert, by number or name, is the *other* side's complaint; its meaning depends on who received it.
3. Other texts are looked up word by word. Where one known text lies inside another that matched at the
   same place, only the longer one counts: "self-signed certificate in certificate chain" is not
   "self-signed certificate".
4. A cause is as likely as the most telling text makes it. Texts that only name possibilities (a bare
   "certificate verify failed") are left out beside one that makes a cause likely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from detector.causes.confirm import confirmation
from detector.messages.table import ErrorTable, ErrorText
from detector.model.alerts import LIKELIHOODS, NAMES, Likelihood, Meaning, Side, meanings
from detector.model.asked import asked_of_nobody
from detector.model.causes import CauseInfo
from detector.model.recorded import Recorded

MAX_TEXT = 64 << 10

_SERVER_MARKS = re.compile(
    r"while SSL handshaking, client:|SSL_accept|AH0\d{4}|TLS handshake error from"
    r"|could not accept SSL connection|SSL handshake failure \(|peer closed connection in SSL"
    r"|client [^ ]+ (?:SSL|TLS)|Client TLS handshake failed|TLS_error:|^(?>.*?\bfrontend\b).*SSL"
    r"|postfix/smtpd|imap-login|pop3-login|^(?>.*?SSLHandshakeException).*NioEndpoint",
    re.IGNORECASE | re.MULTILINE,
)
# Each gives the alert's number, or its name in the library's own spelling; no name has more than 40 letters.
_ALERTS = tuple(
    re.compile(expression, re.IGNORECASE)
    for expression in (
        r"alert number (\d{1,3})\b",
        r"received (?:fatal )?alert \[(\d{1,3})\]",
        r"received alert \[(\d{1,3})\]",
        r"\b(0A000[45][0-9A-F]{2})\b",
        r"received fatal alert: ([a-z_]+)",
        r"remote error: tls: ([a-z ]+)",
        r"(?:tlsv1|tlsv13|sslv3|tls)[ _]alert[ _]([a-z_ ]{1,40}?)(?=[:\]\)(,.]|$)",
        r"SSL_ERROR_([A-Z_]{1,40})_ALERT\b",
        # By number or name alone; "snort alert 112 triggered" is no alert of TLS.
        r"\balert[ :=#(]{1,2}(\d{1,3})(?=\s*(?:$|[:;,.)\]\"'(]|[a-z]+_[a-z]))",
        r"^\s*(?:tls |fatal |warning )*(?:alert[: ]+)?([a-z]+_[a-z_]+)\s*$",
        # BouncyCastle writes TlsFatalAlert where it complains itself.
        r"(?<!TlsFatalAlert: )\b([a-z]+_[a-z_]+)\(\d{2,3}\)",
        # curl -v: (IN) came from the other side, (OUT) went there. Two bytes: level and description.
        r"(?<!\(OUT\), )TLS alert, ([a-z ]+?) \(\d{3}\)",
    )
)
# Spellings of Go, OpenSSL, NSS and rustls that are not IANA's.
_SPELLINGS: dict[str, int] = {
    "unknown certificate authority": 48, "unknownca": 48, "unknown certificate": 46,
    "certificateunknown": 46, "expired certificate": 45, "revoked certificate": 44,
    "protocol version not supported": 70, "protocolversion": 70, "insufficient security level": 71,
    "handshakefailure": 40, "badcertificate": 42, "certificateexpired": 45,
    "certificaterequired": 116, "certificaterevoked": 44, "unrecognizedname": 112,
    "noapplicationprotocol": 120, "error decrypting message": 51, "decrypterror": 51,
    "error decoding message": 50, "decodeerror": 50, "illegalparameter": 47, "internalerror": 80,
    "accessdenied": 49, "unsupported certificate": 43, "bad cert": 42, "unrecognized name": 112,
    "insufficientsecurity": 71, "unexpectedmessage": 10, "handshake failure": 40,
}  # fmt: skip
_HOST = re.compile(
    r"(?:(?<=//)|(?<![\w.@/-]))((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,18})(?![\w-]|\.\w)",
    re.IGNORECASE,
)
# Files, and classes of exceptions: ssl.SSLError, javax.net.ssl.SSLHandshakeException, requests.exceptions.
_NOT_HOSTS = re.compile(
    r"\.(?:c|cc|go|java|py|js|pem|crt|so|conf|log|html?|rs|cpp|h|json|exe|\w*(?:error|exception)s?)$",
    re.IGNORECASE,
)
# Where a message says that it is a host: host='a.example', https://a.example, hostname a.example.
_SAID_HOST = re.compile(
    r"(?:://|\bhost(?:name)?\b[ =:'\"]{1,3}|\bSNI\b[ =:'\"]{1,3})$", re.IGNORECASE
)

_GAP = 40
# Sites that messages point to for more details.
_MANUALS = frozenset(
    ("curl.se", "curl.haxx.se", "www.openssl.org", "nodejs.org", "aka.ms", "docs.python.org",
     "urllib3.readthedocs.io", "go.dev", "bugs.debian.org")
)  # fmt: skip


class Explanation(msgspec.Struct, frozen=True):
    """One cause that the message can have.

    Attributes:
        identifiers: the known texts that led here.
        tell_apart: the command that confirms it.

    """

    cause: CauseInfo
    likelihood: Likelihood
    identifiers: tuple[str, ...]
    tell_apart: str


class Explained(Recorded, msgspec.Struct, frozen=True):
    """A message with the causes it can have, the likeliest first; none where nothing in it is known."""

    text: str
    causes: tuple[Explanation, ...]

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self.causes)

    def __len__(self) -> int:
        return len(self.causes)

    def __getitem__(self, place: int) -> Explanation:
        return self.causes[place]


def explain(text: str, table: ErrorTable, side: Side | None = None) -> tuple[Explanation, ...]:
    """Causes, the likeliest first; empty where nothing is known. Never raises.

    Args:
        text: up to MAX_TEXT characters count.
        table: what is known.
        side: who wrote it; told from the text when left out.

    """
    text = text[:MAX_TEXT]
    writer = side or side_of(text)
    weights: dict[str, tuple[int, int]] = {}
    led: dict[str, list[str]] = {}
    for weight, identifier, causes in _telling(_matches(text, table, writer)):
        for meaning in causes:
            rank = (LIKELIHOODS.index(meaning.likelihood), -weight)
            weights[meaning.cause] = min(weights.get(meaning.cause, rank), rank)
            led.setdefault(meaning.cause, []).append(identifier)
    asked = asked_of_nobody(_host(text))
    order = sorted(weights, key=lambda cause: weights[cause])
    return tuple(
        Explanation(
            cause=table.causes[cause],
            likelihood=LIKELIHOODS[weights[cause][0]],
            identifiers=tuple(dict.fromkeys(led[cause])),
            tell_apart=confirmation(table.causes[cause], asked).command,
        )
        for cause in order
    )


def side_of(text: str) -> Side:
    """Who wrote the message."""
    return "server" if _SERVER_MARKS.search(text) else "client"


def alerts_in(text: str) -> list[int]:
    """Numbers of the TLS alerts that the message says were received, in order."""
    found: list[int] = []
    for expression in _ALERTS:
        for match in expression.finditer(text):
            number = _alert_number(match[1])
            if number is not None and number not in found:
                found.append(number)
    return found


_Match = tuple[int, str, tuple[Meaning, ...]]


def _telling(matches: Iterator[_Match]) -> list[_Match]:
    """Where some text makes a cause likely, those that only name possibilities have nothing to add."""
    found = list(matches)
    telling = [m for m in found if any(meaning.likelihood == "likely" for meaning in m[2])]
    return telling or found


def _matches(text: str, table: ErrorTable, writer: Side) -> Iterator[_Match]:
    """Weight, what was found, and what it means."""
    for number in alerts_in(text):
        yield 50, f"alert {number} {NAMES.get(number, '')}".strip(), meanings(number, writer)
    folded = _folded(text)
    spans: list[tuple[int, int, str, ErrorText]] = []
    for row in table.texts:
        if row.side is not None and row.side != writer:
            continue
        for identifier in row.identifiers:
            found = _span(folded, _folded_identifier(identifier))
            if found is not None:
                spans.append((*found, identifier, row))
                break
    for start, end, identifier, row in spans:
        inside = any((s <= start and end <= e) and (e - s) > (end - start) for s, e, _, _ in spans)
        if not inside:
            yield end - start, identifier, row.meanings


def _folded(text: str) -> str:
    """Case, quotes and spacing made one; "self signed" is how older OpenSSL wrote "self-signed"."""
    plain = text.casefold().replace("’", "'").replace("self signed", "self-signed")
    return re.sub(r"\s+", " ", plain)


@lru_cache(maxsize=8192)
def _folded_identifier(identifier: str) -> str:
    return _folded(identifier)


def _span(text: str, wanted: str) -> tuple[int, int] | None:
    """Where `wanted` stands; " ... " in it stands for up to _GAP characters."""
    first, gap, rest = wanted.partition(" ... ")
    at = _find(text, first)
    if at < 0 or not gap:
        return None if at < 0 else (at, at + len(first))
    end = at + len(first)
    after = text.find(rest, end, end + _GAP + len(rest))
    return None if after < 0 else (at, after + len(rest))


def _find(text: str, wanted: str) -> int:
    """Where `wanted` stands as words of its own, -1 for nowhere."""
    at = text.find(wanted)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(wanted) : at + len(wanted) + 1]
        whole = not (wanted[0].isalnum() and (before.isalnum() or before == "_"))
        if whole and not (wanted[-1].isalnum() and (after.isalnum() or after == "_")):
            return at
        at = text.find(wanted, at + 1)
    return -1


def _alert_number(text: str) -> int | None:
    if text.isdigit() and len(text) < 4:
        return int(text)
    if text[:2] == "0A" and len(text) == 8:  # OpenSSL 3: reason 1000 + the alert's number
        reason = int(text[5:], 16)
        return reason - 1000 if 1000 <= reason < 1256 else None
    name = text.strip().casefold()
    if name in _SPELLINGS:
        return _SPELLINGS[name]
    plain = name.replace(" ", "_")
    return next((number for number, known in NAMES.items() if known == plain), None)


def _host(text: str) -> str | None:
    """What the message calls a host; else the first name that may be one."""
    named = [
        match
        for match in _HOST.finditer(text)
        if not _NOT_HOSTS.search(match[1]) and match[1].lower() not in _MANUALS
    ]
    said = (m for m in named if _SAID_HOST.search(text, max(0, m.start() - 16), m.start()))
    found = next(said, None) or next(iter(named), None)
    return found[1].lower() if found else None
