"""Answers from the hellos that an interceptor itself sends to servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from detector.errors import WireError
from detector.judging.graded_shown import is_genuine
from detector.model.grades import Answer, Seen
from detector.wire.hello import ClientHello
from detector.wire.registry import RENEGOTIATION_INFO, is_grease, version_name
from detector.wire.suites import suite_name, weak_family
from detector.wire.transcript import read_transcript

_TLS12, _TLS13, _SSL3 = 0x0303, 0x0304, 0x0300
_RENEGOTIATION_SCSV = 0x00FF
# rsa_pkcs1_md5, rsa_pkcs1_sha1, dsa_sha1, ecdsa_sha1 (RFC 9155).
_WEAK_SCHEMES = {
    0x0101: "rsa_pkcs1_md5",
    0x0201: "rsa_pkcs1_sha1",
    0x0202: "dsa_sha1",
    0x0203: "ecdsa_sha1",
}
_NAMED = 3


def hellos(seen: Seen) -> tuple[ClientHello, ...]:
    """Those that came to our servers from whoever decrypted, each once."""
    through = {one.server for one in seen.visits if is_genuine(one, seen)}
    met = seen.met if not seen.others else ()  # else they may be another interceptor's
    flights = [one.flight for one in met if one.server not in through]
    flights += [
        one.saw.flight for one in seen.visits if one.saw is not None and one.server not in through
    ]
    found: list[ClientHello] = []
    for flight in dict.fromkeys(flights):
        hello = read_transcript(flight, b"").client_hello
        if hello is not None and _is_readable(hello):
            found.append(hello)
    return tuple(found)


def answers_to_hellos(seen: Seen) -> Iterator[Answer]:
    """One for each test that asks the hello; "unclear" where none came."""
    sent = hellos(seen)
    for test, find in _FINDERS.items():
        if not sent:
            yield Answer(test=test, outcome="unclear", seen="no hello of its own reached a server")
            continue
        fault = find(sent)
        if fault is None:
            yield Answer(test=test, outcome="passed")
        else:
            yield Answer(test=test, outcome="failed", seen=fault)


def best_version(hello: ClientHello) -> int:
    """The newest that it offers."""
    return max((one for one in hello.versions if not is_grease(one)), default=hello.legacy_version)


def _is_readable(hello: ClientHello) -> bool:
    try:
        return bool(hello.versions) and hello.signature_algorithms is not None
    except WireError:
        return False


def _ssl3(sent: tuple[ClientHello, ...]) -> str | None:
    newest = max(map(best_version, sent))
    return f"the newest that it offers is {version_name(newest)}" if newest <= _SSL3 else None


def _suites(families: frozenset[str]) -> Callable[[tuple[ClientHello, ...]], str | None]:
    def find(sent: tuple[ClientHello, ...]) -> str | None:
        bad = {code for hello in sent for code in hello.ciphers if weak_family(code) in families}
        if not bad:
            return None
        names = [suite_name(code) for code in sorted(bad)]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"it offers {', '.join(names[:_NAMED])}{more}"

    return find


def _compression(sent: tuple[ClientHello, ...]) -> str | None:
    return "it offers DEFLATE" if any(any(hello.compression) for hello in sent) else None


def _renegotiation(sent: tuple[ClientHello, ...]) -> str | None:
    for hello in sent:
        old = any(one <= _TLS12 for one in hello.versions if not is_grease(one))
        marked = (
            hello.extension(RENEGOTIATION_INFO) is not None or _RENEGOTIATION_SCSV in hello.ciphers
        )
        if old and not marked:
            return "a hello with TLS 1.2 bears neither"
    return None


def _no_tls13(sent: tuple[ClientHello, ...]) -> str | None:
    newest = max(map(best_version, sent))
    return None if newest >= _TLS13 else f"the newest that it offers is {version_name(newest)}"


def _no_name(sent: tuple[ClientHello, ...]) -> str | None:
    return "a hello bears no server_name" if any(not hello.sni for hello in sent) else None


def _signatures(sent: tuple[ClientHello, ...]) -> str | None:
    bad = {one for hello in sent for one in hello.signature_algorithms if one in _WEAK_SCHEMES}
    names = ", ".join(_WEAK_SCHEMES[one] for one in sorted(bad))
    return f"it takes {names}" if bad else None


_FINDERS: dict[str, Callable[[tuple[ClientHello, ...]], str | None]] = {
    "offers-ssl3": _ssl3,
    "offers-weak-suites": _suites(frozenset(("rc4", "des", "3des", "rc2-idea"))),
    "offers-export-suites": _suites(frozenset(("export", "anonymous", "null"))),
    "offers-compression": _compression,
    "no-secure-renegotiation": _renegotiation,
    "no-tls13-upstream": _no_tls13,
    "no-server-name": _no_name,
    "offers-weak-signatures": _signatures,
}
