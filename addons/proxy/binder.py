"""The bypass decision's questions to the network: where is this name, and does the server there prove it?

Rules
-----
1. What is known is answered from memory; only the first connection of a name waits, for WAIT at most, look-up and
   proof together. Whoever cannot be told in that time is inspected.
2. A proof is asked for only of an address that the proxy itself resolved, after that, and never instead of it: an
   attacker's server relays a handshake to the real host. It holds for PROVEN seconds, for one name, address and port.
3. A proof that fails for want of an answer leaves the last one in force for its time. A certificate that is not
   valid for the name ends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from addons.bypass.binding import Bound, Claim, Verify, is_by_name, judge, to_look_up, wants_proof
from addons.bypass.bounded import placed
from addons.bypass.rule import Rule
from addons.proxy.resolver import Places, Resolver
from detector import clock
from detector.net.own_name import NameProof

WAIT = 4.0
PROVEN = 3600.0
_REFUTED, _UNKNOWN = 60.0, 15.0
_MOST = 10_000
_AT_ONCE = 32

Prove = Callable[[str, str, int], Awaitable[NameProof]]


class _Kept(msgspec.Struct, frozen=True):
    """The last word on a name at an address, asked again after `until`; `proven` is until when a proof holds."""

    until: float
    proven: float
    why: str = ""


class Binder:
    """Asks the resolver, and the server where the rule wants it.

    Args:
        prove: name, address and port to a proof.

    """

    def __init__(self, resolver: Resolver, prove: Prove, verify: Verify = "learned") -> None:
        self.resolver = resolver
        self._prove = prove
        self._verify = verify
        self._proofs: dict[tuple[str, str, int], _Kept] = {}
        self._asking: dict[tuple[str, str, int], asyncio.Task[_Kept]] = {}

    async def bind(self, claim: Claim, rule: Rule, port: int, client: str) -> Bound:
        """Whether a connection may pass by a rule, and where to; never raises, and takes WAIT at most."""
        if not is_by_name(rule) or rule.bind == "none":
            return Bound("bound")
        if not wants_proof(rule, self._verify):
            answers = self._at_hand(claim)
            if answers is not None:
                return judge(claim, answers)
        try:
            async with asyncio.timeout(WAIT):
                return await self._bind(claim, rule, port, client)
        except TimeoutError:
            return Bound("unknown", why=f"asked for {claim.sni}, which nobody could tell in time")

    async def is_bound(
        self, name: str, asked: str | None, address: str | None, client: str = ""
    ) -> bool | None:
        """Whether the name that a client claimed is bound to where it went; None where nobody can tell."""
        claim = Claim(name, asked, address, movable=False)
        found = judge(claim, await self._answers(claim, client))
        return None if found.state == "unknown" else found.state == "bound"

    async def _bind(self, claim: Claim, rule: Rule, port: int, client: str) -> Bound:
        found = judge(claim, await self._answers(claim, client))
        if not wants_proof(rule, self._verify) or found.state not in ("bound", "moved"):
            return found
        name = claim.sni or claim.asked
        assert name is not None
        if not claim.upstream and not to_look_up(claim):
            # Bound by its name alone: what is proven must be where it goes.
            places = await self.resolver.addresses(name, client)
            found = judge(Claim(name, None, claim.address, claim.movable), {name: places})
        address = found.to or (claim.asked if claim.upstream else claim.address)
        if address is None or found.state not in ("bound", "moved"):
            return found
        kept = await self._proof((name, address, port))
        if kept.proven > clock.stopwatch():
            return found
        return Bound("unknown", why=f"{name} at {address} does not prove its name: {kept.why}")

    def _at_hand(self, claim: Claim) -> dict[str, Places | None] | None:
        """What is to be looked up, where all of it is known already."""
        found: dict[str, Places | None] = {}
        for name in to_look_up(claim):
            known = self.resolver.known(name)
            if known is None:
                return None
            found[name] = known.places
        return found

    async def _answers(self, claim: Claim, client: str) -> dict[str, Places | None]:
        wanted = to_look_up(claim)
        if len(wanted) == 1:
            return {wanted[0]: await self.resolver.addresses(wanted[0], client)}
        found = await asyncio.gather(*(self.resolver.addresses(one, client) for one in wanted))
        return dict(zip(wanted, found, strict=True))

    async def _proof(self, key: tuple[str, str, int]) -> _Kept:
        kept = self._proofs.get(key)
        if kept is not None and kept.until > clock.stopwatch():
            return kept
        asking = self._asking.get(key)
        if asking is None:
            if len(self._asking) >= _AT_ONCE:
                return kept or _Kept(0.0, 0.0, "too many are asked just now")
            asking = asyncio.create_task(self._ask(key, kept))
            self._asking[key] = asking
        return await asyncio.shield(asking)

    async def _ask(self, key: tuple[str, str, int], before: _Kept | None) -> _Kept:
        try:
            proof = await self._prove(*key)
        finally:
            self._asking.pop(key, None)
        now = clock.stopwatch()
        match proof.state:
            case "proven":
                kept = _Kept(now + PROVEN / 2, now + PROVEN)
            case "refuted":
                kept = _Kept(now + _REFUTED, 0.0, proof.why)
            case _:
                kept = _Kept(now + _UNKNOWN, before.proven if before else 0.0, proof.why)
        self._proofs.pop(key, None)
        return placed(self._proofs, key, kept, _MOST)
