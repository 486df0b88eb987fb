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

Rules that do not pass, and rules of addresses, are nobody's danger here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from addons.bypass.reach import holds, is_any_host
from addons.bypass.regex_tails import Tail, tails
from addons.bypass.remark import Remark
from addons.bypass.rule import Rule
from detector.chain.names import is_below, is_public_suffix


class Guarded(msgspec.Struct, frozen=True):
    """Names to be careful with (guarded.py).

    Attributes:
        outer: names that hide others.
        canaries: names that checks for interception ask.
        shared: what kind of service gives names below these to everybody, by name.

    """

    outer: frozenset[str] = frozenset()
    canaries: frozenset[str] = frozenset()
    shared: Mapping[str, str] = {}


def unsafe(rule: Rule, guarded: Guarded) -> Iterator[Remark]:
    """Why it must not pass by accident; nothing for most rules."""
    if rule.action != "pass" or rule.network is not None or is_any_host(rule):
        return
    for check in _CHECKS:
        text = check(rule, guarded)
        if text is not None:
            yield Remark(rule, check.__name__.strip("_").replace("_", "-"), "error", text)


def _public_suffix(rule: Rule, _: Guarded) -> str | None:
    below = rule.suffix or rule.wildcard
    if below is None or not is_public_suffix(below):
        return None
    return f"Strangers register names below {below}: all of them would pass."


def _shared_names(rule: Rule, guarded: Guarded) -> str | None:
    below = rule.suffix or rule.wildcard
    if below is None or is_public_suffix(below):  # that has been said
        return None
    name = _shared(below, guarded, wildcard=rule.wildcard is not None)
    if name is None:
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
    for name in sorted(guarded.canaries):
        if holds(rule, name):
            return f"tlsight asks {name} to see whether anybody intercepts: where it passes, nobody seems to."
    return None


def _outer_name(rule: Rule, guarded: Guarded) -> str | None:
    for name in sorted(guarded.outer):
        if holds(rule, name):
            return f"{name} hides other names (ECH): whatever is behind it would pass, unseen."
    return None


_CHECKS: tuple[Callable[[Rule, Guarded], str | None], ...] = (
    _public_suffix,
    _shared_names,
    _wide_regex,
    _canary,
    _outer_name,
)


def _shared(below: str, guarded: Guarded, *, wildcard: bool = False) -> str | None:
    """The shared name that all below `below` takes in; of a wildcard, whose names have one label more, itself."""
    if below in guarded.shared:
        return below
    if wildcard:
        return None
    return next((name for name in guarded.shared if is_below(name, below)), None)


def _is_anybodys(tail: Tail, guarded: Guarded) -> bool:
    if tail.whole:
        return False  # one name
    # "bank.example" behind anything at all is "evilbank.example" too.
    below = tail.text[1:] if tail.text.startswith(".") else tail.text.partition(".")[2]
    if not below or is_public_suffix(below):
        return True
    return _shared(below, guarded) is not None


def _example(tail: Tail) -> str:
    text = tail.text
    if not text:
        return "anything.example.com"
    return f"evil{text}" if "." in text else f"evil.example.{text}"
