"""Which rules exempt so much that two people should have decided on them.

Rules
-----
1. Only a rule that passes can be wide: whoever inspects or blocks too much is told by his users.
2. A name alone is not. A suffix or one-label wildcard is at a registrable domain ("bank.example") or above, below
   which an owner has all that is his; one below that ("cdn.bank.example") is not.
3. A range is above /24, or /64 for IPv6: more than one network of neighbours.
4. A regex is, unless what it ends in is fixed and lies below a registrable domain, without alternatives. It is read
   from its end and with doubt: what cannot be seen at once is wide.
5. A client or fingerprint makes nothing narrow: all of one device is unseen as well.
"""

from __future__ import annotations

from addons.bypass.rule import Rule
from detector.chain.names import is_public_suffix, registrable_domain

_NARROWEST = {4: 24, 6: 64}
_LITERAL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


def is_wide(rule: Rule) -> bool:
    """Whether it passes more than one service of one owner."""
    if rule.action != "pass" or rule.host is not None:
        return False
    name = rule.suffix or rule.wildcard
    if name is not None:
        return _is_domain(name)
    if rule.network is not None:
        return rule.network.prefixlen < _NARROWEST[rule.network.version]
    return rule.regex is None or _is_loose(rule.regex)


def _is_domain(name: str) -> bool:
    """A registrable domain, or something above one."""
    return is_public_suffix(name) or registrable_domain(name) == name or "." not in name


def _is_loose(regex: str) -> bool:
    if "|" in regex:
        return True
    tail, whole = _fixed_end(regex)
    if whole:
        return False  # one name
    _, dot, below = tail.partition(".")
    return not dot or _is_domain(below)


def _fixed_end(regex: str) -> tuple[str, bool]:
    """The letters that every match ends in, and whether that is all of it."""
    rest = regex[:-1] if regex.endswith("$") and not regex.endswith("\\$") else regex
    found = ""
    while rest:
        if rest.endswith("\\."):
            found, rest = f".{found}", rest[:-2]
        elif rest[-1] in _LITERAL:
            found, rest = rest[-1] + found, rest[:-1]
        else:
            break
    return found, rest in ("", "^")
