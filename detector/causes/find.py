"""Run the rules: causes that apply, the one to mend first in front.

Rules
-----
1. The order is that of the table of causes (data/causes.toml).
2. A cause that only follows from another one that was found is left out (`CauseTable.left_out_beside`).
3. Errors come before warnings, and those before notes.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from detector.causes.clues import Claim, Clues, Rule
from detector.errors import CertificateError

_SEVERITIES = ("error", "warning", "note")


@cache
def rule(name: str) -> Rule:
    """The rule of a cause: a module named like it, with underscores, imported when it is asked."""
    module = import_module(f"detector.causes.rules.{name.replace('-', '_')}")
    found: Rule = module.find
    return found


def find_causes(
    clues: Clues, names: tuple[str, ...] | None = None, *, lenient: bool = False
) -> dict[str, Claim]:
    """Causes that apply, the one to mend first in front.

    Args:
        clues: what was seen.
        names: only these; all that have a rule when left out.
        lenient: leave out rules that stumble over a certificate.

    Raises CertificateError where a field that a rule needs cannot be read, unless lenient.

    """
    found: dict[str, Claim] = {}
    table = clues.known.causes
    for name, find in _rules(names or table.rules):
        try:
            one = find(clues)
        except CertificateError:
            if not lenient:
                raise
            continue
        if one is not None:
            found[name] = one
    if not found:
        return found
    errors = {name for name, one in found.items() if one.severity == "error"}
    kept = {
        name: one
        for name, one in found.items()
        if errors.isdisjoint(table.left_out_beside.get(name, ()))
    }
    return dict(sorted(kept.items(), key=lambda item: _SEVERITIES.index(item[1].severity)))


@cache
def _rules(names: tuple[str, ...]) -> tuple[tuple[str, Rule], ...]:
    return tuple((name, rule(name)) for name in names)
