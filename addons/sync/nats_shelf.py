"""A shelf on a fleet's bus: a bucket of NATS, over TLS, where a change is told to whom it concerns.

Theory of operation
-------------------
A blob's name with full stops for slashes is its key. The value is one line that says how long the blob is and what its
digest is, and the blob, compressed. What is larger than a message may be is in parts, under keys of their own below
the blob's, which hold the digest, too: parts are written before the line that names them, so a reader has the old blob
or the new one, and never one made of both.

A gateway may read the centre's part of the bucket and its own, and write its own (addons.fleet.rights). It may not
list names, which would be everybody's; it remembers what it laid there, and hears what is taken away.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from addons.sync.shelf import HEAD
from detector.agent import subjects
from detector.agent.membership import Membership
from detector.errors import FetchError
from detector.model.no_json import NO_JSON
from detector.net.nats_link import Letter, Login, NatsLink, dial
from detector.wire.nkey import NKey

if TYPE_CHECKING:
    from nats.aio.msg import Msg

_FORMAT = "tlsight.shelf/1"
_PART = 768 << 10
_HEADER = 512
_MOST_PARTS = 128
_BUCKET = subjects.SYNC


class BlobHead(msgspec.Struct, frozen=True):
    """Of a blob: its bytes, their digest, and in how many parts they lie; 0 where they follow here."""

    format: str
    size: int
    digest: str
    parts: int


class ShelfRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the centre asks of the fleet's keeper (addons.fleet.shelving): the keys directly below one, or that one and all below it are taken away."""

    verb: Literal["list", "drop"]
    key: str


class ShelfReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """What it answers: keys, or why there are none."""

    keys: tuple[str, ...] = ()
    error: str = ""


class NatsShelf:
    """`close` it; it is dialled when it is used, and again when the line was cut.

    Args:
        member: who looks: a gateway's file of `tlsight fleet gateway`, or the centre's of `tlsight fleet centre`.
        centre: it is the centre.
        timeout: seconds for each answer.

    """

    def __init__(self, member: Membership, *, centre: bool, timeout: float = 20.0) -> None:
        self._member = member
        self._centre = centre
        self._timeout = timeout
        self._open: NatsLink | None = None
        self._lock = asyncio.Lock()
        self._mine: set[str] = set()
        self._list_came = False
        self._news = asyncio.Event()

    async def get(self, name: str, limit: int) -> bytes | None:
        """See addons.sync.shelf.Shelf."""
        link = await self._link()
        for _ in range(2):  # a second time where it was replaced meanwhile
            found = await link.last(_BUCKET, _key(name), self._timeout)
            if found is None:
                return None
            head, packed = head_of(link.url, name, found[0])
            if head.size > limit:
                raise FetchError(link.url, f"{name} is larger than {limit} bytes")
            if head.parts:
                parts = await asyncio.gather(
                    *(
                        link.last(_BUCKET, _part(name, head.digest, number), self._timeout)
                        for number in range(head.parts)
                    )
                )
                if any(one is None for one in parts):
                    continue
                packed = b"".join(one[0] for one in parts if one is not None)
            return blob_of(link.url, name, head, packed)
        raise FetchError(
            link.url, f"{name} is not whole: who laid it there has not come to its end"
        )

    async def put(self, name: str, blob: bytes) -> None:
        """See addons.sync.shelf.Shelf."""
        link = await self._link()
        value, digest, parts = value_of(blob)
        if len(parts) > _MOST_PARTS:
            most = _MOST_PARTS * _PART
            raise FetchError(link.url, f"{name} has more than {most} bytes when packed")
        keys = [_part(name, digest, number) for number in range(len(parts))]
        await self._store(
            link, [Letter(_subject(key), part) for key, part in zip(keys, parts, strict=True)]
        )
        await self._store(link, [Letter(_subject(_key(name)), value)])
        self._mine.add(name)

    async def list(self, under: str) -> list[str]:
        """See addons.sync.shelf.Shelf: a gateway sees what it laid there since it was connected."""
        link = await self._link()
        if not self._centre:
            return [name for name in self._mine if name.startswith(f"{under}/")]
        keys = await self._ask(link, "list", _key(under))
        return [one.replace(".", "/") for one in keys]

    async def drop(self, name: str) -> None:
        """See addons.sync.shelf.CentreShelf. First it is told, for the gateway that hears; then it is gone."""
        link = await self._link()
        subject = _subject(_key(name))
        try:
            await link.client.request(
                subject, b"", timeout=self._timeout, headers={"KV-Operation": "DEL"}
            )
        except Exception as error:
            raise FetchError(
                link.url, f"{name} cannot be taken away: {type(error).__name__}"
            ) from None
        await self._ask(link, "drop", _key(name))

    async def news(self) -> None:
        """Return when the centre has laid another list there."""
        await self._news.wait()
        self._news.clear()

    async def close(self) -> None:
        """Hang up; never raises."""
        if self._open is not None:
            await self._open.close()
            self._open = None

    async def _link(self) -> NatsLink:
        async with self._lock:
            if self._open is not None and self._open.open:
                return self._open
            member, key = self._member, NKey.read(self._member.seed)
            login = Login(
                member.servers,
                member.ca,
                member.jwt,
                key.sign,
                subjects.inbox(member.name),
                "tlsight sync",
            )
            link = await dial(login, min(self._timeout, 20.0))
            self._mine.clear()
            if not self._centre:
                await link.hear(subjects.told_subject("centre.>"), self._heard)
                await link.hear(subjects.told_subject(f"gateways.{member.name}.>"), self._heard)
                # The list may have come before one listened, and its head after.
                self._list_came = True
                self._news.set()
            self._open = link
            return link

    async def _heard(self, message: Msg) -> None:
        name = _name(message.subject)
        if name == HEAD:
            if self._list_came:
                self._list_came = False
                self._news.set()
        elif name.startswith("centre/list-"):
            self._list_came = True
        elif (message.headers or {}).get("KV-Operation") is not None:
            self._mine.discard(name)

    async def _ask(
        self, link: NatsLink, verb: Literal["list", "drop"], key: str
    ) -> tuple[str, ...]:
        """Of the fleet's keeper, which does it (addons.fleet.shelving)."""
        question = msgspec.json.encode(ShelfRequest(verb, key))
        answer = await link.ask(subjects.SHELF, question, self._timeout)
        try:
            said = msgspec.json.decode(answer, type=ShelfReply)
        except NO_JSON:
            raise FetchError(link.url, "answers with no list of names") from None
        if said.error:
            raise FetchError(link.url, f"does not {verb} {key}: {said.error[:200]}")
        return said.keys

    async def _store(self, link: NatsLink, letters: Sequence[Letter]) -> None:
        for answer in await link.store(letters, self._timeout):
            if answer.why:
                raise FetchError(link.url, answer.why, remedy="see the fleet's disk and --room")


def _key(name: str) -> str:
    return name.replace("/", ".")


def _part(name: str, digest: str, number: int) -> str:
    return f"{_key(name)}.{digest[:32]}.{number}"


def _subject(key: str) -> str:
    return subjects.key_subject(_BUCKET, key)


def _name(subject: str) -> str:
    return subject.removeprefix(subjects.told_subject("")).replace(".", "/")


def value_of(blob: bytes) -> tuple[bytes, str, list[bytes]]:
    """Pure: the value of a blob's key, the digest, and the parts that lie elsewhere, where it is too large for one."""
    packed, digest = zlib.compress(blob, 6), hashlib.sha256(blob).hexdigest()
    parts = [packed[at : at + _PART] for at in range(0, len(packed), _PART)]
    if len(parts) <= 1:
        parts = []
    line = msgspec.json.encode(BlobHead(_FORMAT, len(blob), digest, len(parts)))
    return line + b"\n" + (b"" if parts else packed), digest, parts


def head_of(url: str, name: str, value: bytes) -> tuple[BlobHead, bytes]:
    """Pure: what a value says of its blob, and the blob where it is here. Raises FetchError."""
    line, newline, packed = value.partition(b"\n") if b"\n" in value[:_HEADER] else (b"", b"", b"")
    try:
        head = msgspec.json.decode(line, type=BlobHead) if newline else None
    except NO_JSON:
        head = None
    if (
        head is None
        or head.format != _FORMAT
        or not 0 <= head.parts <= _MOST_PARTS
        or head.size < 0
    ):
        raise FetchError(url, f"{name} is damaged, or no {_FORMAT}")
    return head, packed


def blob_of(url: str, name: str, head: BlobHead, packed: bytes) -> bytes:
    """Pure: the blob of all its parts. Raises FetchError."""
    reading = zlib.decompressobj()
    try:
        blob = reading.decompress(packed, head.size + 1)
    except zlib.error:
        blob = b""
    if len(blob) != head.size or hashlib.sha256(blob).hexdigest() != head.digest:
        raise FetchError(url, f"{name} is damaged")
    return blob
