"""Why a rule is there, as a comment in another program's file."""

from __future__ import annotations

from addons.bypass.rule import Rule
from addons.bypass.shown import shown

# A comment must not cost more than the entry that it stands beside.
MOST = 48


def about(rule: Rule) -> str:
    """Reason, owner and end in one line that closes no quote and no brace; empty where nothing is known."""
    parts = (rule.reason, rule.owner, f"until {rule.until}" if rule.until else "")
    text = shown(", ".join(part for part in parts if part))
    harmless = "".join(c if c.isalnum() or c in " .,:()/@_+-" else "_" for c in text)
    return harmless if len(harmless) <= MOST else f"{harmless[: MOST - 3]}..."
