"""Asking a feed's source: over verified TLS by the one fetcher, from a file, or from our own table.

Rules
-----
1. Only https, and only the host that was named: a redirect is followed where a signature vouches for what comes,
   and then only to where the fetcher lets a stranger's address lead, and to https again.
2. Microsoft's service is asked for its version first, and for the list only where that is another one.
3. What is not there any more, or cannot be reached, changes nothing: the last good list stays in force.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec

from addons.bypass.feed import MAX_BYTES, Edition, Feed, Settings
from addons.bypass.feed_signature import MAX_SIGNATURE, read_key
from addons.bypass.feed_sources import Source, sources
from addons.formats.toml import render
from addons.store.feed_list import Answer, arrived
from detector.errors import ConfigError, FetchError

if TYPE_CHECKING:
    from addons.store.feeds import Feeds
    from detector.net.fetch import Fetched, Fetcher

SHIPPED = "shipped"
_MAX_VERSION = 1 << 16
Unchanged = Literal["accepted", "waiting"]


class _Version(msgspec.Struct):
    latest: str


def check_url(url: str) -> None:
    """Raises ConfigError for one that is not asked."""
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ConfigError(url.partition("?")[0], "is no https:// URL", remedy="or name a file")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ConfigError(parts.hostname or "", "a feed's URL has no login and no fragment")


async def update(
    feeds: Feeds, name: str, fetch: Fetcher, now: datetime, *, older: bool = False
) -> str:
    """Ask the source; what came of it, in words. Raises ConfigError for a list that is refused, FetchError."""
    feed = feeds.one(name)
    source = feed.settings.source
    try:
        if source == SHIPPED:
            found: Answer | Unchanged = shipped_answer(name)
        elif source.startswith("https://"):
            found = await _fetched(feed, fetch)
        else:
            found = file_answer(Path(source), feed.settings)
    except (FetchError, ConfigError) as error:
        feeds.fail(name, str(error), refused=False)
        raise
    if found == "accepted":
        feeds.confirm(name)
        return "unchanged"
    if found == "waiting":
        feeds.same_again(name)
        return "unchanged, and still waits"
    assert isinstance(found, Answer)
    return take(feeds, name, found, now, older=older)


def take(feeds: Feeds, name: str, answer: Answer, now: datetime, *, older: bool = False) -> str:
    """Keep what came. Raises ConfigError for a list that is refused; then the last good one stays."""
    feed = feeds.one(name)
    try:
        edition, rows = arrived(name, feed, answer, now, older=older)
    except ConfigError as error:
        feeds.fail(name, str(error), refused=True)
        raise
    if feed.settings.source == SHIPPED:  # as fresh as the page was when somebody looked
        read = sources()[name].read
        day = datetime(read.year, read.month, read.day, tzinfo=UTC)
        edition = msgspec.structs.replace(edition, fetched=day)
    before = feed.accepted
    told = _left_out(edition, name)
    why = feeds.arrive(name, edition, rows, older=older)
    if why is not None:
        return f"{edition.count} rules wait: {why}{told}"
    same = before is not None and before.digest == edition.digest
    return "unchanged" if same else f"{edition.count} rules in force{told}"


def _left_out(edition: Edition, name: str) -> str:
    """What of a list became no rule, in few words."""
    if not edition.left:
        return ""
    count = len(edition.left) + edition.more_left
    first = edition.left[0]
    return f"; {count} left out, as {first.entry}: {first.why} See tlsight bypass feed show {name}"


def shipped_answer(name: str) -> Answer:
    """The names of our own table, as a list that says its number. Raises ConfigError where it has none."""
    found: Source | None = sources().get(name)
    if found is None or found.kind != "shipped":
        raise ConfigError(name, "is not among the names that this version has")
    text = f"[feed]\nserial = {found.read:%Y%m%d}\n\n{render(found.rows())}"
    return Answer(text.encode())


def file_answer(path: Path, settings: Settings, signature: Path | None = None) -> Answer:
    """A list and its signature from files. Raises ConfigError."""
    if settings.key is not None and signature is None:
        signature = Path(f"{path}{read_key(settings.key).ending}")
    kept = _bytes(signature, MAX_SIGNATURE) if settings.key is not None and signature else None
    return Answer(_bytes(path, MAX_BYTES), kept)


async def _fetched(feed: Feed, fetch: Fetcher) -> Answer | Unchanged:
    settings = feed.settings
    url, version = settings.source, None
    if settings.form == "m365" and "/endpoints/" in urlsplit(url).path:
        version = await _version(url, fetch)
        known: tuple[tuple[Unchanged, Edition | None], ...] = (
            ("waiting", feed.waiting),
            ("accepted", feed.accepted),
        )
        for place, edition in known:
            if edition is None or edition.again:
                continue
            if edition.numbering == "version" and edition.number == version:
                return place
        url = _with_id(url)
    latest = feed.waiting or feed.accepted
    headers = {} if latest is None or version is not None else _conditions(latest)
    answer = await fetch.get(url, limit=MAX_BYTES, headers=headers, follow=settings.key is not None)
    _only_tls(answer)
    if answer.status == 304:
        return "waiting" if feed.waiting is not None else "accepted"
    signature = None
    if settings.key is not None:
        there = _beside(settings.source, read_key(settings.key).ending)
        found = await fetch.get(there, limit=MAX_SIGNATURE, follow=True)
        _only_tls(found)
        signature = found.body
    etag, modified = answer.headers.get("etag"), answer.headers.get("last-modified")
    return Answer(answer.body, signature, etag, modified, version)


async def _version(url: str, fetch: Fetcher) -> int:
    """What Microsoft's version service says, e.g. 2024063000."""
    parts = urlsplit(url)
    there = urlunsplit(parts._replace(path=parts.path.replace("/endpoints/", "/version/", 1)))
    found = await fetch.get(_with_id(there), limit=_MAX_VERSION)
    _only_tls(found)
    try:
        text = msgspec.json.decode(found.body, type=_Version).latest
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            raise ValueError(text)
        return int(text)
    except ValueError:  # msgspec's are ValueErrors, too
        raise FetchError(there.partition("?")[0], "says no version") from None


def _with_id(url: str) -> str:
    """The service counts its users by an id that each request makes up."""
    if "clientrequestid=" in url.lower():
        return url
    return f"{url}{'&' if '?' in url else '?'}clientrequestid={uuid.uuid4()}"


def _beside(url: str, ending: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path + ending))


def _conditions(edition: Edition) -> dict[str, str]:
    if edition.etag is not None:
        return {"If-None-Match": edition.etag}
    return {"If-Modified-Since": edition.modified} if edition.modified is not None else {}


def _only_tls(answer: Fetched) -> None:
    if answer.connection is None:
        raise FetchError(
            answer.url.partition("?")[0], "is not https://, and nothing of it is taken"
        )


def _bytes(path: Path, limit: int) -> bytes:
    from detector.bounded import read_whole

    try:
        return read_whole(path, limit)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
