"""One visit to a server of ours by the way of whoever stands in between: what the client was shown, and the server's word.

Nobody is trusted on the way: the handshake takes any certificate, and what comes back counts only where our server's
signature over this visit's nonce verifies. What is sent is a GET for a public path, with nothing of this machine in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from detector import clock
from detector.echo.sealed import MAX_SEALED
from detector.errors import DialError
from detector.model.echoes import Echo
from detector.model.grades import Ended, Visit
from detector.model.observation import Target
from detector.net.application import Conversation
from detector.net.echo_answer import Http1Answer, Question
from detector.net.probe import ProbeOptions, ProbeRun


@dataclass(frozen=True)
class Visited:
    """Whom to visit.

    Attributes:
        server: the label that the visit bears.
        host, port: as they are asked for.
        key: of the server's signature, raw Ed25519 in hex.
        met: ask what the other servers met, too.
        run: mark of the grading that asks; empty for none.
        last: it asks no more after this.

    """

    server: str
    host: str
    port: int
    key: str
    met: bool = False
    run: str = ""
    last: bool = False

    @property
    def more(self) -> str:
        """Parameters behind the nonce."""
        run = f"&run={self.run}" if self.run else ""
        return f"{'&met=1' if self.met else ''}{run}{'&last=1' if self.last else ''}"


async def visit(whom: Visited, options: ProbeOptions) -> tuple[Visit, Echo | None]:
    """Never raises for what a peer does. The echo is what the visit holds, with `met` in it."""
    run = _Visit(whom, options)
    began = clock.stopwatch()
    ended: Ended
    try:
        stream = await run.dial()
        try:
            await run.shake_hands(stream)
        finally:
            stream.close()
        ended = run.ended()
    except DialError as error:
        run.not_dialled(error)
        # A proxy that says no has looked; who cannot be dialled has not been asked.
        ended = "refused" if run.refused_by_proxy() else "unreachable"
    seen = run.observation()
    shaken = seen.handshake
    why = seen.failure.text if seen.failure is not None else run.body.why
    return Visit(
        server=whom.server, host=whom.host, port=whom.port, ended=ended, chain=seen.chain,
        version=shaken.version if shaken is not None else None,
        cipher=shaken.cipher if shaken is not None else None,
        group=shaken.group if shaken is not None else None,
        alpn=shaken.alpn if shaken is not None else None,
        status=run.body.status, why=why[:200], saw=run.body.echo,
        ms=round((clock.stopwatch() - began) * 1000, 1),
    ), run.body.echo  # fmt: skip


class _Visit(ProbeRun):
    most_said = MAX_SEALED + (64 << 10)

    def __init__(self, whom: Visited, options: ProbeOptions) -> None:
        target = Target(whom.host, whom.port, sni=whom.host, protocol="http")
        super().__init__(target, options)
        self.body = Http1Answer(Question(whom.host, whom.port, whom.key, whom.more))

    def _words(self, chosen: str | None) -> Conversation | None:
        return self.body if chosen in (None, "http/1.1") else None

    def ended(self) -> Ended:
        if self.handshake is not None and self.handshake.completed:
            if self.body.echo is not None:
                return "answered"
            if self.body.status is not None:
                return "page"
            said = self.application
            return "silence" if said is not None and said.outcome == "quiet" else "cut"
        how = self.failure.how if self.failure is not None else None
        if how == "alert":
            return "refused"
        return "silence" if how == "silence" else "cut"

    def refused_by_proxy(self) -> bool:
        told = self.failure.proxy if self.failure is not None else None
        return told is not None and told.fault in ("refused", "failed", "policy", "unreachable")
