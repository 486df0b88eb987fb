"""The lists that vendors publish, each with its page and what that page asks for: addons/data/feeds.toml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from addons.bypass.rule import RuleRow

Kind = Literal["machine", "shipped", "allow-only"]
Says = Literal["do-not-inspect", "bypass-proxy", "allow-only"]


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names with one reason; of suffixes the name and all below it."""

    reason: str
    hosts: list[str] = []
    suffixes: list[str] = []


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row.

    Attributes:
        kind: "machine" is fetched, "shipped" has its names here, "allow-only" becomes no rule.
        says: what the vendor asks for.
        page: where he does.
        read: the day on which it was looked at.
        text: that in words; a predicate of the vendor.
        url, form: of what is fetched.
        group: names of what is shipped.

    """

    name: str
    title: str
    kind: Kind
    says: Says
    page: str
    read: date
    text: str
    url: str = ""
    form: str = ""
    group: list[Group] = []

    def rows(self) -> list[RuleRow]:
        """The rules of what is shipped."""
        evidence = f"{self.page}, read on {self.read}"
        return [
            RuleRow(**{kind: name}, reason=group.reason, evidence=evidence)  # type: ignore[arg-type]
            for group in self.group
            for kind, names in (("host", group.hosts), ("suffix", group.suffixes))
            for name in names
        ]


@cache
def sources() -> Mapping[str, Source]:
    """All of them, by name."""
    from detector.knowledge.rows import load_rows

    path = Path(__file__).parents[1] / "data" / "feeds.toml"
    return {row.name: row for row in load_rows(path, "feed", Source)}
