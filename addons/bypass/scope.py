"""How far a rule for a candidate should reach: the narrowest first, and what each would exempt.

Rules
-----
1. The first proposal is the one host and port, for one fingerprint where the others succeed.
2. A suffix is proposed only when SEVERAL names below it are candidates themselves, and never one that is a
   public suffix or lies above the registrable domain: strangers register names there.
3. With each proposal go the names of the traffic seen that it would exempt besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from addons.bypass.learning import Candidate
from addons.bypass.lint import exempted
from addons.bypass.rule import RuleRow, rule_of
from detector.chain.names import as_address, is_below, is_public_suffix, registrable_domain

SEVERAL = 3


class Scope(msgspec.Struct, frozen=True):
    """One proposal.

    Attributes:
        row: the rule's pattern and conditions; reason, owner and end are the administrator's.
        besides: names seen in traffic that it exempts, without the candidate itself.

    """

    row: RuleRow
    pattern: str
    besides: tuple[str, ...]


def scopes(
    candidate: Candidate, others: Iterable[Candidate], seen: Sequence[str]
) -> tuple[Scope, ...]:
    """Proposals for one candidate, the narrowest first."""
    host, port = candidate.host, candidate.port
    found = [_scope(narrowest(candidate), host, seen)]
    if candidate.ja4 is not None:
        found.append(_scope(msgspec.structs.replace(narrowest(candidate), ja4=None), host, seen))
    above = shared_suffix(host, (one.host for one in others))
    if above is not None:
        found.append(_scope(RuleRow(suffix=above, port=port), host, seen))
    return tuple(found)


def narrowest(candidate: Candidate) -> RuleRow:
    """The pattern that lets through no more than what was seen to fail."""
    host = candidate.host
    address = as_address(host) is not None
    return RuleRow(
        host=None if address else host,
        cidr=host if address else None,
        port=candidate.port,
        ja4=candidate.ja4,
    )


def shared_suffix(host: str, candidates: Iterable[str]) -> str | None:
    """The longest suffix below which SEVERAL candidates lie, `host` among them; None for none."""
    if as_address(host) is not None:
        return None
    own = registrable_domain(host)
    names = {host, *(name for name in candidates if is_below(name, own))}
    rest = host
    while rest and not is_public_suffix(rest):
        below = sum(is_below(name, rest) for name in names)
        if below >= SEVERAL:
            return rest
        if rest == own:
            return None
        rest = rest.partition(".")[2]
    return None


def _scope(row: RuleRow, host: str, seen: Sequence[str]) -> Scope:
    rule = rule_of(row)
    besides = [name for name in exempted(rule, seen) if name != host]
    return Scope(row, rule.pattern, tuple(besides))
