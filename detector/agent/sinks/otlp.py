"""Events to a receiver of OpenTelemetry, by OTLP over HTTP: logs, and heartbeats as metrics.

    [[sink]]
    kind = "otlp"
    url = "https://collector.example:4318"

`url` is the receiver's base: /v1/logs and /v1/metrics are put behind it. What the answers mean is OTLP's: 429, 502, 503
and 504 and broken connections are tried again, after Retry-After; other refusals are not, in the same form: the batch is
halved until the event is found that is refused. But a receiver that refuses because of settings (401, 403, 404, 407)
says nothing about the events, and one that never took any may be another kind of server: all is kept then.
What a receiver rejects of a batch that it took (partial success) is said on the console and not sent again, as the
protocol asks.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detector.agent.sinks import Sink, Surroundings, http
from detector.agent.sinks.choice import Choice, chosen
from detector.agent.sinks.http import HttpSink, check_url
from detector.errors import ConfigError, WireError
from detector.knowledge.owners import Distrusted, read_ours
from detector.model.harmless import harmless
from detector.report.event_json import EventRecord
from detector.report.event_otlp import is_metric, logs_request, metrics_request, partial_success

if TYPE_CHECKING:
    from detector.net.fetch import Fetched, Fetcher

_LONGEST_ANSWER = 1 << 20
_LONGEST_HEADERS = 1 << 14
_MOST_HEADERS = 16
_OURS = frozenset(
    (
        "content-type",
        "content-encoding",
        "content-length",
        "transfer-encoding",
        "host",
        "connection",
    )
)


class Settings(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="kebab"):
    """[[sink]] of kind "otlp".

    Attributes:
        url: the receiver's base.
        headers_file: file of headers to send, `Name: value` a line: a receiver's key. Read for each batch.
        ca: PEM file of the only roots to trust; the system's without one.
        certificate, key: PEM files of a client certificate and its key.
        proxy: URL of one; without one that of [agent], and "none" goes straight whatever that says.
        gzip: pack what is sent.
        in_clear: http:// is meant.
        through_interceptor: deliver also where somebody stands in the connection.

    """

    url: str
    headers_file: str | None = None
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
    if "?" in settings.url or "#" in settings.url:
        raise ConfigError("sink.url", "is the receiver's base: no query and no fragment")
    return chosen(settings, _OtlpSink(settings, surroundings))


class _OtlpSink(HttpSink):
    never = frozenset((400, 405, 411, 413, 414, 415, 422, 431, 500, 501, 505))

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        shared = {
            name: getattr(settings, name)
            for name in (
                "url",
                "ca",
                "certificate",
                "key",
                "proxy",
                "gzip",
                "in_clear",
                "through_interceptor",
            )
        }
        super().__init__(http.Settings(**shared), surroundings)
        self._base = settings.url.rstrip("/")
        self._headers = settings.headers_file

    async def _offer(
        self,
        fetch: Fetcher,
        events: Sequence[EventRecord],
        places: list[int],
        refused: dict[int, str],
    ) -> None:
        """Logs and metrics have an address each; findings go first."""
        for metrics in (False, True):
            some = [place for place in places if is_metric(events[place]) is metrics]
            await super()._offer(fetch, events, some, refused)

    async def _post(self, fetch: Fetcher, events: Sequence[EventRecord]) -> Fetched:
        metrics = is_metric(events[0])
        body = metrics_request(events) if metrics else logs_request(events)
        headers = {} if self._headers is None else headers_of(Path(self._headers))
        headers["Content-Type"] = "application/x-protobuf"
        if self._settings.gzip:
            body = gzip.compress(body, 6, mtime=0)
            headers["Content-Encoding"] = "gzip"
        url = f"{self._base}/v1/{'metrics' if metrics else 'logs'}"
        return await fetch.post(url, body, limit=_LONGEST_ANSWER, headers=headers)

    def _statuses(self, answer: Fetched, count: int) -> list[int]:
        try:
            rejected, why = partial_success(answer.body)
        except WireError:
            return [200] * count  # some answer 200 with a text of their own
        if rejected:
            self._surroundings.say(f"{answer.url} rejected {rejected} of {count}: {harmless(why)}")
        return [200] * count


def headers_of(path: Path) -> dict[str, str]:
    """Of a file. Raises ConfigError; no value is in its text."""
    try:
        data = read_ours(path, _LONGEST_HEADERS)
    except (Distrusted, OSError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(str(path), why, remedy="chmod 600, owned by the agent's user") from None
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("ascii", "replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        good = colon and name.replace("-", "").replace("_", "").isalnum() and value.isprintable()
        if not good or not line.isascii() or name.lower() in _OURS:
            raise ConfigError(
                str(path), "is no header that may be set: write Name: value", line=number
            )
        found[name] = value
    if len(found) > _MOST_HEADERS or len(data) > _LONGEST_HEADERS:
        raise ConfigError(str(path), f"more than {_MOST_HEADERS} headers")
    return found
