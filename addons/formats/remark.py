"""What people write beside an entry: why, whose, for which ticket, until when."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from addons.bypass.rule import Rule
from addons.bypass.shown import shown

MAX_REMARK = 500
# A key and its value: to the next separator where a colon or "=" stands between, one word where a blank does.
_KEY = r"(?:owner|contact|team|ticket|change|case|req|until|expires|expiry)"
_TOLD = re.compile(
    rf"\b(?P<key>{_KEY}) ?(?:(?:[:=] ?)(?P<value>[^;,()]{{1,100}})|(?: |(?=#))(?P<word>[^\s;,()]{{1,100}}))",
    re.IGNORECASE,
)
_TICKET = re.compile(r"\b[A-Z]{2,10}-?\d{2,10}\b")
_FIELDS = {
    "owner": "owner", "contact": "owner", "team": "owner", "until": "expires", "expires": "expires",
    "expiry": "expires",
}  # fmt: skip


def fields(text: str) -> dict[str, Any]:
    """Fields of a rule out of a remark: reason, owner, ticket, expires; a day only as 2027-03-31."""
    text = " ".join(text[:MAX_REMARK].split())
    found: dict[str, Any] = {}
    for told in _TOLD.finditer(text):
        value = (told["value"] or told["word"]).strip()
        field = _FIELDS.get(told["key"].lower(), "ticket")
        if field == "expires":
            try:
                found.setdefault(field, date.fromisoformat(value))
            except ValueError:
                continue
        elif told["value"] or field == "owner" or any(one.isdigit() for one in value):
            found.setdefault(field, value)
    rest = _TOLD.sub("", text) if found else text
    ticket = None if "ticket" in found else _TICKET.search(rest)
    if ticket is not None:
        found["ticket"] = ticket[0]
    rest = rest if ticket is None else rest.replace(ticket[0], "")
    reason = re.sub(r"\([\s;,]*\)", "", rest).strip(" ;,.-")
    if reason:
        found["reason"] = reason
    return found


def remark(rule: Rule) -> str:
    """A rule's reason, owner, ticket and last day on one line, so that `fields` finds them again."""
    parts = [_plain(rule.reason)] if rule.reason else []
    parts += [f"owner: {_plain(rule.owner)}"] if rule.owner else []
    parts += [f"ticket: {_plain(rule.ticket)}"] if rule.ticket else []
    parts += [f"until: {rule.until}"] if rule.expires is not None else []
    return "; ".join(parts)


def _plain(text: str) -> str:
    """Without what could end a line or look like a part of the grammar."""
    return " ".join(re.sub(r"[;,()\"'<>{}\\|#`\ufffd]", " ", shown(text)[:200]).split())
