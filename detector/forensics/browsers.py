"""Does this ClientHello belong to the browser that the User-Agent names? Interception seen from the server.

Theory of operation
-------------------
A browser's hello shows its family and, within limits, its release. An interceptor's own TLS library sends its
own hello in the browser's name (Durumeric et al., "The Security Impact of HTTPS Interception", NDSS 2017).
Three things make a field safe to judge:

* it was seen in releases on both sides of the interval (`since`, `until`); what is newer than the newest that was
  measured is unknown, because browsers change their hellos every few releases;
* no setting adds it. Enterprises and users take suites, groups, TLS 1.3, ECH or tickets away; Tor Browser is
  Firefox with less. So a hello may have less than a rule allows, in the rule's order, and never more;
* the transport is the rule's. Over QUIC the same browser has other suites and extensions.

"likely" needs a browser in the User-Agent and a field that no release of the interval ever sent so. "unlikely"
needs everything that such a release usually sends. In between, and where no rule speaks, is "unknown", with
the reason; so is the hello of another browser, which no library sends by itself: there the User-Agent was
changed. A User-Agent is a claim and no proof: "likely" also fits a program that took a browser's name, and
"unlikely" one that copied its hello.

A hello that equals a known interceptor's names it; alone it proves nothing, because most programs send the hello
of a library that others have too. Then the library is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from detector.capture.connection import HelloFacts
from detector.forensics.browser_rules import (
    BrowserRule,
    Family,
    Kind,
    KnownHello,
    NotJudged,
    ProductHeader,
    Transport,
)
from detector.forensics.claimed import Claims
from detector.forensics.hello_differences import impossible, unusual
from detector.wire.registry import is_grease

Opinion = Literal["likely", "unlikely", "unknown"]
_TRANSPORTS: dict[str, Transport] = {"t": "tcp", "q": "quic"}
# They come and go: name, ALPN, padding, ticket of before, early data, cookie.
_PASSING = frozenset((0, 16, 21, 41, 42, 44))
_ROOM = 4096
_Looks = tuple[str | None, Kind | None]
_Key = tuple[tuple[object, ...], str | None, tuple[str, ...]]
_GREASE = frozenset(byte << 8 | byte for byte in range(0x0A, 0x100, 0x10))


class HelloOpinion(msgspec.Struct, frozen=True):
    """What a hello says about who sent it.

    Attributes:
        interception: "likely", "unlikely" or "unknown".
        claims: family and version of the User-Agent, or who it is that is not judged.
        looks_like: an interceptor, a library or another browser that sends this very hello.
        differs: a sentence for each field that does not fit.
        headers: products that added a header to the request.
        looks_like_kind: whether `looks_like` is a program, a library that many programs have, or a browser.
        reason: why nothing is said, a sentence; empty where something is.

    """

    interception: Opinion
    claims: str | None
    looks_like: str | None
    differs: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    looks_like_kind: Kind | None = None
    reason: str = ""


class Browsers:
    """The rules, and opinions remembered by hello and agent."""

    def __init__(
        self,
        families: Sequence[Family] = (),
        rules: Sequence[BrowserRule] = (),
        interceptors: Sequence[KnownHello] = (),
        headers: Sequence[ProductHeader] = (),
        others: Sequence[NotJudged] = (),
    ) -> None:
        self._claims = Claims(families, rules, others)
        self._distinct = tuple(rule for rule in rules if rule.distinct)
        self._headers = tuple(headers)
        self._by_suites: dict[tuple[int, ...], list[KnownHello]] = {}
        self._by_ja4: dict[str, KnownHello] = {}
        for known in interceptors:
            if known.ja4:
                self._by_ja4[_core(known.ja4)] = known
            else:
                self._by_suites.setdefault(known.suites, []).append(known)
        self._made: dict[_Key, HelloOpinion | None] = {}

    def patterns(self) -> Iterator[re.Pattern[str]]:
        """Every expression that is tried on a User-Agent."""
        return self._claims.patterns()

    def whose(self, hello: HelloFacts) -> tuple[str | None, Kind | None]:
        """Who sends this very hello: a program, a library, or a browser that no library looks like; None, None else."""
        if (known := self._known(hello)) is not None:
            return known.name, known.kind
        transport = _TRANSPORTS.get(hello.ja4[:1])
        if transport is not None and (browser := self._browser(hello, transport)) is not None:
            return browser, "browser"
        return None, None

    def opinion(
        self, hello: HelloFacts, agent: str | None, headers: tuple[str, ...] = ()
    ) -> HelloOpinion | None:
        """None where there is neither a User-Agent, nor a known interceptor's hello or header.

        Args:
            hello: what was offered.
            agent: the request's User-Agent.
            headers: names of the request's fields, lower case.

        """
        if agent is None and not headers and not self._may_be_known(hello):
            return None
        key = _told_by(hello), agent, headers
        if key not in self._made:
            if len(self._made) >= _ROOM:
                self._made.clear()
            self._made[key] = self._with_headers(self._judge(hello, agent), headers)
        return self._made[key]

    def products(self, headers: tuple[str, ...]) -> tuple[str, ...]:
        """Whose header is among these names of a request's fields, lower case."""
        return tuple(
            dict.fromkeys(
                known.product
                for known in self._headers
                for name in headers
                if name.startswith(known.prefix)
            )
        )

    def _with_headers(
        self, made: HelloOpinion | None, headers: tuple[str, ...]
    ) -> HelloOpinion | None:
        products = self.products(headers)
        if not products:
            return made
        made = made or HelloOpinion("likely", None, None)
        return msgspec.structs.replace(made, interception="likely", headers=products, reason="")

    def _judge(self, hello: HelloFacts, agent: str | None) -> HelloOpinion | None:
        known = self._known(hello)
        looks: _Looks = (known.name, known.kind) if known is not None else (None, None)
        if agent is None:
            if known is None:
                return None
            return _opinion("unknown", None, looks, "No User-Agent says who sent it.")
        transport = _TRANSPORTS.get(hello.ja4[:1])
        if transport is None:
            return _opinion("unknown", None, looks, "No browser is judged over this transport.")
        claim = self._claims.of(agent, transport)
        if claim.rule is None:
            return _opinion("unknown", claim.name, looks, claim.reason)
        if differs := impossible(claim.rule, hello):
            other = self._browser(hello, transport)
            if other is not None:
                reason = (
                    f"It is the hello of {other}: rather a changed User-Agent than interception."
                )
                return _opinion("unknown", claim.name, (other, "browser"), reason, differs)
            return _opinion("likely", claim.name, looks, "", differs)
        if missing := unusual(claim.rule, hello):
            return _opinion("unknown", claim.name, looks, " ".join(missing))
        return _opinion("unlikely", claim.name, looks, "")

    def _browser(self, hello: HelloFacts, transport: Transport) -> str | None:
        """The browser whose hello it is, where no library sends the same."""
        for rule in self._distinct:
            if rule.transport == transport and not impossible(rule, hello):
                return rule.name
        return None

    def _may_be_known(self, hello: HelloFacts) -> bool:
        return hello.ciphers in self._by_suites or _core(hello.ja4) in self._by_ja4

    def _known(self, hello: HelloFacts) -> KnownHello | None:
        kinds = {kind for kind in hello.extensions if not is_grease(kind)} - _PASSING
        for known in self._by_suites.get(hello.ciphers, ()):
            if kinds == set(known.extensions) - _PASSING and known.groups in ((), hello.groups):
                return known
        return self._by_ja4.get(_core(hello.ja4))


def _told_by(hello: HelloFacts) -> tuple[object, ...]:
    """All that an opinion depends on, without the order of extensions, which Chrome shuffles."""
    kinds = frozenset(hello.extensions)
    plain = kinds - _GREASE
    return (
        hello.ja4, hello.ciphers, plain, len(plain) < len(kinds), hello.groups, hello.schemes,
        hello.formats, hello.compressions,
    )  # fmt: skip


def _opinion(
    interception: Opinion,
    claims: str | None,
    looks: _Looks,
    reason: str,
    differs: Sequence[str] = (),
) -> HelloOpinion:
    name, kind = looks
    return HelloOpinion(
        interception, claims, name, tuple(differs), looks_like_kind=kind, reason=reason
    )


def _core(ja4: str) -> str:
    """Transport, version and the two hashes: what resumption and a missing name do not change."""
    head, _, rest = ja4.partition("_")
    return f"{head[:3]}_{rest}"
