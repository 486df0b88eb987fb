"""Which names a forged leaf may hold: none whose own connection would not be inspected.

Rules
-----
1. A browser sends a request for any name of a leaf over the connection that showed it, where both names are at
   one address (RFC 9113 section 9.1.1, RFC 9114 section 3.3). A leaf that this proxy forges with all names of
   the server's brings it the requests of names that the rules pass or block. So these are left out.
2. A wildcard is left out where a rule passes or blocks what lies right below it, and where that cannot be told:
   a regex may reach any name.
3. Nothing is lost by a name that is left out in doubt: its client opens one connection more. The name of the
   connection itself is none of these; it always stays.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable

from addons.bypass.rule import Rule

# Of one leaf; what comes behind is left out, so that a leaf of any size costs a moment.
MAX_NAMES = 1000
# A name of which no rule speaks by itself.
_ANY_LABEL = "any-name-of-all"
# Whether a connection of its own to this name, or address, would pass or be blocked.
Apart = Callable[[str], bool]


class Parents:
    """The names right above those that rules pass or block, where a wildcard would cover too much.

    Hashes of them are kept, in order: for a million rules these are 8 MB. Two names that share one make a
    wildcard go that could have stayed.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        found: set[int] = set()
        self._any = False
        for rule in rules:
            if rule.action == "inspect":
                continue
            name = rule.host or rule.suffix
            if name is not None:
                found.add(hash(name.partition(".")[2]))
            elif rule.regex is not None:
                self._any = True
        self._hashes = array("q", sorted(found))

    def __contains__(self, name: str) -> bool:
        if self._any:
            return True
        wanted = hash(name)
        at = bisect_left(self._hashes, wanted)
        return at < len(self._hashes) and self._hashes[at] == wanted


def may_hold(name: str, apart: Apart, parents: Parents) -> bool:
    """Whether a forged leaf may hold a name of the server's leaf."""
    if "*" not in name:
        return not apart(name)
    above = name.removeprefix("*.").rstrip(".").lower()
    if "*" in above or above in parents:
        return False
    return not apart(f"{_ANY_LABEL}.{above}")
