"""What is said of a rule: by lint, before an import, when a rule is added."""

from __future__ import annotations

from typing import Literal

import msgspec

from addons.bypass.rule import Rule


class Remark(msgspec.Struct, frozen=True):
    """One thing to look at.

    Attributes:
        rule: the rule that it is about.
        id: stable name, e.g. "public-suffix".
        text: one sentence.
        other: the rule that it is about, too.

    """

    rule: Rule
    id: str
    severity: Literal["error", "warning"]
    text: str
    other: Rule | None = None
