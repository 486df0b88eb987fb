"""Leaves that begin to be valid as somebody looks, over the hosts of one run.

Theory of operation
-------------------
A program that mints a leaf for each connection dates it from a clock: now, or a fixed while before now, so that
clients whose clock is behind accept it; a few put now into the middle. An honest leaf was issued at a time that
has nothing to do with who asks when. That one falls into such a window is chance (three minutes each, of weeks);
that unrelated hosts fall into the same one is not. Still it decides nothing: machines that are set up as they
are looked at do the same.

Left out: leaves that a log vouches for (CAs issue on demand, in public), those whose SCTs cannot be told
refuted, public paths, hosts that may have a CA of their own, midnights (issuers that date by the day), and what
was never connected to: a file has no moment of observation.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

import msgspec

from detector.errors import CertificateError

if TYPE_CHECKING:
    from detector.evidence.examination import Examination
    from detector.evidence.sharing import Use

# How long before now programs date what they mint; measured over 28 of them.
OFFSETS = (
    timedelta(0), timedelta(minutes=5), timedelta(hours=1), timedelta(days=1), timedelta(days=2),
)  # fmt: skip
WITHIN = timedelta(seconds=90)
HOSTS_A_MOMENT = 8


class Moment(msgspec.Struct, frozen=True):
    """How a leaf's validity lies to the time of the connection: from so long before, or centred on it (None)."""

    before: timedelta | None

    @property
    def text(self) -> str:
        """For a sentence: "its validity ..."."""
        if self.before is None:
            return "is centred on the moment of the connection"
        if not self.before:
            return "begins at the moment of the connection"
        minutes = int(self.before.total_seconds()) // 60
        units = ((1440, "day"), (60, "hour"), (1, "minute"))
        size, unit = next((size, unit) for size, unit in units if minutes % size == 0)
        count = minutes // size
        return f"begins {count} {unit}{'s' if count > 1 else ''} before the connection"


class Minting:
    """Which unrelated hosts showed leaves minted at the same moment. `note` remembers, `others` answers."""

    def __init__(self) -> None:
        self._seen: dict[Moment, list[tuple[Use, str]]] = {}

    def note(self, seen: Examination, use: Use) -> None:
        moment = seen.minted
        if moment is None:
            return
        kept = self._seen.setdefault(moment, [])
        if len(kept) < HOSTS_A_MOMENT and all(other.domain != use.domain for other, _ in kept):
            kept.append((use, seen.leaf.sha256))

    def others(self, seen: Examination, use: Use) -> tuple[str, ...]:
        """Unrelated hosts whose leaf, another than this one, was minted at the same moment."""
        moment = seen.minted
        if moment is None:
            return ()
        return tuple(
            other.host
            for other, leaf in self._seen.get(moment, ())
            if other.domain != use.domain
            and not (use.ip and other.ip == use.ip)
            and leaf != seen.leaf.sha256
        )


def moment_of(seen: Examination) -> Moment | None:
    """The moment of an observation's leaf, None where there is none that means anything."""
    if seen.observation.handshake is None:
        return None
    moment = moment_between(seen.leaf.not_before, seen.leaf.not_after, seen.observation.at)
    if moment is None:  # nearly always, and cheap to tell
        return None
    try:
        excused = seen.is_public_path or seen.is_internal or seen.expected_private is not None
        if excused or any(result.status != "invalid" for result in seen.scts):
            return None
    except CertificateError:
        return None
    return moment


def moment_between(start: datetime, end: datetime, at: datetime) -> Moment | None:
    """How `at` lies to a validity."""
    if start.time() == time():
        return None
    for before in OFFSETS:
        if abs(at - before - start) <= WITHIN:
            return Moment(before)
    return Moment(None) if abs(start + (end - start) / 2 - at) <= WITHIN else None
