"""Events made of what is to be told: who, when, where and by what are added here, once for all of them."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from detector.agent.finding import Held
from detector.agent.findings import Told
from detector.model.observation import Judgement
from detector.report.check_json import check_record
from detector.report.event_json import (
    DeviceRecord,
    EventKind,
    EventRecord,
    FindingRecord,
    HeartbeatRecord,
    NetworkRecord,
    NoticeCode,
    NoticeRecord,
    VersionsRecord,
)
from detector.version import __version__


class Teller:
    """Makes events.

    Args:
        device: its id.
        now: the clock.
        draw: gives random bytes, for events' ids.

    Attributes:
        named: tell the machine's name.
        observations: tell what was seen, so that it can be judged again.
        tables: digest of what verdicts rest on.
        network: where the machine is.

    """

    def __init__(
        self, device: str, now: Callable[[], datetime], draw: Callable[[int], bytes]
    ) -> None:
        self._device = device
        self._now = now
        self._draw = draw
        self.named = False
        self.observations = True
        self.tables = ""
        self.network: NetworkRecord | None = None

    def run_id(self) -> str:
        """For the events of one run."""
        return self._draw(8).hex()

    def findings(self, told: Iterable[Told], run: str) -> list[EventRecord]:
        """What opened, changed and closed."""
        return [
            self._event(
                one.kind, run, network=one.held.network, finding=_record(one.held), changes=one.changes,
                sanctioned=one.held.sanctioned, judgement=one.judgement,
            )
            for one in told
        ]  # fmt: skip

    def notice(self, code: NoticeCode, text: str, about: str = "", run: str = "") -> EventRecord:
        """Something about the agent itself."""
        return self._event(
            "notice", run, network=self.network, notice=NoticeRecord(code, text, about)
        )

    def heartbeat(self, beat: HeartbeatRecord) -> EventRecord:
        """That it lives."""
        return self._event("heartbeat", "", network=self.network, heartbeat=beat)

    def answer(self, question: str, judgement: Judgement, run: str) -> EventRecord:
        """To a fleet's question."""
        return self._event(
            "answer", run, network=self.network, judgement=judgement, question=question,
            sanctioned=judgement.sanctioned,
        )  # fmt: skip

    def _event(
        self,
        kind: EventKind,
        run: str,
        *,
        network: NetworkRecord | None,
        finding: FindingRecord | None = None,
        changes: tuple[str, ...] = (),
        sanctioned: bool = False,
        judgement: Judgement | None = None,
        heartbeat: HeartbeatRecord | None = None,
        notice: NoticeRecord | None = None,
        question: str | None = None,
    ) -> EventRecord:
        seen = judgement.observation if judgement is not None and self.observations else None
        return EventRecord(
            "tlsight.event/1", self._draw(16).hex(), kind, self._now(),
            DeviceRecord(self._device, platform.node() if self.named else "", sys.platform),
            VersionsRecord(__version__, self.tables), run, network, finding, changes, sanctioned,
            check_record(judgement) if judgement is not None else None, seen, heartbeat, notice, question,
        )  # fmt: skip


def _record(held: Held) -> FindingRecord:
    return msgspec.structs.replace(held.record, who=held.who)
