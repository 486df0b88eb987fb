"""What is another on the path to a host than it was: here before, or at another place. Pure.

Theory of operation
-------------------
Honest sites never look the same twice: certificates are renewed, a CDN's fronts have keys and CAs of their own, choose
other groups, and write their ServerHello in another order; a name leads to other addresses, by IPv4 today and by IPv6
tomorrow. Who tells all of that tells nothing. So each change either counts or is a note, which is told beside what
counts and never alone.

Rules
-----
1. Who answers counts: the standing of the verdict (public, private, suspect, intercepted, none), and who intercepts.
   "direct" and "consistent" are one standing: what proves a host comes and goes with the age of log lists.
2. On public and private paths another issuer is a note. The judge has looked at it already.
3. An interceptor is its CA's key. Another key counts, but under one name only where the former key was seen twice: some
   draw one for each connection. Another name for the same key is a note. So is another verdict over the same key: what
   is suspect on one host is proven on two, and a policy makes the same gateway private.
4. Protocols count where they are worse than before: an older version, HTTP/2 gone. Better ones are a note: servers are
   upgraded, and the other reading is the older one. Beside an interceptor's, a server's own protocols are a note too.
5. What was seen there before under the same standing is no news: fronts that are not alike take turns.
6. Groups are never told, but for the hybrid key exchange, where all of at least STEADY readings had it: a note of one
   host, whose fronts may not be alike. Whether all hosts lost it at once is seen by detector.judging.path_answer.
7. The route counts where a proxy came or went, and where a public name now leads to an inner address. Which proxy, and
   which address family, are notes: PAC files spread hosts over several, and families race.
8. How our hello arrived counts: nobody but who stands in between changes it.
9. A host that gave no handshake is compared by that alone, and what came before it stays what the next is compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import structs

from detector.model.paths import PathReading, Remembered

Kind = Literal[
    "answer", "verdict", "interceptor", "sanction", "issuer", "version", "http2", "hybrid", "browser-version",
    "server-hello", "route", "proxy", "resolver", "family", "hello",
]  # fmt: skip
STEADY = 3
_STANDINGS = {"direct": "public", "consistent": "public"}
_VERSIONS = ("", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_NAMES = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}
_HYBRID = ("MLKEM", "Kyber")


class PathChange(msgspec.Struct, frozen=True):
    """One thing that is another now.

    Attributes:
        kind: what.
        counts: it is a difference of the path; else a note beside one.
        text: for a person, as what is so now.
        before, now: the values in words; empty where there was none.

    """

    kind: Kind
    counts: bool
    text: str
    before: str
    now: str


def changes(earlier: Sequence[Remembered], now: PathReading) -> tuple[PathChange, ...]:
    """What differs from the readings of one place, those that count first; nothing where there are none."""
    if not earlier:
        return ()
    in_order = sorted(earlier, key=lambda one: one.last)
    latest = in_order[-1].reading
    base = base_of(in_order, now)
    found: list[PathChange] = []
    if not now.answered or not latest.answered:
        found += _answer(latest, now)
    if now.answered and base is not None and base.reading.answered:
        alike = [one for one in in_order if standing(one.reading) == standing(base.reading)]
        before = base.reading
        found += _who(base, now)
        protocol = _protocol(alike, before, now)
        freed = before.verdict == "intercepted" != now.verdict
        found += [structs.replace(one, counts=one.counts and not freed) for one in protocol]
        found += _route(before, now)
        found += _arrival(alike, before, now)
    return tuple(sorted(found, key=lambda one: not one.counts))


def base_of(earlier: Iterable[Remembered], now: PathReading) -> Remembered | None:
    """The reading that this one is compared with: the latest, and for one that answered the latest that did."""
    found = sorted(earlier, key=lambda one: one.last)
    if now.answered:
        found = [one for one in found if one.reading.answered] or found
    return found[-1] if found else None


def standing(reading: PathReading) -> str:
    """Of its verdict, as far as it is one for a path."""
    return _STANDINGS.get(reading.verdict, reading.verdict)


def described(reading: PathReading) -> str:
    """Who answers, in a few words."""
    if reading.verdict == "inconclusive":
        return f"no handshake ({reading.failure})" if reading.failure else "no handshake"
    if reading.verdict == "intercepted":
        by = f" by {reading.who}" if reading.who else ""
        return f"intercepted{by}" + (", as the policy allows" if reading.sanctioned else "")
    if reading.verdict == "private":
        return f"a private CA ({reading.issuer})" if reading.issuer else "a private CA"
    if reading.verdict == "suspect" and reading.issuer:
        return f"suspect ({reading.issuer})"
    return reading.verdict


def _answer(latest: PathReading, now: PathReading) -> list[PathChange]:
    if now.answered == latest.answered and now.failure == latest.failure:
        return []
    before, after = described(latest), described(now)
    text = "it answers again" if now.answered else after
    # One failure for another tells of the weather more often than of the path.
    return [PathChange("answer", now.answered != latest.answered, text, before, after)]


def _who(base: Remembered, now: PathReading) -> list[PathChange]:
    before = base.reading
    if standing(before) != standing(now):
        other = not now.issuer_key or before.issuer_key != now.issuer_key
        return [PathChange("verdict", other, described(now), described(before), described(now))]
    if now.verdict == "intercepted":
        return _interceptor(before, now, stays=base.times > 1)
    if before.issuer != now.issuer:
        text = f"signed by {now.issuer or 'nobody who is named'}"
        return [PathChange("issuer", False, text, before.issuer, now.issuer)]
    return []


def _interceptor(before: PathReading, now: PathReading, *, stays: bool) -> list[PathChange]:
    found: list[PathChange] = []
    named = before.who != now.who
    another = before.issuer_key != now.issuer_key
    if another or named:
        text = f"intercepted by {now.who or 'somebody without a name'}"
        text += ", with another CA key" if before.who == now.who else ""
        counts = (named and (another or not now.issuer_key)) or (another and stays)
        found.append(PathChange("interceptor", counts, text, before.who, now.who))
    if before.sanctioned != now.sanctioned:
        words = {True: "allowed by the policy", False: "not allowed by the policy"}
        text, was = words[now.sanctioned], words[before.sanctioned]
        found.append(PathChange("sanction", False, text, was, text))
    return found


def _protocol(
    alike: Sequence[Remembered], before: PathReading, now: PathReading
) -> list[PathChange]:
    seen = [one.reading for one in alike]
    found: list[PathChange] = []
    if before.version != now.version and now.version not in {one.version for one in seen}:
        worse = _is_older(now.version, before.version)
        found.append(_other_version("version", before.version, now.version, worse=worse))
    had, has = before.alpn == "h2", now.alpn == "h2"
    if had != has and now.alpn not in {one.alpn for one in seen}:
        text = "HTTP/2" if has else "HTTP/2 gone"
        found.append(
            PathChange("http2", had, text, before.alpn or "no ALPN", now.alpn or "no ALPN")
        )
    found += _browser(alike, before, now)
    if before.server_hello != now.server_hello and now.server_hello not in {
        one.server_hello for one in seen
    }:
        was, order = _listed(before.server_hello), _listed(now.server_hello)
        found.append(
            PathChange("server-hello", False, f"the ServerHello has extensions {order}", was, order)
        )
    return found


def _browser(
    alike: Sequence[Remembered], before: PathReading, now: PathReading
) -> list[PathChange]:
    got = now.browser
    asked = [one for one in alike if one.reading.browser is not None]
    if got is None or not asked:
        return []
    found: list[PathChange] = []
    was = before.browser
    versions = {one.reading.browser.version for one in asked if one.reading.browser}
    if was is not None and got.version not in versions and before.version == now.version:
        worse = _is_older(got.version, was.version)
        found.append(_other_version("browser-version", was.version, got.version, worse=worse))
    hybrids = [is_hybrid(one.reading.browser.group) for one in asked if one.reading.browser]
    if got.version == "TLSv1.3" and not is_hybrid(got.group) and all(hybrids):
        group = was.group if was is not None else ""
        text = "the hybrid key exchange of browsers is gone"
        if sum(one.times for one in asked) >= STEADY:
            found.append(PathChange("hybrid", False, text, group, got.group))
    return found


def _other_version(
    kind: Literal["version", "browser-version"], before: str, now: str, *, worse: bool
) -> PathChange:
    was, said = _NAMES.get(before, before), _NAMES.get(now, now)
    whose = "for browsers " if kind == "browser-version" else ""
    return PathChange(kind, worse, f"{whose}{said or 'no TLS version'} instead of {was}", was, said)


def _route(before: PathReading, now: PathReading) -> list[PathChange]:
    found: list[PathChange] = []
    if before.route != now.route:
        counts = "direct" in (before.route, now.route)
        text = f"through {now.proxy}" if now.proxy else "past any proxy that is set"
        found.append(PathChange("route", counts, text, _way(before), _way(now)))
    elif before.proxy != now.proxy:
        found.append(PathChange("proxy", False, f"through {now.proxy}", before.proxy, now.proxy))
    if before.inner != now.inner and before.family and now.family:
        words = {True: "an inner address", False: "a public address"}
        text, was = words[now.inner], words[before.inner]
        found.append(PathChange("resolver", now.inner, f"the name leads to {text}", was, text))
    if before.family != now.family and before.family and now.family:
        found.append(PathChange("family", False, f"by {now.family}", before.family, now.family))
    return found


def _arrival(
    alike: Sequence[Remembered], before: PathReading, now: PathReading
) -> list[PathChange]:
    if now.hello is None or before.hello is None or before.hello == now.hello:
        return []
    if now.hello in {one.reading.hello for one in alike}:
        return []
    was, is_now = (", ".join(one) or "unchanged" for one in (before.hello, now.hello))
    return [PathChange("hello", True, f"our hello arrives {is_now}", was, is_now)]


def is_hybrid(group: str) -> bool:
    """Whether a key exchange group joins an elliptic curve with a lattice."""
    return any(word in group for word in _HYBRID)


def _is_older(now: str, before: str) -> bool:
    if now not in _VERSIONS or before not in _VERSIONS:
        return False
    return _VERSIONS.index(now) < _VERSIONS.index(before)


def _way(reading: PathReading) -> str:
    return reading.proxy or "no proxy"


def _listed(kinds: tuple[int, ...]) -> str:
    return ", ".join(map(str, kinds)) or "none"
