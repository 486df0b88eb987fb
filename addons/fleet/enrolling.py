"""Turning one-time tokens into credentials: the fleet's side of detector.agent.enrolling."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from addons.fleet.accounts import FleetKeys, user_token
from addons.fleet.members import Member, Members, RefusedTokenError
from addons.fleet.rights import is_from_outside
from detector.agent import subjects
from detector.agent.enrolling import Reply, Request, is_proved
from detector.errors import TlsightError
from detector.model.no_json import NO_JSON

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from detector.net.nats_link import NatsLink

_DEVICE = re.compile(r"[0-9a-f]{32}")
MAX_REQUEST = 8192
_MAX_SHOWN = 253
# Requests that are looked at within a minute, of all tokens together.
MOST_A_MINUTE = 6000


class Enroller:
    """Answers who asks.

    Args:
        keys: the fleet's.
        members: who belongs to it.
        now: the clock.
        changed: called where a former key became void.
        tell: takes a line for who looks at the console.

    """

    def __init__(
        self,
        keys: FleetKeys,
        members: Members,
        now: Callable[[], datetime],
        changed: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        self._keys = keys
        self._members = members
        self._now = now
        self._changed = changed
        self._tell = tell
        self._minute: tuple[int, int] = (0, 0)

    async def listen(self, link: NatsLink) -> None:
        """From now on, for as long as the connection lasts. Raises FetchError."""

        async def take(message: Msg) -> None:
            token = message.subject.removeprefix(f"{subjects.ENROL}.")
            if is_from_outside(message.reply) and self._may_ask():
                answer = msgspec.json.encode(self.answer(token, message.data))
                await message.respond(answer)

        await link.hear(f"{subjects.ENROL}.*", take)

    def answer(self, token: str, data: bytes) -> Reply:
        """To one request; the server has seen to it that who asks has this token's key."""
        try:
            request = msgspec.json.decode(data[: MAX_REQUEST + 1], type=Request)
        except NO_JSON:
            return Reply(error="the request is damaged, or of another tlsight")
        if not _DEVICE.fullmatch(request.device) or not is_proved(request, token):
            return Reply(error="the request is not what its sender signed")
        now = self._now()
        agent = Member(
            request.user, "agent", request.device, _plain(request.name), _plain(request.system)[:32],
            now.isoformat(), token, None, "",
        )  # fmt: skip
        try:
            former = self._members.enrol(token, request.secret, agent, now)
        except RefusedTokenError as error:
            self._tell(f"token {token}: no agent is enrolled: {error}")
            return Reply(error=str(error))
        except TlsightError as error:
            self._tell(str(error))
            return Reply(error="the fleet cannot write it down now; try again")
        if former:
            self._changed()
        self._tell(f"agent {agent.name} is enrolled ({agent.shown or 'no name'}), by token {token}")
        issued = int(now.timestamp())
        return Reply(jwt=user_token(self._keys, "agent", agent.user, agent.name, issued))

    def _may_ask(self) -> bool:
        minute = int(self._now().timestamp()) // 60
        count = self._minute[1] + 1 if self._minute[0] == minute else 1
        self._minute = minute, count
        return count <= MOST_A_MINUTE


def _plain(text: str) -> str:
    return "".join(one for one in text if one.isprintable())[:_MAX_SHOWN]
