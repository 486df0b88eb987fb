"""Many hellos to one server: how many at once, and what silence in a queue is worth."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from detector.judging.diagnose import diagnose
from detector.knowledge.fixes import config_lines
from detector.lab.origin import Origin
from detector.lab.peers import Gate
from detector.lab.pki import LabPki
from detector.model.inquiry import Inquiry, Trial
from detector.model.targets import parse_target
from detector.net.inquire import inquire
from detector.net.probe import ProbeOptions
from detector.net.trials import try_all
from tests.net.peers import peer


class Slow(Gate):
    """A good server that takes its time for each handshake.

    Args:
        behind: the server.
        seconds: how long.
        together: it takes several at once.

    """

    def __init__(self, behind: Origin, seconds: float, *, together: bool) -> None:
        super().__init__(behind, lambda *_: "pass")
        self.seconds, self.together = seconds, together
        self.most = self._now = 0
        self._one = asyncio.Lock()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, at once or in its turn."""
        if self.together:
            await super().serve(reader, writer)
            return
        try:
            async with self._one:
                await super().serve(reader, writer)
        finally:
            writer.close()

    async def _relay(
        self, whole: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            await asyncio.sleep(self.seconds)
            await super()._relay(whole, reader, writer)
        finally:
            self._now -= 1


def slow(pki: LabPki, seconds: float, *, together: bool) -> Slow:
    return Slow(Origin({"localhost": pki.issue("localhost")}), seconds, together=together)


def inquired(server: Slow, timeout: float) -> Inquiry:
    async def run() -> Inquiry:
        async with server as started:
            options = ProbeOptions(timeout=timeout, connect_to=("127.0.0.1", started.port))
            return await inquire(parse_target("localhost"), options)

    return asyncio.run(run())


def test_a_slow_server_that_answers_several_at_once_is_asked_all_at_once(pki: LabPki) -> None:
    # The first answers have to take about as long as each other, on a busy machine too.
    server = slow(pki, 2.0, together=True)
    found = inquired(server, 10.0)
    assert found.resumption == "resumed"
    assert found.unfinished == ()
    assert server.most > 20  # of thirty; eight and another eight, until it had shown that it can


def test_a_server_that_takes_one_after_the_other_is_not_called_broken(pki: LabPki) -> None:
    """Most hellos of the first round meet silence: they wait behind others."""
    server = slow(pki, 0.4, together=False)
    found = inquired(server, 1.5)
    assert server.most == 1
    diagnosis = diagnose(found, pki.knowledge(), config_lines())
    assert [cause.id for cause in diagnosis.causes if cause.severity == "error"] == []
    assert not any(trial.outcome == "silent" for trial in found.trials.values())
    assert found.unfinished == ("trials",)


def test_a_quick_server_in_a_row_answers_everything(pki: LabPki) -> None:
    found = inquired(slow(pki, 0.01, together=False), 2.0)
    assert found.unfinished == ()
    assert {"browser", "plain", "large", "two-records"} <= {
        name for name, trial in found.trials.items() if trial.answered
    }


def test_one_hello_goes_behind_a_proxy_header_where_all_are_cut(pki: LabPki) -> None:
    """And nowhere else: the header is seen once, after all the others."""
    seen: list[bytes] = []

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            seen.append(await reader.readexactly(5))
        writer.close()

    async def run() -> dict[str, Trial]:
        found: dict[str, Trial] = {}
        async with peer(closing) as port:
            options = ProbeOptions(timeout=1, connect_to=("127.0.0.1", port))
            assert await try_all(parse_target("localhost"), options, found)
        return found

    found = asyncio.run(run())
    assert seen[-1] == b"PROXY"
    assert seen.count(b"PROXY") == 1
    assert {trial.outcome for trial in found.values()} <= {"closed", "reset"}
