"""What logs amount to: causes by clients affected, what began when, who may stand in between, what is hidden."""

from __future__ import annotations

import msgspec

from detector.logs.blind import Blind
from detector.logs.ledger import Group, Hint, Ledger, Onset
from detector.logs.reading import Seen
from detector.model.recorded import Recorded
from detector.model.timeline import Timeline


class LogStory(Recorded, msgspec.Struct, frozen=True):
    """Everything there is to tell.

    Attributes:
        groups: failures of one kind each; those that matter first, then scanners' noise.
        onsets: what began in the middle of the log, with the change before it.
        hints: what many clients together say of interception.
        blind: what the logs cannot show.
        seen: what was read.
        timeline: failures by cause over time.

    """

    groups: tuple[Group, ...]
    onsets: tuple[Onset, ...]
    hints: tuple[Hint, ...]
    blind: tuple[Blind, ...]
    seen: Seen
    timeline: Timeline

    @property
    def failures(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if not group.noise)

    @property
    def noise(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if group.noise)

    def onset_of(self, group: Group) -> Onset | None:
        """When and after what a group began, None where it was there from the start."""
        key = group.program, group.cause
        return next((o for o in self.onsets if (o.program, o.cause) == key), None)

    def hint_of(self, group: Group) -> Hint | None:
        """What its clients hint at, where they reject the certificate."""
        if group.cause not in ("untrusted-root", "client-lacks-ca"):
            return None
        return next((h for h in self.hints if h.program == group.program), None)


def log_story(ledger: Ledger, seen: Seen, blind: list[Blind]) -> LogStory:
    """The story of a ledger."""
    return LogStory(
        groups=tuple(ledger.groups),
        onsets=tuple(ledger.onsets(seen.first, seen.changes)),
        hints=tuple(ledger.hints()),
        blind=tuple(blind),
        seen=seen,
        timeline=ledger.timeline,
    )


def together(parts: list[Seen]) -> Seen:
    """What several logs were, as one."""
    whole = Seen()
    for part in parts:
        whole.lines += part.lines
        whole.bytes += part.bytes
        whole.programs.update(part.programs)
        for name, numbers in part.levels.items():
            whole.levels.setdefault(name, set()).update(numbers)
        whole.changes += part.changes
        whole.first = min((t for t in (whole.first, part.first) if t is not None), default=None)
        whole.last = max((t for t in (whole.last, part.last) if t is not None), default=None)
    return whole
