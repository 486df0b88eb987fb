"""Events to an HTTP(S) server, by POST in batches.

| shape | what is sent | for |
|---|---|---|
| lines | one JSON object a line | most collectors (Vector, Fluent Bit, Logstash, Cribl) |
| array | one JSON array | functions, webhooks |
| hec | Splunk's HTTP Event Collector | https://HOST:8088/services/collector/event |
| bulk | Elasticsearch's and OpenSearch's bulk requests; the event's id is the document's, so no copy is made | https://HOST:9200/INDEX/_bulk |

What an answer means
--------------------
2xx: the receiver has the batch for good; of a bulk answer each part is read, and 409 means that it had it before.
400, 413, 422: it will not take this; the batch is halved until the event is found that it refuses. Only a receiver that
took something else may refuse an event for good: one that takes nothing has another opinion on the form or the shape,
and then all is kept. Everything else, also 401, 403, 404 and redirects, is a matter of settings or time: all is kept
and tried again, after Retry-After where there is one.

A token is read from its file for each batch, so it may be renewed there, and is sent over a connection only after
that was verified and judged (detector.agent.sinks.standing). http:// is refused unless the settings say `in-clear`.
"""

from __future__ import annotations

import gc
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec

from detector.agent.sensing import routing
from detector.agent.sinks import RefusedError, Sink, SinkError, Surroundings
from detector.agent.sinks.choice import Choice, chosen
from detector.agent.sinks.named_files import credential, named
from detector.agent.sinks.standing import Standing, looked_at
from detector.errors import ConfigError, FetchError
from detector.knowledge.owners import Distrusted, read_ours
from detector.model.no_json import NO_JSON
from detector.net.routes import Routing, parse_proxy
from detector.report.event_forms import form
from detector.report.event_json import EventRecord

if TYPE_CHECKING:
    from detector.net.fetch import Fetched, Fetcher

_NEVER = frozenset((400, 413, 422))  # will be taken
_HOPELESS = 5  # events refused one by one, and none taken
_LONGEST_TOKEN = 1 << 14
_LONGEST_ANSWER = 4 << 20
_TIMEOUT = 30.0
_TYPES = {"lines": "application/x-ndjson", "bulk": "application/x-ndjson"}


class Settings(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """[[sink]] of kind "http".

    Attributes:
        url: where to.
        shape: how a batch is put together.
        form: what an event is written in; bulk takes "ecs" unless told otherwise.
        token_file: file of a token, which is sent as `Authorization: SCHEME TOKEN`.
        scheme: "Bearer"; for hec "Splunk", for bulk "ApiKey".
        ca: PEM file of the only roots to trust; the system's without one.
        certificate, key: PEM files of a client certificate and its key.
        proxy: URL of one; without one that of [agent], and "none" goes straight whatever that says.
        gzip: pack what is sent.
        in_clear: http:// is meant.
        through_interceptor: deliver also where somebody stands in the connection.

    """

    url: str
    shape: Literal["lines", "array", "hec", "bulk"] = "lines"
    form: Literal["ndjson", "ecs", "ocsf"] | None = None
    token_file: str | None = None
    scheme: str | None = None
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    proxy: str | None = None
    gzip: bool = False
    in_clear: bool = False
    through_interceptor: bool = False


def open_sink(settings: Settings, surroundings: Surroundings) -> Sink:
    """Raises ConfigError."""
    check_url(settings.url, in_clear=settings.in_clear)
    scheme = settings.scheme or "Bearer"
    if not (scheme.isascii() and scheme.replace("-", "").isalnum()):
        raise ConfigError("sink.scheme", f"{settings.scheme!r} is no scheme of logging in")
    return chosen(settings, HttpSink(settings, surroundings))


def check_url(url: str, *, in_clear: bool) -> None:
    """That events may go there. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError("sink.url", f"{url!r} is no URL") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ConfigError("sink.url", f"{url!r} is neither https:// nor http://")
    if parts.scheme == "http" and not in_clear:
        remedy = "use https://, or set in-clear = true where nobody else is on the way"
        raise ConfigError("sink.url", "is read by everybody on the way", remedy=remedy)
    if parts.username is not None:
        remedy = "put the login into a file that the settings name"
        raise ConfigError("sink.url", "has a login in it", remedy=remedy)


class HttpSink:
    """An open one; no connection is held between two batches.

    Attributes:
        never: answers that say of what was sent that it will never be taken.

    """

    never = _NEVER

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._standing = Standing(surroundings, through=settings.through_interceptor)
        self._write = form(settings.form or ("ecs" if settings.shape == "bulk" else "ndjson"))
        own = settings.proxy
        self._own_way = _way(own) if own else None
        self._trust = named("ca", settings.ca)
        self._credential = credential(settings.certificate, settings.key)
        self._had: set[str] = set()  # of a batch that comes again
        self._takes = False  # it took something once

    async def send(self, events: Sequence[EventRecord]) -> None:
        try:
            await self._send(events)
        finally:
            # What a connection was verified by is a megabyte of roots in a circle of references (truststore's contexts refer
            # to themselves), and an agent that idles makes too little for the collector to come by itself.
            gc.collect()

    async def _send(self, events: Sequence[EventRecord]) -> None:
        from detector.net.fetch import Fetcher, FetchOptions

        left = [place for place, event in enumerate(events) if event.id not in self._had]
        refused: dict[int, str] = {}
        try:
            options = FetchOptions(
                timeout=_TIMEOUT,
                attempts=1,
                routing=self._routing(),
                trust=self._trust,
                credential=self._credential,
                look=self._standing.look,
                now=self._surroundings.now,
                http2=False,
            )
            async with Fetcher(options) as fetch:
                await self._offer(fetch, events, left, refused)
        except FetchError as error:
            raise await self._failure(error) from None
        except ConfigError as error:
            raise SinkError(error.message) from None
        if refused:
            why = next(iter(refused.values()))
            if not self._takes:
                remedy = "are url, shape and form what it expects?"
                raise SinkError(f"{why}, and has taken nothing so far", remedy=remedy)
            raise RefusedError(why, tuple(refused))
        self._had.clear()

    async def close(self) -> None:
        """Nothing is held open."""

    def _routing(self) -> Routing:
        """The sink's own way, else the agent's, whose script may have to be fetched. Raises ConfigError, FetchError."""
        if self._own_way is not None:
            return self._own_way
        return routing(self._surroundings.proxy or "none", {})

    async def _offer(
        self,
        fetch: Fetcher,
        events: Sequence[EventRecord],
        places: list[int],
        refused: dict[int, str],
    ) -> None:
        """All at once; where that is refused each half in turn. Raises FetchError."""
        if not places or (len(refused) >= _HOPELESS and not self._takes):
            return
        offered = [events[place] for place in places]
        try:
            answer = await self._post(fetch, offered)
        except FetchError as error:
            if error.status not in self.never:
                raise
            if len(places) == 1:
                refused[places[0]] = error.message
                return
            half = len(places) // 2
            await self._offer(fetch, events, places[:half], refused)
            await self._offer(fetch, events, places[half:], refused)
            return
        later = 0
        for place, status in zip(places, self._statuses(answer, len(places)), strict=True):
            if 200 <= status < 300 or status == 409:
                self._takes = True
                self._had.add(events[place].id)
            elif status in (408, 429) or status >= 500:
                later = status
            else:
                refused[place] = f"{answer.url}: answers {status} for an event"
        if later:
            raise FetchError(answer.url, f"answers {later} for some events", status=later)

    def _statuses(self, answer: Fetched, count: int) -> list[int]:
        if self._settings.shape != "bulk":
            return [200] * count
        try:
            return bulk_statuses(answer.body, count)
        except ValueError as error:
            raise FetchError(answer.url, str(error), status=answer.status) from None

    async def _post(self, fetch: Fetcher, events: Sequence[EventRecord]) -> Fetched:
        settings = self._settings
        body = _SHAPES[settings.shape](events, self._write)
        headers = {"Content-Type": _TYPES.get(settings.shape, "application/json")}
        if settings.gzip:
            body = gzip.compress(body, 6, mtime=0)
            headers["Content-Encoding"] = "gzip"
        if settings.token_file is not None:
            usual = {"hec": "Splunk", "bulk": "ApiKey"}.get(settings.shape, "Bearer")
            scheme = settings.scheme or usual
            headers["Authorization"] = f"{scheme} {_token(Path(settings.token_file))}"
        return await fetch.post(settings.url, body, limit=_LONGEST_ANSWER, headers=headers)

    async def _failure(self, error: FetchError) -> SinkError:
        if not error.untrusted:
            return SinkError(error.message, after=error.after, remedy=error.remedy)
        parts = urlsplit(self._settings.url)
        return await looked_at(
            parts.hostname or "", parts.port or 443, self._surroundings.now(), self._routing(),
            text=error.message,
        )  # fmt: skip


def _way(own: str) -> Routing:
    """By the sink's own proxy. Raises ConfigError."""
    return Routing() if own == "none" else Routing(parse_proxy(own, "sink.proxy"))


class _Done(msgspec.Struct):
    status: int


class _BulkAnswer(msgspec.Struct):
    errors: bool
    items: list[dict[str, _Done]] = []


def bulk_statuses(body: bytes, count: int) -> list[int]:
    """The status of each part of a bulk request. Raises ValueError where the answer is none to `count` parts."""
    try:
        answer = msgspec.json.decode(body, type=_BulkAnswer)
    except NO_JSON:
        raise ValueError("its answer is none to a bulk request") from None
    if not answer.errors:
        return [200] * count
    found = [one.status for item in answer.items for one in item.values()]
    if len(found) != count:
        raise ValueError("its answer is none to this bulk request")
    return found


def _lines(events: Sequence[EventRecord], write: Callable[[EventRecord], bytes]) -> bytes:
    return b"".join(write(event) + b"\n" for event in events)


def _array(events: Sequence[EventRecord], write: Callable[[EventRecord], bytes]) -> bytes:
    return b"[" + b",".join(map(write, events)) + b"]"


def _hec(events: Sequence[EventRecord], write: Callable[[EventRecord], bytes]) -> bytes:
    return b"".join(
        msgspec.json.encode(
            {
                "time": event.at.timestamp(),
                "host": event.device.name or event.device.id,
                "source": "tlsight",
                "sourcetype": "tlsight:event",
                "event": msgspec.Raw(write(event)),
            }
        )
        for event in events
    )


def _bulk(events: Sequence[EventRecord], write: Callable[[EventRecord], bytes]) -> bytes:
    """Created, never replaced: a copy is answered by 409, and data streams take nothing else."""
    return b"".join(
        msgspec.json.encode({"create": {"_id": event.id}}) + b"\n" + write(event) + b"\n"
        for event in events
    )


_SHAPES = {"lines": _lines, "array": _array, "hec": _hec, "bulk": _bulk}


def _token(path: Path) -> str:
    """Raises ConfigError; the token itself is in no text."""
    try:
        data = read_ours(path, _LONGEST_TOKEN)
    except (Distrusted, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(str(path), why, remedy="chmod 600, owned by the agent's user") from None
    text = data.decode("ascii", "replace").strip()
    if not text.isprintable() or not text.isascii() or not text or " " in text:
        raise ConfigError(str(path), "holds no token: one line of printable ASCII")
    return text
