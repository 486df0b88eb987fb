"""Why an import is refused unless it is forced: what must not happen by accident.

Rules
-----
1. A rule that safety.py speaks against is refused where it comes into force, or stays longer than it would: one that
   is in force, and was forced in then, is nobody's surprise.
2. A rule that inspects or blocks and would pass instead (`turned`) was somebody's decision, and so was one that a list
   taken as a set would remove (`unprotected`): many lists cannot even say that something is inspected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from addons.bypass.reach import end_moment, has_ended
from addons.bypass.remark import Remark
from addons.bypass.rule import Rule
from addons.bypass.safety import Guarded, unsafe


def refusals(
    changes: Iterable[tuple[Rule | None, Rule | None]], guarded: Guarded, now: datetime
) -> Iterator[Remark]:
    """Each rule as it is and as it would be; None where it is not there."""
    for before, after in changes:
        there = before if before is not None and not has_ended(before, now) else None
        if after is None:
            if there is not None and there.action != "pass":
                text = (
                    f"It says {there.action}, and the list does not have it: it would be removed."
                )
                yield Remark(there, "unprotected", "error", text)
            continue
        if there is not None and there.action != "pass" and after.action == "pass":
            yield Remark(after, "turned", "error", f"It says {there.action} today.")
        if there is None or there.action != "pass" or _is_longer(after, there):
            yield from unsafe(after, guarded)


def _is_longer(after: Rule, before: Rule) -> bool:
    was, will = end_moment(before), end_moment(after)
    return was is not None and (will is None or will > was)
