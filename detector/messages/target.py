"""Whom the program asked, by which way, as the text says it.

Rules
-----
1. What says itself that it is the target counts first: the host of a CONNECT, `host='x', port=443`, a URL's authority.
   A bare name with a port comes next, a bare name last.
2. A name is a name only below a suffix of the public list or a special-use one; a file, a class or a function is none:
   TLSSocket.onConnectSecure, index.js, System.Net.
3. A proxy is no target, nor is a manual that the message points to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

import msgspec

from detector.chain.names import (
    SPECIAL_USE,
    as_address,
    is_listed_suffix,
    is_private_address,
    is_special_use,
)

_NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.){1,8}[a-z][a-z0-9-]{1,23}\.?"
_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]"
_HOST = rf"(?:{_NAME}|{_ADDRESS}|localhost)"
_ANY_HOST = rf"(?:{_HOST}|[a-z0-9][a-z0-9-]{{0,62}})"

# Strength, expression with `host` and, where there is one, `port` and `scheme`.
_FORMS: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (strength, re.compile(expression, re.IGNORECASE))
    for strength, expression in (
        (9, rf"\bCONNECT (?P<host>{_ANY_HOST}):(?P<port>\d{{1,5}})\b"),
        (9, rf"\btunnel to (?P<host>{_ANY_HOST}):(?P<port>\d{{1,5}})\b"),
        (8, rf"\bhost(?:name)?=['\"](?P<host>{_ANY_HOST})['\"](?:, port=(?P<port>\d{{1,5}}))?"),
        (8, rf"\b(?P<scheme>https|wss|ldaps|smtps|imaps|pop3s|amqps|mqtts|rediss|ftps|postgres(?:ql)?|mysql|mongodb(?:\+srv)?)://(?:[^\s/@'\"<>]{{1,128}}@)?(?P<host>{_ANY_HOST})(?::(?P<port>\d{{1,5}}))?"),
        (7, rf"\bserver (?:at |cert for )?[\"“](?P<host>{_ANY_HOST})[\"”](?:, port (?P<port>\d{{1,5}}))?"),
        (7, rf"(?<![\w.-])(?P<host>{_NAME})/(?:{_ADDRESS}):(?P<port>\d{{1,5}})\b"),
        (7, rf"\[AF_INET6?\](?P<host>{_ADDRESS}):(?P<port>\d{{1,5}})\b"),
        (8, rf"(?:, not |\bnot valid for |\bHost: |[Cc]ertificate for <|\bmatch(?:es)? target host(?: ?name)? ['\"]?)(?P<host>{_HOST})"),
        (7, rf"\b(?:SNI|server ?name|host ?name|target host(?: name)?|for host)\b[ =:'\"“]{{1,4}}(?P<host>{_HOST})"),
        (6, rf"\b(?:dial tcp(?: \S+:)?|connect(?:ing|ion|ed)? (?:to |with )|node -?\d+ \()/?(?P<host>{_HOST})(?: \(\S+\))?[: ](?:port )?(?P<port>\d{{1,5}})\b"),
        (6, rf"\b(?:connect to|connection to|certificate (?:verification )?for|handshake with|Hostname|verify|stehlen|from|von|to) [\"'“]?(?P<host>{_NAME})(?=[\"'”: ,)]|$)"),
        (5, rf"(?<![\w.@/-])/?(?P<host>{_HOST}):(?P<port>\d{{2,5}})(?![\d.])"),
        (4, rf"\b(?P<scheme>http)://(?:[^\s/@'\"<>]{{1,128}}@)?(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?"),
        (1, rf"(?<![\w.@/\\-])(?P<host>{_NAME})(?![\w(-]|\.\w)"),
    )
)  # fmt: skip
# What names a proxy, and its address in what follows.
_PROXY_WORD = re.compile(
    r"proxyconnect tcp: dial tcp|(?:https?_|all_)?proxy(?!\s+(?:tunnel|connect))", re.IGNORECASE
)
_PROXY_ADDRESS = re.compile(
    rf"(?<![\w.-])(?P<host>{_HOST}):(?P<port>\d{{2,5}})(?!\d)", re.IGNORECASE
)
_CONNECTED = re.compile(
    rf"Connected to (?P<host>{_HOST}) \([^)\n]{{1,64}}\) port (?P<port>\d{{1,5}})", re.IGNORECASE
)
_TUNNEL = re.compile(r"proxy tunnel|CONNECT tunnel|> CONNECT ", re.IGNORECASE)
_NEAR_WORD, _NEAR_CONNECTED, _MANY = 90, 300, 100
_DEFAULTS = {
    "ldaps": 636, "smtps": 465, "imaps": 993, "pop3s": 995, "amqps": 5671, "mqtts": 8883, "rediss": 6379,
    "ftps": 990, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mongodb": 27017, "mongodb+srv": 27017,
}  # fmt: skip
_STARTTLS = {"postgres": "postgres", "postgresql": "postgres", "mysql": "mysql"}
_BY_PORT = {
    5432: "postgres",
    3306: "mysql",
    587: "smtp",
    25: "smtp",
    143: "imap",
    110: "pop3",
    389: "ldap",
    21: "ftp",
}
# Files, and parts of programs.
_NOT_HOSTS = re.compile(
    r"(?:^|\.)(?:c|cc|cpp|cs|go|h|java|kt|py|pyc|js|mjs|cjs|ts|tsx|rb|rs|php|pl|pm|sh|ps1|md|pem|crt|cer|key|so|dll|exe|jar|war|zip|gz|tgz|conf|cfg|ini|log|txt|html?|json|xml|ya?ml|toml|lock|targets|csproj|bz2|whl|erl|ex|swift|net\.\w+|ssl|tls|io\.\w+|\w*(?:error|exception)s?)\.?$"
    r"|^(?:com|org|net|io|java|javax|sun|jdk|android|kotlin|system|microsoft|python|site-packages|node|github\.com)\.[\w.]*\.[\w]*$",
    re.IGNORECASE,
)
# Sites that messages point to for more details.
_MANUALS = frozenset(
    ("curl.se", "curl.haxx.se", "www.openssl.org", "aka.ms", "docs.python.org", "go.microsoft.com",
     "urllib3.readthedocs.io", "go.dev", "bugs.debian.org", "sqlalche.me", "railsapps.github.io",
     "docs.microsoft.com", "learn.microsoft.com", "stackoverflow.com", "docs.docker.com",
     "docs.npmjs.com", "docs.astral.sh", "docs.aws.amazon.com", "yarnpkg.com", "www.w3.org", "schemas.xmlsoap.org",
     "developer.mozilla.org", "support.mozilla.org", "support.google.com", "docs.gradle.org", "cwiki.apache.org",
     "maven.apache.org", "pip.pypa.io", "issues.apache.org", "support.apple.com")
)  # fmt: skip
# Where servers listen.
_NOBODY = frozenset(("0.0.0.0", "::"))  # noqa: S104 (nothing listens here)
_SAID = 7  # from here on a text says plainly that it is the target, and weaker forms add nothing
_TOO_LATE = 16 << 10  # characters that are looked through


class Whom(msgspec.Struct, frozen=True):
    """A target that a text names.

    Attributes:
        host: lower-case, without brackets.
        port: as the text says, or by its scheme; None for neither.
        strength: how plainly it says that this is the target.
        place: where, in characters.

    """

    host: str
    port: int | None
    strength: int
    place: int
    starttls: str | None = None


@lru_cache(maxsize=2048)
def targets_in(text: str) -> tuple[Whom, ...]:
    """Everybody whom a text may have asked, in the order of the text; each place gives its plainest reading."""
    text = text[:_TOO_LATE]
    proxy = proxy_in(text)
    by_place: dict[int, Whom] = {}
    for strength, expression in _FORMS:
        if by_place and strength < _SAID <= max(one.strength for one in by_place.values()):
            break
        for match in expression.finditer(text):
            found = _whom(match, strength)
            if found is None or (proxy and (found.host, found.port) == proxy):
                continue
            before = by_place.get(found.place)
            if before is None or before.strength < strength:
                by_place[found.place] = found
    return tuple(by_place[place] for place in sorted(by_place))


def best_of(found: Sequence[Whom]) -> Whom | None:
    """The plainest of them; of several as plain the one that is named most, then the last."""
    if not found:
        return None
    counts: dict[str, int] = {}
    for one in found:
        counts[one.host] = counts.get(one.host, 0) + 1
    best = max(found, key=lambda one: (one.strength, counts[one.host], one.place))
    if best.port is None:
        same = [one for one in found if one.host == best.host and one.port is not None]
        best = same[-1] if same else best
    return best


def proxy_in(text: str) -> tuple[str, int] | None:
    """Host and port of the proxy that a text names."""
    text = text[:_TOO_LATE]
    if "roxy" not in text and "ROXY" not in text and "Connected to" not in text:
        return None
    for word in islice(_PROXY_WORD.finditer(text), _MANY):
        end = text.find("\n", word.end(), word.end() + _NEAR_WORD)
        near = text[word.end() : end if end >= 0 else word.end() + _NEAR_WORD]
        found = _PROXY_ADDRESS.search(near)
        if found and 0 < int(found["port"]) < 65536:
            return _plain(found["host"]), int(found["port"])
    for one in islice(_CONNECTED.finditer(text), _MANY):
        if _TUNNEL.search(text[one.end() : one.end() + _NEAR_CONNECTED]):
            return _plain(one["host"]), int(one["port"])
    return None


@lru_cache(maxsize=4096)
def is_private(host: str) -> bool:
    """A name or an address that is nobody's on the internet."""
    if as_address(host) is not None:
        return is_private_address(host)
    return (
        is_special_use(host) or host.endswith(".svc")
        or bool(re.search(r"(?:^|\.)example\.(?:com|net|org)$", host))
        or bool(re.search(r"(?:^|\.)(?:internal|intra|intranet|corp|lan|local|priv|ad)\.", host))
    )  # fmt: skip


def _plain(host: str) -> str:
    return host.strip("[]").lower().rstrip(".")


def _whom(match: re.Match[str], strength: int) -> Whom | None:
    parts = match.groupdict()
    raw = parts["host"]
    host = _plain(raw)
    port_text = parts.get("port")
    port = int(port_text) if port_text else None
    if port is not None and not 0 < port < 65536:
        return None
    if (
        host in _MANUALS
        or host in _NOBODY
        or _is_pointed_to(match)
        or not _is_name(raw, host, plain=strength >= 7)
    ):
        return None
    scheme = (parts.get("scheme") or "").lower()
    if port is None and scheme:
        port = _DEFAULTS.get(scheme, 443 if scheme in ("https", "wss") else None)
    starttls = _STARTTLS.get(scheme) or (_BY_PORT.get(port) if port else None)
    return Whom(host, port, strength, match.start("host"), starttls)


def _is_pointed_to(match: re.Match[str]) -> bool:
    """Whether the line only points there: "Get more help at https://help.a.example"."""
    start = match.start()
    return bool(_POINTS.search(match.string[max(0, start - _BEFORE_URL) : start]))


_BEFORE_URL = 48
_POINTS = re.compile(
    r"(?:\b(?:more (?:help|details|info(?:rmation)?)|learn more|further help|documentation|docs|see also|refer to|report (?:this|it|a bug|the bug|an issue)"
    r"|need help|background on this error)\b[^\n]{0,24})$",
    re.IGNORECASE,
)


def _is_name(raw: str, host: str, *, plain: bool) -> bool:
    """Whether it is a host; `plain`: the text says so, and a name of one label is one too."""
    if as_address(host) is not None or host == "localhost":
        return True
    if "." not in host:
        return plain and bool(re.search("[a-z]", host))
    if plain:
        return True
    if _NOT_HOSTS.search(host) or (
        raw != host and re.search(r"[a-z][A-Z]|^[A-Z][a-z]+\.[A-Z]", raw)
    ):
        return False
    last = host.rsplit(".", 1)[1]
    return last in SPECIAL_USE or last == "svc" or is_listed_suffix(last)
