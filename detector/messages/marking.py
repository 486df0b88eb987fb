"""Which words belong to TLS alone, and which are everyday ones that count only beside them.

Rules
-----
1. "strong" marks name TLS, certificates or a library of TLS. "weak" ones name what mostly runs over it: https, port 443.
2. An identifier is telling by itself where it holds a strong mark, is written like a code (UPPER_CASE, CamelCase), or is a
   whole sentence about what mostly TLS has: renegotiation, a ClientHello, OCSP.
3. All others are words of everyday life: "internal error", "timed out", "has expired". They count only where a strong mark
   stands near, and ways to end a connection where a strong or a weak one does.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

# In RE2's syntax: no look-around, so that both engines read them.
_STRONG = (
    r"curl: \((?:35|51|53|54|58|59|60|66|77|80|83|90|91|98)\)|(?:^|[^a-z])(?:d?tls|ssl)(?:v?\d|[^a-z]|$|_|errors?|exception|hand|sock|engine|stream|context|cert|conn|peer|ciph|vers|proto|dial|wrap|record|alert|client|server|verif|_)"
    r"|(?:open|libre|boring|wolf|bear|cy|py|my|no|use|star|start|mod_|qt\.network\.)ssl|(?:gnu|mbed|rus|start|native.?|ru)tls"
    r"|x\.?509|certif|(?:^|[^a-z])certs?(?:[^a-z]|$)|cert_|_cert|handshake|pkix|schannel|secure (?:channel|connection)|ciphers?(?:[^a-z]|$)|cipher_?suite"
    r"|trust ?anchor|trust ?manager|truststore|keystore|(?:unknown|root|trusted|issuer|no|invalid|self.?signed|local|extra|system) ca(?:s|[^a-z]|$)|(?:^|[^a-z])ca is invalid|unknown ?issuer|ca ?file|ca_?bundle|ca_?path"
    r"|check_hostname|safely connect|securely connect|isn.?t secure|not secure|not (?:be )?trusted|not private|unsafe tls|authorit(?:y|ies)|revocation|revoked|hostname ?verif"
    r"|nsurlerror|cfstream|cfnetwork|errssl|net_error|err_cert|sec_e|cert_e|cert_trust|0x800[b9][0-9a-f]|0x8009|0x80072f|moz_pkix|hsts"
    r"|证书|憑證|証明書|인증서|сертификат|zertifikat|certificad|certyfikat|安全通道|信頼関係|信任关系|vertrauensstellung|sperrprüfung|sicheren? verbindung|保護された通信|недоверенн|verbindung wird nicht vertraut|защищённ|защищенн|безопасн|não é (?:segura|particular)|no es (?:segura|privada)|n.est pas (?:sécurisée|privée)|non è (?:sicura|privata)|nie jest (?:bezpieczne|prywatne)|不是私密|不安全|プライバシー|비공개|安全な接続|安全でない"
)
_WEAK = r"https|[:= ]443(?:[^0-9]|$)|:8443|wss://|ldaps|smtps|imaps|amqps|mqtts|ftps|starttls|proxyconnect"
# What a first look at a long log goes by: marks, ways to end, proxies.
_ENDS = (
    r"econnreset|etimedout|epipe|eproto|hang up|connection (?:was |has been )?(?:re(?:set|fused)|closed|aborted)"
    r"|timed? ?out|unexpected (?:eof|message|content|http)|http response to https|proxy|tunnel|407|network error"
)
_TELLING = re.compile(_STRONG, re.IGNORECASE)
_CODE = re.compile(r"[A-Z0-9]+(?:_[A-Z0-9]+)+|[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+|0x[0-9a-fA-F]{8}")

_SENTENCE = 4  # spaces; shorter ones stand in sentences about other things
_TERMS = re.compile(
    r"\b(?:OCSP|CRLs?|DER|ALPN|SNI|SCSV|renegotiat\w+|(?:client|server)(?:hello| ?key ?exchange)|close_notify)\b"
    r"|subject alt|\bkey (?:usage|exchange|share)|supported_groups|signature algorithm|common (?:algorithm|encryption)"
    r"|security protocol|man-in-the-middle|corrupted frame|corrupt message|plaintext|plain http|https c(?:lient|hannel)"
    r"|algorithm constraints|principal name|Server Name Indication|not bound to|target host name",
    re.IGNORECASE,
)


@cache
def telling(identifier: str) -> bool:
    """Whether a known text speaks of TLS by its own words."""
    return bool(
        _CODE.fullmatch(identifier)
        or _TELLING.search(identifier)
        or (identifier.count(" ") >= _SENTENCE and _TERMS.search(identifier))
    )


@cache
def names_tls(identifier: str) -> bool:
    """Whether it holds a strong mark, however it is written."""
    return bool(_TELLING.search(identifier))


def strongly_marked(text: str) -> bool:
    """Whether a text names TLS, certificates or a library of TLS."""
    return bool(_engine()[0].search(text.lower()))


def weakly_marked(text: str) -> bool:
    """Whether it names what mostly runs over TLS."""
    return bool(_engine()[1].search(text.lower()))


def is_no_failure(text: str) -> bool:
    """Whether a line tells a success, a piece of source, or certificates of another kind, whatever else is in it."""
    return bool(_SUCCESS.search(text)) or bool(
        _OTHER_KIND.search(text) and not _OF_TLS.search(text)
    )


_SUCCESS = re.compile(
    r"^\s*(?:[✓✔√]|ok\b|PASS\b|--- PASS|#\s*define\b)|\.\.\. ok$|\b0 (?:occurrences|matches|errors)\b"
    r"|while reading response header",
    re.IGNORECASE,
)
_OTHER_KIND = re.compile(
    r"code.?sign|signing certificate|provisioning profile|jarsigner|certificates? of (?:attendance|completion|origin|conformity)"
    r"|(?:birth|marriage|death|gift|vaccination|medical|health|training|share|tax|energy|insurance) certificates?",
    re.IGNORECASE,
)
# Certificates that sign code may be fetched over TLS that fails.
_OF_TLS = re.compile(r"https|ssl|tls|x509", re.IGNORECASE)


def other_port(text: str) -> bool:
    """Whether a line names ports, and none at which TLS is spoken from the first byte or to a proxy."""
    if "https" in text or "wss://" in text:
        return False
    ports = {
        int(match[2] or match[3])
        for match in _PORT.finditer(text)
        if not (match[1] and _FILE.search(match[1]))
    }
    return bool(ports) and ports.isdisjoint(_TLS_PORTS)


_PORT = re.compile(
    r"(localhost|(?<![\w-])[\w-]{1,63}\.[\w.-]{1,63}|\]):(\d{2,5})(?![\d.])|\bport[ =:]{1,2}(\d{2,5})\b",
    re.IGNORECASE,
)
# Lines of source, which look like ports.
_FILE = re.compile(
    r"\.(?:c|cc|cpp|cs|erl|go|h|java|js|kt|mjs|php|pl|py|rb|rs|scala|swift|ts)$", re.IGNORECASE
)
_TLS_PORTS = frozenset(
    (443, 465, 563, 636, 853, 989, 990, 993, 995, 2376, 2484, 3128, 3269, 4443, 5061, 5671, 6443, 6697, 8080, 8083,
     8443, 8883, 9091, 9093, 9200, 9443, 10250, 27017)
)  # fmt: skip


def speaks_of_tls(text: str) -> bool:
    """Whether a line of a long log may be one of a TLS failure."""
    return bool(_engine()[2].search(text.lower()))


@cache
def _engine() -> tuple[Any, Any, Any]:
    """RE2's, in linear time and some ten times as fast as `re` with this many words."""
    import re2

    return tuple(re2.compile(text) for text in (_STRONG, _WEAK, f"{_STRONG}|{_ENDS}"))
