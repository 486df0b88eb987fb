"""May the name that a client says decide where it passes? Only where the proxy itself ties it to the address.

Rules
-----
1. The SNI is a word of the party that is controlled, and so is the address that it asks for. A name is bound when
   (a) it equals the name that the client asked the proxy for, which the proxy, or the proxy upstream, resolves; or
   (b) the server's address is among those that the proxy's own resolver gives for it.
2. Two different names, one in the hello and one that was asked for, need an address that both have.
3. Where only the address differs (GeoDNS, short lives, a client's cache), the connection is moved: what passes goes
   to an address that the proxy resolved, or, where a proxy upstream resolves, to the name. Where the mode fixes the
   server (reverse), nothing can be moved.
4. What cannot be told is not bound: no answer of the resolver, or none in time.
5. Addresses are compared as hosts: ::ffff:192.0.2.1 and, by DNS64, 64:ff9b::192.0.2.1 (RFC 6052) are 192.0.2.1.
   "This host" (0.0.0.0, ::) is nobody's address.

What remains: a client and a server that collude inside a bound name. Who shares the address of an approved name (a
CDN's other customers) is reached by it, if that server lets him in under the approved name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal

import msgspec

from addons.bypass.rule import Rule
from detector.chain.names import as_address

Verify = Literal["learned", "always", "never"]
State = Literal["bound", "moved", "unbound", "unknown"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# What the resolver says: the addresses in its order, none where the name has none, None where it could not tell.
Answers = Mapping[str, tuple[str, ...] | None]
_DNS64 = ipaddress.ip_network("64:ff9b::/96")


class Claim(msgspec.Struct, frozen=True):
    """What a client says, and where its bytes would go.

    Attributes:
        sni: name of its hello, in the rules' own form; None without one.
        asked: name that it asked the proxy for (CONNECT, SOCKS), or that the mode fixes; None for an address.
        address: where the connection goes, as far as that is known here.
        movable: it can still go elsewhere.
        upstream: a proxy upstream resolves, and not this one.

    """

    sni: str | None
    asked: str | None
    address: str | None
    movable: bool = True
    upstream: bool = False


class Bound(msgspec.Struct, frozen=True):
    """The answer.

    Attributes:
        state: "moved" is bound once the connection goes to `to`.
        why: what stands against it, in words; empty where it is bound.

    """

    state: State
    to: str | None = None
    why: str = ""


_BOUND = Bound("bound")


def to_look_up(claim: Claim) -> tuple[str, ...]:
    """The names whose addresses `judge` wants to know."""
    if claim.sni is None or claim.sni == claim.asked or claim.upstream:
        return ()
    return (claim.sni,) if claim.asked is None else (claim.sni, claim.asked)


def judge(claim: Claim, answers: Answers) -> Bound:
    """Whether the name is bound; `answers` has those of `to_look_up`."""
    sni, asked = claim.sni, claim.asked
    if sni is None or sni == asked:
        return _BOUND if asked is not None else Bound("unbound", why="says no name")
    if claim.upstream:
        return _through_upstream(claim, sni)
    if asked is None and _is_plainly_there(claim.address, answers.get(sni)):
        return _BOUND
    places: tuple[str, ...] | None = None
    for name in to_look_up(claim):
        found = answers.get(name)
        if found is None:
            return Bound("unknown", why=f"asked for {sni}, and {name} does not resolve in time")
        found = tuple(one for one in found if _is_place(one))
        places = found if places is None else _common(places, found)
    assert places is not None
    if claim.address is not None and same(claim.address, places):
        return _BOUND
    if places and claim.movable:
        return Bound("moved", to=_nearest(claim.address, places))
    return Bound("unbound", why=_refusal(claim, sni))


def wants_proof(rule: Rule, verify: Verify) -> bool:
    """Whether the server has to prove the name by its certificate too."""
    if rule.bind is not None:
        return rule.bind == "certificate"
    return verify == "always" or (verify == "learned" and bool(rule.evidence))


def is_by_name(rule: Rule) -> bool:
    """Whether what a client says decides that the rule applies, and so has to be bound."""
    return (
        rule.host is not None
        or rule.suffix is not None
        or rule.wildcard is not None
        or rule.regex is not None
    )


def same(address: str, places: Iterable[str]) -> bool:
    """Whether an address is one of these, whichever way it is written."""
    host = _host(address)
    if host is None:
        return False
    return any(_host(one) == host for one in places)


def _is_plainly_there(address: str | None, places: tuple[str, ...] | None) -> bool:
    """The common case, in which nothing is written in two ways."""
    return address is not None and places is not None and address in places and _is_place(address)


def _through_upstream(claim: Claim, sni: str) -> Bound:
    if claim.asked is not None:
        why = f"asked for {claim.asked} with the name {sni} inside: only the proxy upstream could tell them apart"
        return Bound("unbound", why=why)
    if claim.movable:
        return Bound("moved", to=sni)
    return Bound("unknown", why=f"asked for {sni} at {claim.address}, which the proxy upstream has")


def _refusal(claim: Claim, sni: str) -> str:
    if claim.asked is not None:
        return (
            f"asked for {claim.asked} with the name {sni} inside, which is not at the same address"
        )
    return f"asked for {sni} at {claim.address}, which is not its address"


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(place for place in one if same(place, other))


def _nearest(address: str | None, places: tuple[str, ...]) -> str:
    """The first of the family that the client can speak, for it asked for one."""
    wanted = ":" in address if address is not None else None
    return next((one for one in places if (":" in one) == wanted), places[0])


def _is_place(text: str) -> bool:
    host = _host(text)
    return host is not None and not host.is_unspecified


@lru_cache(maxsize=8192)
def _host(text: str) -> Address | None:
    """Narrower than names.reached_address: behind 6to4 and Teredo stand others than the host of the IPv4 address."""
    found = as_address(text)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found in _DNS64:
            return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found
