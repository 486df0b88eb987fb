"""What a gateway says: its state in every round, and its traffic in numbered batches.

Rules
-----
1. A batch is made once and kept until the centre's head says that it was taken; it is sent again as it was made. The
   centre takes each number of a gateway once, so that nothing counts twice and nothing is lost on the way.
2. Bounded everywhere: so much in a batch, so many batches waiting (the oldest give way, and that is told), so much
   taken of one gateway in a day.
3. A gateway's word is one voice. `attributed` puts its name on every attempt; with it, what all its clients say
   together weighs no more than one client of the centre's own (weighing.py), and nobody of them is proven: a gateway
   that lies can bring about no candidate by itself, and never a trial.
4. The same private address at two gateways is one client: two proxies of one site see the same devices, and in
   doubt one device must not count twice. Only where gateways were enrolled with different sites it is two. Users
   and public addresses are the same everywhere.
5. Its clock is its own: what it says of the future is taken for now, what is older than what is kept is left out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from addons.bypass.attempt import Attempt
from addons.bypass.clients import PREFIX, user_name
from addons.sync.sealed import UnsealedError
from detector.errors import TargetError
from detector.model.no_json import NO_JSON
from detector.model.targets import normal_host

MAX_BATCH, MAX_REPORT = 1 << 20, 256 << 10
# Attempts and passages in a batch; batches that wait, and that lie on the shelf at a time.
PER_BATCH, MAX_WAITING, WINDOW = 2000, 25, 8
# Attempts and rows of passages taken of one gateway in a day of the centre's.
A_DAY = 50_000
MOST_TOLD = 50
_TEXT, _MOST = 300, 1 << 50


class Passed(msgspec.Struct, frozen=True):
    """What passed by a rule in a day, since it was told last."""

    at: datetime
    host: str
    rule: str
    connections: int
    up: int
    down: int
    seconds: float


class Batch(msgspec.Struct, frozen=True):
    """Traffic of a while; its number is in its name and under its seal."""

    attempts: tuple[Attempt, ...]
    passages: tuple[Passed, ...]


class Alive(msgspec.Struct, frozen=True):
    """A proxy of the gateway's."""

    host: str
    pid: int
    mitmproxy: str
    tlsight: str
    mode: str
    rules: int
    seen: datetime


class Report(msgspec.Struct, frozen=True):
    """The state of a gateway, as it says itself.

    Attributes:
        at: its clock.
        serial: of the list in force there, None where there is none yet; `digest` is the list's.
        waiting: batches that were not taken yet, `first` the number of the oldest, or of the one to come.
        lost: attempts that gave way, altogether.
        trouble: what is wrong, e.g. why a list was refused; empty for nothing.
        own: patterns in force that are not the centre's, so many of them are `own_count`.
        kept: patterns of the list where something else counts there.
        candidates: hosts that wait for a person there.

    """

    at: datetime
    tlsight: str
    serial: int | None
    digest: str
    waiting: int
    first: int
    lost: int
    trouble: tuple[str, ...] = ()
    proxies: tuple[Alive, ...] = ()
    own: tuple[str, ...] = ()
    own_count: int = 0
    kept: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()


class Taken(NamedTuple):
    """What the centre takes of a batch.

    Attributes:
        left_out: so many attempts and passages said nothing that can be.

    """

    attempts: list[Attempt]
    passages: list[Passed]
    left_out: int


def batch_of(content: bytes) -> Batch:
    """Raises UnsealedError for what is none."""
    try:
        batch = msgspec.json.decode(content, type=Batch)
    except NO_JSON:
        raise UnsealedError("the batch is in another form: update tlsight at the centre") from None
    if len(batch.attempts) + len(batch.passages) > PER_BATCH:
        raise UnsealedError(f"the batch holds more than {PER_BATCH}")
    return batch


def report_of(content: bytes) -> Report:
    """Raises UnsealedError for what is none."""
    try:
        report = msgspec.json.decode(content, type=Report)
    except NO_JSON:
        raise UnsealedError("the report is in another form: update tlsight at the centre") from None
    if report.at.tzinfo is None:
        raise UnsealedError("the report's time is in no zone")
    return report


def attributed(batch: Batch, name: str, site: str | None, now: datetime, keep: timedelta) -> Taken:
    """A batch as the centre keeps it: with the gateway's name, its clients' place, and no more than can be.

    Args:
        batch: of a gateway.
        name: the gateway's.
        site: where it was enrolled for.
        now: the centre's clock.
        keep: how long attempts are kept.

    """
    attempts: list[Attempt] = []
    passages: list[Passed] = []
    for one in batch.attempts:
        at = _moment(one.at, now, keep)
        host = _host(one.host)
        if at is None or host is None or not 1 <= one.port <= 65535:
            continue
        attempts.append(
            msgspec.structs.replace(
                one,
                at=at,
                host=host,
                client=_client(one.client, site),
                user=user_name(one.user) if one.user is not None else None,
                address=one.address[:_TEXT] if one.address is not None else None,
                error=one.error[:_TEXT],
                ja4=one.ja4[:64] if one.ja4 is not None else None,
                via=name,
            )
        )
    for two in batch.passages:
        at = _moment(two.at, now, keep)
        host = _host(two.host)
        numbers = (two.connections, two.up, two.down, two.seconds)
        if at is None or host is None or not all(0 <= number < _MOST for number in numbers):
            continue
        passages.append(msgspec.structs.replace(two, at=at, host=host, rule=two.rule[: 2 * _TEXT]))
    whole = len(batch.attempts) + len(batch.passages)
    return Taken(attempts, passages, whole - len(attempts) - len(passages))


def batches(attempts: Sequence[Attempt], passages: Sequence[Passed]) -> Iterable[bytes]:
    """The contents of batches that hold all of it, each within MAX_BATCH."""
    things: list[Attempt | Passed] = [*attempts, *passages]
    at, size = 0, PER_BATCH
    while at < len(things):
        part = things[at : at + size]
        content = msgspec.json.encode(
            Batch(
                tuple(one for one in part if isinstance(one, Attempt)),
                tuple(one for one in part if isinstance(one, Passed)),
            )
        )
        if len(content) > MAX_BATCH - 2048 and size > 1:
            size //= 2  # long names, long errors
            continue
        yield content
        at += len(part)


def _client(text: str, site: str | None) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text[:64]
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # Not only private ones: what carriers share (RFC 6598) says no more of a device.
    if site is None or address.is_global:
        return str(address)
    if isinstance(address, ipaddress.IPv6Address):
        return f"{ipaddress.ip_network((address, PREFIX), strict=False)}@{site}"
    return f"{address}@{site}"


def _moment(at: datetime, now: datetime, keep: timedelta) -> datetime | None:
    if at.tzinfo is None or now - at > keep:
        return None
    return min(at, now)


def _host(text: str) -> str | None:
    try:
        return normal_host(text) if len(text) <= 255 else None
    except TargetError:
        return None
