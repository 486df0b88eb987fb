"""Batches from a JetStream stream by a durable pull consumer, and their acknowledgement.

nats-py's own fetch knows no bound of bytes, and two thousand events of a mebibyte are two gibibytes. So the requests are
written here (ADR-13 and ADR-15 of NATS): what is there at once, up to so many and so large; where there is nothing,
one message as soon as it comes.

Each message is acknowledged by itself. One acknowledgement for all before it (AckPolicy all) would be cheaper, and lose
events: a collector that starts after a kill is given what comes after its predecessor's unfinished batch first, and its
first acknowledgement would cover that batch too.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from addons.fleet.frames import acknowledge, go_ahead
from detector.errors import FetchError

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_ANSWER = 10.0
_IDLE = 5.0
_GRACE = 5.0
_NANO = 1_000_000_000
_PLACE = attrgetter("sequence")


class Pulled(msgspec.Struct, frozen=True, gc=False):
    """A message of the stream: `reply` acknowledges it, `stored` is when the bus took it, `sequence` its place."""

    subject: str
    body: bytes
    reply: str
    sequence: int
    stored: datetime
    behind: int


class Puller:
    """A consumer that is there, over an open connection. Every verb raises FetchError.

    Args:
        client: nats-py's, connected.
        stream: the stream's name.
        name: the consumer's.
        most: messages in one batch.
        size: bytes in one batch.

    """

    def __init__(self, client: Client, stream: str, name: str, most: int, size: int) -> None:
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}"
        self._stream, self._name = stream, name
        self._most, self._size = most, size
        self._inbox = client.new_inbox()
        self._came: list[Pulled] = []
        self._wanted = 0
        self._status = ""
        self._news = asyncio.Event()

    async def open(self, ack_wait: float) -> None:
        """Make the consumer, or change it to what it is to be; `ack_wait` are seconds until a message comes again."""
        config = {
            "durable_name": self._name,
            "name": self._name,
            "ack_policy": "explicit",
            "ack_wait": int(ack_wait * _NANO),
            "deliver_policy": "all",
            "max_ack_pending": 4 * self._most,
            "max_deliver": -1,
            "replay_policy": "instant",
        }
        asked = {"stream_name": self._stream, "config": config}
        said = await self._ask(f"CONSUMER.CREATE.{self._stream}.{self._name}", asked)
        if "error" in said:
            why = str(said["error"].get("description", ""))[:200]
            raise FetchError(self._url, f"gives no consumer on {self._stream}: {why}")
        subscription = await self._client.subscribe(
            self._inbox, cb=self._take, pending_msgs_limit=-1, pending_bytes_limit=-1
        )
        go_ahead(self._client, subscription, self._take_bare)

    async def batch(self) -> list[Pulled]:
        """What is there, at least one message: waits for it. Raises FetchError where the bus is silent."""
        while True:
            await self._request(batch=self._most, no_wait=True)
            if self._came:
                return self._taken()
            if "MaxBytes" in self._status:  # larger than a batch: it has to come all the same
                await self._request(batch=1, expires=int(_IDLE * _NANO), unbounded=True)
            else:
                await self._request(batch=1, expires=int(_IDLE * _NANO))
            if self._came:
                return self._taken()

    async def acknowledge(self, batch: list[Pulled]) -> None:
        """Tell the bus that they are kept; it may forget them. One that is lost makes it deliver once more."""
        try:
            await acknowledge(self._client, [one.reply for one in batch])
        except Exception as error:
            raise self._failure(error) from None

    async def waiting(self) -> int:
        """Messages that nobody has acknowledged yet."""
        said = await self._ask(f"CONSUMER.INFO.{self._stream}.{self._name}", {})
        return int(said.get("num_pending", 0)) + int(said.get("num_ack_pending", 0))

    async def _request(self, *, unbounded: bool = False, **asked: Any) -> None:
        """Ask, and wait until the bus has said all that it says to that."""
        if not unbounded:
            asked["max_bytes"] = self._size
        self._status = ""
        self._news.clear()
        self._wanted = len(self._came) + asked["batch"]
        try:
            await self._client.publish(self._next, json.dumps(asked).encode(), self._inbox)
            end = asyncio.get_running_loop().time() + _IDLE + _GRACE
            while not self._status and len(self._came) < self._wanted:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.5)
                self._news.clear()
                if self._client.is_closed or asyncio.get_running_loop().time() > end:
                    raise FetchError(self._url, "the line was cut")
        except FetchError:
            raise
        except Exception as error:
            raise self._failure(error) from None
        if self._status.startswith("409") and not any(one in self._status for one in _PASSING):
            raise FetchError(self._url, f"ends the consumer: {self._status[:100]}")

    def _taken(self) -> list[Pulled]:
        found, self._came = self._came, []
        found.sort(key=_PLACE)  # those of the long way may come later
        return found

    def _take_bare(self, subject: str, reply: str, body: bytes) -> bool:
        pulled = _pulled(subject, reply, body)
        if pulled is None:
            return False
        self._came.append(pulled)
        if len(self._came) >= self._wanted:
            self._news.set()
        return True

    async def _take(self, message: Msg) -> None:
        if self._take_bare(message.subject, message.reply, message.data):
            return
        if message.headers:
            status = message.headers.get("Status", "")
            if status != "100":
                self._status = f"{status} {message.headers.get('Description', '')}"
                self._news.set()

    async def _ask(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            said = await self._client.request(
                f"$JS.API.{verb}", json.dumps(body).encode(), timeout=_ANSWER
            )
            found: dict[str, Any] = json.loads(said.data)
        except Exception as error:
            raise self._failure(error) from None
        return found

    @property
    def _url(self) -> str:
        return str(self._client.connected_url.netloc if self._client.connected_url else "nats")

    def _failure(self, error: Exception) -> FetchError:
        text = str(error).removeprefix("nats: ") or "no answer in time"
        return FetchError(self._url, " ".join(text.split())[:200])


# What ends a request and not the consumer.
_PASSING = ("MaxBytes", "Batch Completed", "Exceeded MaxWaiting", "MaxRequest", "Leadership Change")


def _pulled(subject: str, reply: str, body: bytes) -> Pulled | None:
    """Its place and time stand in the subject of its acknowledgement: $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.
    DELIVERED.SEQUENCE.CONSUMER_SEQUENCE.TIME.PENDING[.RANDOM] (ADR-15).
    """
    words = reply.split(".")
    first = 4 if len(words) == 9 else 6
    if len(words) < first + 5 or not reply.startswith("$JS.ACK."):
        return None
    stored = _moment(int(words[first + 3]) // _NANO)
    return Pulled(subject, body, reply, int(words[first + 1]), stored, int(words[first + 4]))


@lru_cache(maxsize=256)
def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
