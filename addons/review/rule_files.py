"""Rules that the proxies have from files beside the store: they decide, too."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from addons.bypass.rule import Rule, load_rules
from addons.store.bypass_store import BypassStore
from detector.errors import ConfigError


class RuleFiles(NamedTuple):
    """What is in them.

    Attributes:
        unreadable: files that this page cannot read, or that are wrong.

    """

    rules: list[Rule]
    unreadable: list[str]


def rule_files(store: BypassStore, now: datetime) -> RuleFiles:
    """Of the proxies that are alive."""
    found = RuleFiles([], [])
    names = {one.rules_file for one in store.proxies.alive(now) if one.rules_file is not None}
    for name in sorted(names):
        try:
            found.rules.extend(load_rules(Path(name)))
        except ConfigError:
            found.unreadable.append(name)
    return found
