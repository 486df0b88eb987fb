"""Publishing: a list or an agent's questions are signed here, kept, and put on the bus."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from addons.fleet.bus import api
from addons.fleet.members import Members, Published
from detector.agent import subjects
from detector.agent.questions import MOST_OPEN, Question, read_sheet, sheet_name, write_sheet
from detector.agent.signed import LISTS, seal, signer_of, unseal
from detector.errors import ConfigError, FetchError, ListError
from detector.net.nats_link import Letter

if TYPE_CHECKING:
    from detector.net.nats_link import NatsLink

LASTS = timedelta(days=30)
RENEW_BEFORE = timedelta(days=15)
_MOST_MENDED = 1000


def published(
    members: Members, name: str, content: bytes, signer: str, now: datetime, by: str
) -> Published:
    """Sign a list's next state and keep it; `sent` puts it on the bus. Raises ConfigError, ListError, StoreError."""
    if name not in LISTS:
        raise ConfigError(name, "is no list of a fleet", remedy=", ".join(LISTS))
    before = members.published(name)
    serial = before[0].serial + 1 if before else 1
    return _kept(members, name, serial, content, signer, now, by)


def renewed(members: Members, signer: str, now: datetime) -> list[Published]:
    """Lists that end soon, signed anew with the same serial and content. Raises StoreError, ListError."""
    return [
        _kept(members, one.name, one.serial, one.content, signer, now, one.by)
        for one in members.published()
        if datetime.fromisoformat(one.until) - now < RENEW_BEFORE
    ]


async def sent(link: NatsLink, lists: Sequence[Published]) -> None:
    """Put them on the bus, unless they are there. Raises FetchError."""
    for one in lists:
        there = await link.last(subjects.LISTS, one.name)
        if there is not None and there[0] == one.blob:
            continue
        subject = subjects.key_subject(subjects.LISTS, one.name)
        (answer,) = await link.store([Letter(subject, one.blob)])
        if answer.why:
            raise FetchError(link.url, f"{one.name}: {answer.why}")


async def mended(link: NatsLink, lists: Sequence[Published]) -> list[str]:
    """See to it that the bucket holds these, and of others nothing; what it held else. Raises FetchError."""
    stream, prefix = f"KV_{subjects.LISTS}", subjects.key_subject(subjects.LISTS, "")
    info = await api(link, f"STREAM.INFO.{stream}", {"subjects_filter": f"{prefix}>"})
    held = {one.removeprefix(prefix) for one in info.get("state", {}).get("subjects") or {}}
    own = {one.name: one for one in lists}
    wrong = sorted(held - set(own))[:_MOST_MENDED]
    for name in wrong:
        await api(link, f"STREAM.PURGE.{stream}", {"filter": prefix + name})
    for name in sorted(held & set(own)):
        there = await link.last(subjects.LISTS, name)
        # An earlier state, or the same one with an earlier end, is the fleet's own.
        if there is not None and there[0] != own[name].blob and not _is_own(there[0], own[name]):
            wrong.append(name)
    await sent(link, lists)
    return wrong


async def ask(
    link: NatsLink, devices: Iterable[str], question: Question, signer: str, now: datetime
) -> int:
    """Add a question to those that are open for each device; how many. Raises FetchError."""
    letters = []
    for device in devices:
        serial = 1
        open_: tuple[Question, ...] = ()
        there = await link.last(subjects.QUESTIONS, device)
        if there is not None:
            serial, open_ = _before(there[0], device, signer, now)
        content = write_sheet((question, *open_)[:MOST_OPEN])
        last = max(one.until for one in (question, *open_)) + timedelta(minutes=5)
        blob = seal(sheet_name(device), serial, now, last, content, signer_of(signer))
        letters.append(Letter(subjects.key_subject(subjects.QUESTIONS, device), blob))
    answers = await link.store(letters)
    return sum(not one.why for one in answers)


def fresh_question(host: str, port: int, until: datetime) -> Question:
    """With an id of chance."""
    return Question(secrets.token_hex(16), host, port, until)


def _is_own(blob: bytes, one: Published) -> bool:
    header = one.blob[: one.blob.index(b"\n")]
    key = msgspec.json.decode(header, type=dict[str, object])["key"]
    try:
        return unseal(one.name, blob, str(key)).serial <= one.serial
    except ListError:
        return False


def _before(
    blob: bytes, device: str, signer: str, now: datetime
) -> tuple[int, tuple[Question, ...]]:
    from detector.agent.signed import public_signer

    try:
        found = unseal(sheet_name(device), blob, public_signer(signer))
        open_ = tuple(one for one in read_sheet(found.content) if one.until > now)
    except ListError:
        # Not of this key: an agent of this fleet has taken none of it.
        return 1, ()
    return found.serial + 1, open_


def _kept(
    members: Members, name: str, serial: int, content: bytes, signer: str, now: datetime, by: str
) -> Published:
    until = now + LASTS
    blob = seal(name, serial, now, until, content, signer_of(signer))
    one = Published(name, serial, now.isoformat(), until.isoformat(), by, content, blob)
    members.publish(one)
    return one
