"""What is due as an iCalendar (RFC 5545): an event on the last day of each rule, with an alarm at each threshold.

Rules
-----
1. An event keeps its UID for as long as its rule is in this store, wherever the file is: it is made from the pattern
   and from the first entry of the trail, which a backup has, too. So a renewed rule moves its event. SEQUENCE is
   the number of the entry that changed it last.
2. Texts are other people's: they are cut, what is not printable becomes a mark, and the library escapes the rest.
   Nothing of them goes into a name, a parameter or a UID.
3. Events are for whole days and take no time of anybody's: TRANSPARENT.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from addons.bypass.due import THRESHOLDS, Due
from addons.bypass.shown import shown
from detector.extras import demand
from detector.version import __version__

if TYPE_CHECKING:
    import icalendar

_LONGEST = 1000


def calendar(
    found: Iterable[Due], now: datetime, origin: str, revisions: Mapping[str, int]
) -> bytes:
    """The file.

    Args:
        found: what is due.
        now: when this is said, in UTC.
        origin: digest of the trail's first entry; tells stores apart.
        revisions: by pattern: the last entry of the trail that is about it.

    """
    demand("--ics", "icalendar", "review")
    import icalendar

    made = icalendar.Calendar()
    made.add("prodid", f"-//tlsight//tlsight {__version__}//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", "Bypass rules that end")
    for one in found:
        made.add_component(_event(one, now, origin, revisions.get(one.rule.pattern, 0)))
    return bytes(made.to_ical())


def uid(origin: str, pattern: str) -> str:
    """Of a rule's event."""
    digest = hashlib.sha256(f"{origin}\0{pattern}".encode()).hexdigest()
    return f"{digest[:40]}@bypass.tlsight"


def _event(one: Due, now: datetime, origin: str, revision: int) -> icalendar.Event:
    import icalendar

    rule = one.rule
    made = icalendar.Event()
    made.add("uid", uid(origin, rule.pattern))
    made.add("dtstamp", now)
    made.add("sequence", revision)
    made.add("dtstart", one.last_day)
    made.add("dtend", one.last_day + timedelta(days=1))
    made.add("transp", "TRANSPARENT")
    summary = _text(f"Bypass rule ends: {rule.action} {rule.pattern}")
    made.add("summary", summary)
    lines = [
        f"Last day: {rule.until}",
        f"Then {one.means}.",
        f"Owner: {rule.owner or 'nobody'}",
        f"Reason: {rule.reason or 'none was given'}",
        *([f"Ticket: {rule.ticket}"] if rule.ticket else []),
        f"To do: {one.act}",
    ]
    made.add("description", "\n".join(map(_text, lines)))
    for days in THRESHOLDS:
        alarm = icalendar.Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", summary)
        alarm.add("trigger", timedelta(days=-days))
        made.add_component(alarm)
    return made


def _text(line: str) -> str:
    return shown(line[:_LONGEST])
