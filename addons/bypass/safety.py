"""What no rule may let through by accident: names of strangers, of checks, and whatever hides behind a name.

Rules
-----
Each remark here is an error, and nothing makes such a rule without being told to (`--force`).

1. `public-suffix`: the rule holds everything below a name at which strangers register: "com", "github.io".
2. `shared-names`: the same of a name below which a CDN, a host or a sharing service gives names to all its
   customers, or of a name above one of those.
3. `wide-regex`: the names that a regex fits do not end in one owner's domain.
4. `canary`: tlsight asks this name when it looks for interception; a proxy that passes it seems to be none.
5. `outer-name`: the name hides others (ECH).
6. `everything`: any host on the port of HTTPS, for every client, or for a network of clients that is most of them.
7. `whole-network`: a range of addresses that no one owner has.

Rules that do not pass are nobody's danger here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from addons.bypass.reach import holds, is_any_host
from addons.bypass.regex_tails import Tail, tails
from addons.bypass.remark import Remark
from addons.bypass.rule import Rule
from detector.chain.names import is_public_suffix

# Ports at which a proxy decrypts; None is all of them.
_WEB = frozenset((None, 443, 8443))
# Shorter prefixes are nobody's: the largest networks that one owner has, by the version of IP.
_LEAST_PUBLIC, _LEAST_PRIVATE, _LEAST_CLIENTS = {4: 12, 6: 24}, {4: 8, 6: 7}, {4: 8, 6: 16}


class Names:
    """Some names, and which of them a rule's names take in, in a few look-ups."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._all = sorted(names)
        self._itself = dict.fromkeys(self._all)
        self._parents: dict[str, str] = {}
        self._above: dict[str, str] = {}
        for name in self._all:
            self._parents.setdefault(name.partition(".")[2], name)
            above = name
            while above:
                self._above.setdefault(above, name)
                above = above.partition(".")[2]

    def held_by(self, rule: Rule) -> str | None:
        """One of them that the rule holds."""
        if rule.host is not None:
            return rule.host if rule.host in self._itself else None
        if rule.suffix is not None:
            return self._above.get(rule.suffix)
        if rule.wildcard is not None:
            return self._parents.get(rule.wildcard)
        return next((name for name in self._all if holds(rule, name)), None)

    def at_or_below(self, name: str) -> str | None:
        """One of them that is `name`, or lies below it."""
        return self._above.get(name)


class Guarded:
    """Names to be careful with (guarded.py).

    Args:
        outer: names that hide others.
        canaries: names that checks for interception ask.
        shared: what kind of service gives names below these to everybody, by name.

    """

    def __init__(
        self,
        outer: Iterable[str] = (),
        canaries: Iterable[str] = (),
        shared: Mapping[str, str] | None = None,
    ) -> None:
        self.outer, self.canaries = Names(outer), Names(canaries)
        self.shared = shared or {}
        self.shared_names = Names(self.shared)


def unsafe(rule: Rule, guarded: Guarded) -> Iterator[Remark]:
    """Why it must not pass by accident; nothing for most rules."""
    if rule.action != "pass":
        return
    checks = _OF_ANY if is_any_host(rule) else _OF_RANGES if rule.network is not None else _OF_NAMES
    for check in checks:
        text = check(rule, guarded)
        if text is not None:
            yield Remark(rule, check.__name__.strip("_").replace("_", "-"), "error", text)


def _public_suffix(rule: Rule, _: Guarded) -> str | None:
    below = rule.suffix or rule.wildcard
    if below is None or not is_public_suffix(below):
        return None
    return f"Strangers register names below {below}: all of them would pass."


def _shared_names(rule: Rule, guarded: Guarded) -> str | None:
    below = rule.suffix or rule.wildcard or ""
    # Names of a wildcard have one label more: of those above a shared name none is a stranger's.
    name = below if rule.wildcard is not None else guarded.shared_names.at_or_below(below)
    if name is None or name not in guarded.shared or is_public_suffix(below):  # that has been said
        return None
    return f"{name} is {guarded.shared[name]}: whoever has a name below it would pass."


def _wide_regex(rule: Rule, guarded: Guarded) -> str | None:
    if rule.regex is None:
        return None
    for tail in tails(rule.regex):
        if _is_anybodys(tail, guarded):
            return f"It fits names of strangers, too: {_example(tail)}."
    return None


def _canary(rule: Rule, guarded: Guarded) -> str | None:
    name = guarded.canaries.held_by(rule)
    if name is None:
        return None
    return (
        f"tlsight asks {name} to see whether anybody intercepts: where it passes, nobody seems to."
    )


def _outer_name(rule: Rule, guarded: Guarded) -> str | None:
    name = guarded.outer.held_by(rule)
    if name is None:
        return None
    return f"{name} hides other names (ECH): whatever is behind it would pass, unseen."


def _everything(rule: Rule, _: Guarded) -> str | None:
    if rule.client is not None and rule.client.prefixlen < _LEAST_CLIENTS[rule.client.version]:
        return f"Every host passes for {rule.client}, which is no one's network."
    if rule.client is None and rule.ja4 is None and rule.port in _WEB:
        return f"Every host passes on port {rule.port}: nothing is inspected there any more."
    return None


def _whole_network(rule: Rule, _: Guarded) -> str | None:
    network = rule.network
    if network is None:
        return None
    least = (_LEAST_PRIVATE if network.is_private else _LEAST_PUBLIC)[network.version]
    if network.prefixlen >= least:
        return None
    return f"No one owner has all of {network}: whoever is there would pass."


_Check = Callable[[Rule, Guarded], str | None]
_OF_ANY: tuple[_Check, ...] = (_everything,)
_OF_RANGES: tuple[_Check, ...] = (_whole_network,)
_OF_NAMES: tuple[_Check, ...] = (
    _public_suffix,
    _shared_names,
    _wide_regex,
    _canary,
    _outer_name,
)


def _is_anybodys(tail: Tail, guarded: Guarded) -> bool:
    if tail.whole:
        return False  # one name
    # "bank.example" behind anything at all is "evilbank.example" too.
    below = tail.text[1:] if tail.text.startswith(".") else tail.text.partition(".")[2]
    if not below or is_public_suffix(below):
        return True
    return guarded.shared_names.at_or_below(below) is not None


def _example(tail: Tail) -> str:
    text = tail.text
    if not text:
        return "anything.example.com"
    return f"evil{text}" if "." in text else f"evil.example.{text}"
