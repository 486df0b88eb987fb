"""Does this ClientHello belong to the browser that the User-Agent names? Interception seen from the server.

Theory of operation
-------------------
A browser's hello shows its family: Chrome and Edge send GREASE, shuffle their extensions and say
application_settings; Firefox has no GREASE, a record size limit and delegated credentials; Safari has GREASE in
fixed order. An interceptor's own TLS library sends its own hello in the browser's name (Durumeric et al., "The
Security Impact of HTTPS Interception", NDSS 2017). What differs is told field by field. A hello whose JA4 is that
of a known interceptor is one more sign; alone it is none, because curl's JA4 is OpenSSL's too.

"likely" needs a browser in the User-Agent and a field that no release of its family, as far as the rule says,
ever sent so. "unlikely" needs all fields to fit. What no rule speaks of is "unknown".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from detector.capture.connection import HelloFacts
from detector.wire.registry import is_grease

Opinion = Literal["likely", "unlikely", "unknown"]


class BrowserRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one family of browsers greets.

    Attributes:
        agent: expression with one group, the major version, that finds the family in a User-Agent.
        unless: expression of other families that use the same words.
        since: first major version that the rule speaks of.
        grease: it sends GREASE (RFC 8701).
        first_suites: suites in the order in which they begin, GREASE left out.
        extensions: types that are always there.
        never: types that never are.
        groups: groups that are always offered.
        never_suites: suites that never are.

    """

    family: str
    agent: str
    since: int
    source: str
    unless: str = ""
    grease: bool | None = None
    first_suites: tuple[int, ...] = ()
    extensions: tuple[int, ...] = ()
    never: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    never_suites: tuple[int, ...] = ()
    http2: bool = False


class InterceptorHello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hello of a program that intercepts, as JA4. The middle count changes with resumption, so the parts
    are compared without the counts.
    """

    product: str
    ja4: str
    source: str


class ProductHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request header, by the start of its name, that an intercepting product adds."""

    product: str
    prefix: str
    source: str


class HelloOpinion(msgspec.Struct, frozen=True):
    """What a hello says about who sent it.

    Attributes:
        interception: "likely", "unlikely" or "unknown".
        claims: family and version of the User-Agent.
        looks_like: an interceptor that sends this very hello.
        differs: a sentence for each field that does not fit.
        headers: products that added a header to the request.

    """

    interception: Opinion
    claims: str | None
    looks_like: str | None
    differs: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


class Browsers:
    """The rules, and opinions remembered by hello and agent."""

    def __init__(
        self,
        rules: Sequence[BrowserRule] = (),
        interceptors: Sequence[InterceptorHello] = (),
        headers: Sequence[ProductHeader] = (),
    ) -> None:
        self._headers = tuple(headers)
        self._rules = [
            (rule, re.compile(rule.agent), re.compile(rule.unless) if rule.unless else None)
            for rule in rules
        ]
        self._interceptors = {_core(known.ja4): known.product for known in interceptors}
        self._made: dict[tuple[str, str | None, tuple[str, ...]], HelloOpinion | None] = {}

    def opinion(
        self, hello: HelloFacts, agent: str | None, headers: tuple[str, ...] = ()
    ) -> HelloOpinion | None:
        """None where there is neither a User-Agent, nor a known interceptor's hello or header.

        Args:
            hello: what was offered.
            agent: the request's User-Agent.
            headers: names of the request's fields, lower case.

        """
        key = hello.ja3, agent, headers
        if key not in self._made:
            if len(self._made) >= 4096:
                self._made.clear()
            self._made[key] = self._with_headers(self._judge(hello, agent), headers)
        return self._made[key]

    def _with_headers(
        self, made: HelloOpinion | None, headers: tuple[str, ...]
    ) -> HelloOpinion | None:
        products = tuple(
            dict.fromkeys(
                known.product
                for known in self._headers
                for name in headers
                if name.startswith(known.prefix)
            )
        )
        if not products:
            return made
        made = made or HelloOpinion("likely", None, None)
        return msgspec.structs.replace(made, interception="likely", headers=products)

    def _judge(self, hello: HelloFacts, agent: str | None) -> HelloOpinion | None:
        known = self._interceptors.get(_core(hello.ja4))
        if agent is None:
            return HelloOpinion("unknown", None, known) if known is not None else None
        for rule, expression, unless in self._rules:
            found = expression.search(agent)
            if found is None or (unless is not None and unless.search(agent)):
                continue
            version = int(found[1][:9])
            claims = f"{rule.family} {version}"
            if version < rule.since:
                return HelloOpinion("unknown", claims, known)
            differs = tuple(_differences(rule, hello))
            return HelloOpinion("likely" if differs else "unlikely", claims, known, differs)
        return HelloOpinion("unknown", None, known)


def _differences(rule: BrowserRule, hello: HelloFacts) -> list[str]:
    found: list[str] = []
    name = rule.family
    grease = any(is_grease(kind) for kind in hello.extensions)
    if rule.grease is not None and grease != rule.grease:
        found.append(f"{name} {'sends' if rule.grease else 'never sends'} GREASE.")
    if rule.first_suites and hello.ciphers[: len(rule.first_suites)] != rule.first_suites:
        wanted = ", ".join(f"{code:04x}" for code in rule.first_suites)
        sent = ", ".join(f"{code:04x}" for code in hello.ciphers[: len(rule.first_suites)])
        found.append(f"{name} begins its suites with {wanted}; this hello with {sent}.")
    kinds = set(hello.extensions)
    missing = [kind for kind in rule.extensions if kind not in kinds]
    if missing:
        found.append(f"{name} always sends the extensions {_listed(missing)}; they are missing.")
    extra = [kind for kind in rule.never if kind in kinds]
    if extra:
        found.append(f"{name} never sends the extensions {_listed(extra)}.")
    groups = [group for group in rule.groups if group not in hello.groups]
    if groups:
        found.append(f"{name} offers the groups {_listed(groups)}; they are missing.")
    suites = [suite for suite in rule.never_suites if suite in hello.ciphers]
    if suites:
        found.append(f"{name} never offers the suites {', '.join(f'{s:04x}' for s in suites)}.")
    if rule.http2 and hello.alpn and "h2" not in hello.alpn:
        found.append(f"{name} offers HTTP/2; this hello only {', '.join(hello.alpn)}.")
    return found


def _listed(codes: Sequence[int]) -> str:
    return ", ".join(map(str, codes))


def _core(ja4: str) -> str:
    """Transport, version and the two hashes: what resumption and a missing name do not change."""
    head, _, rest = ja4.partition("_")
    return f"{head[:3]}_{rest}"
