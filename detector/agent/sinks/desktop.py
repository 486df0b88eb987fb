"""Tells the user of this desktop: a notification for each finding of some weight, in words that say who and what to do
(org.freedesktop.Notifications, the Desktop Notifications Specification 1.2).

A finding that closes replaces its own notification. Of many at once only the first are shown, the rest are one line; what lay
in the spool for a day is no news. Names in a notification stay on this machine.
"""

from __future__ import annotations

import html
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from detector.agent.sinks import SinkError, Surroundings
from detector.errors import FetchError
from detector.model.harmless import harmless
from detector.net.session_bus import bus_address, call_all
from detector.report.event_json import EventRecord, Severity, severity

_TO, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
_WEIGHT: tuple[Severity, ...] = ("info", "low", "medium", "high")
_STALE = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MOST_KEPT = 100
_LOW, _NORMAL, _CRITICAL = 0, 1, 2
_MORE = ""  # in the place of a finding's id: the line for all that are not shown


class Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"
):
    """[[sink]] kind = "desktop".

    Attributes:
        least: from which severity on.
        an_hour: how many notifications at most; the rest is one line.

    """

    least: Literal["low", "medium", "high"] = "medium"
    an_hour: int = 5


class Words(msgspec.Struct, frozen=True):
    """A notification: one line, then a few."""

    title: str
    body: str
    urgency: int


def open_sink(settings: Settings, surroundings: Surroundings) -> DesktopSink:
    return DesktopSink(settings, surroundings, os.environ)


class DesktopSink:
    """The session is looked for at each batch: who logged in later is told, too."""

    def __init__(
        self, settings: Settings, surroundings: Surroundings, environment: Mapping[str, str]
    ) -> None:
        self._settings = settings
        self._now = surroundings.now
        self._environment = environment
        self._shown: dict[str, int] = {}
        self._times: list[datetime] = []
        self._unshown = 0

    async def send(self, events: Sequence[EventRecord]) -> None:
        wanted = [one for one in events if self._concerns(one)]
        if not wanted:
            return
        bus = bus_address(self._environment)
        if bus is None:
            raise SinkError("desktop: nobody is logged in to a desktop here")
        try:
            for event in wanted:
                await self._tell(bus, event)
        except FetchError as error:
            raise SinkError(f"desktop: {error}") from None

    async def close(self) -> None:
        """Notifications stay where they are."""

    def _concerns(self, event: EventRecord) -> bool:
        if event.finding is None or self._now() - event.at > _STALE:
            return False
        if event.kind == "closed":
            return event.finding.id in self._shown
        if event.kind == "changed" and event.finding.id not in self._shown:
            return self._weighs(event) and not event.sanctioned
        return event.kind in ("opened", "changed") and self._weighs(event)

    def _weighs(self, event: EventRecord) -> bool:
        return _WEIGHT.index(severity(event)) >= _WEIGHT.index(self._settings.least)

    async def _tell(self, bus: str, event: EventRecord) -> None:
        assert event.finding is not None
        which, words = event.finding.id, worded(event)
        if which not in self._shown and not self._may_show():
            self._unshown += 1
            which, words = _MORE, _of_more(self._unshown)
        call: tuple[str, str, tuple[object, ...]] = (
            "Notify",
            "susssasa{sv}i",
            (
                "tlsight", self._shown.get(which, 0), "security-low", words.title, words.body, [],
                {"urgency": ("y", words.urgency), "category": ("s", "network.error")},
                0 if words.urgency == _CRITICAL else -1,
            ),
        )  # fmt: skip
        ((number, *_),) = await call_all(bus, _TO, _PATH, [call])
        self._shown.pop(which, None)
        if event.kind != "closed":
            self._shown[which] = number
        for oldest in list(self._shown)[:-_MOST_KEPT]:
            del self._shown[oldest]

    def _may_show(self) -> bool:
        now = self._now()
        self._times = [at for at in self._times if timedelta() <= now - at < _HOUR]
        if len(self._times) >= self._settings.an_hour:
            return False
        if not self._times:
            self._unshown = 0
        self._times.append(now)
        return True


def worded(event: EventRecord) -> Words:
    """A finding's event for who is no expert. Pure."""
    finding = event.finding
    assert finding is not None
    where = _where(event)
    if event.kind == "closed":
        return Words("It is over", f"tlsight no longer sees what it told of {where}.", _LOW)
    who = _who(event)
    if finding.kind == "interception":
        by = f"<b>{who}</b>" if who else "Somebody"
        return Words(
            "Your encrypted connections are being read",
            f"{by} stands between this computer and {where}, and can read and change what you send. If your"
            " employer does this, your IT department can tell. Else leave this network, and enter no password until"
            " this has gone.",
            _CRITICAL,
        )
    if finding.kind == "sink":
        return Words(
            "Reports of this computer are being intercepted",
            f"{who or 'Somebody'} stands between tlsight and {where}. Tell your IT department by another way.",
            _CRITICAL,
        )
    if finding.kind == "trust":
        return Words(
            "This computer trusts somebody it should not",
            f"{where}: whoever holds that key can read encrypted connections. If you did not install it, tell your IT"
            " department; tlsight trust shows more.",
            _NORMAL,
        )
    return Words(
        "A secure site does not look right",
        f"The connection to {where} shows signs of being read by others{f' ({who})' if who else ''}. It may be a fault of"
        " the site. Enter no password there; tlsight check shows more.",
        _NORMAL,
    )


def _of_more(number: int) -> Words:
    things = "finding" if number == 1 else "findings"
    return Words(
        "tlsight has more to tell", f"{number} more {things}; see tlsight agent events.", _NORMAL
    )


def _where(event: EventRecord) -> str:
    finding = event.finding
    assert finding is not None
    if not finding.hosts:
        return "some sites" if finding.kind != "trust" else _text(finding.subject)
    first = _text(finding.hosts[0].removesuffix(":443"))
    more = finding.host_count - 1
    return f"{first} and {more} more" if more > 0 else first


def _who(event: EventRecord) -> str:
    who = event.check.interceptor if event.check is not None else None
    return _text(who.product or who.engine or who.issuer) if who is not None else ""


def _text(foreign: str) -> str:
    """Of unknown origin, for a field that takes markup."""
    return html.escape(harmless(foreign[:120]))
