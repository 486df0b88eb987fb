"""Our own HTTPS requests: verified, bounded in size and time, retried, paced, and looked at.

Rules
-----
1. Certificates are verified against the operating system's store (truststore), or against the roots
   that the user calls public. Nothing here ever turns that off.
2. A verified connection may still run through an interceptor whose root the store holds. So each
   answer carries an `Observation` of its own connection, for the judge.
3. 429, 5xx and broken connections are tried again, later and later, with jitter; Retry-After is
   obeyed up to MAX_WAIT. Redirects are followed only where what comes is signed, and only to where
   `detector.net.pointed` lets a stranger's address lead.
4. A body beyond its limit, or an answer beyond the time, is an error and no more of it is read.
5. Only identity is asked for and taken (RFC 9110 section 8.4): a body that is unpacked before it is
   counted makes gigabytes of a few hundred bytes.
6. Addresses and headers may hold secrets, and no library under here writes them to a log that somebody else keeps.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from socksio.exceptions import SOCKSError

from detector import clock
from detector.errors import DialError, FetchError, ProxyError
from detector.logged import Log, bare_url
from detector.model.observation import Observation
from detector.net.bare_httpx import httpx
from detector.net.counted import CountedHttp
from detector.net.http_clients import HttpClients, is_below
from detector.net.pointed import Pointer, addresses_for
from detector.net.routes import Proxy, Routing
from detector.net.seen_connection import looking, seen
from detector.net.verifying import context_for_proxy, is_of_a_proxy, verifying_context
from detector.version import __version__
from detector.wire.greeting import printable

_log = Log(__name__)

MAX_WAIT = 60.0
_Redirect = tuple[str, Pointer]
_MAX_REDIRECTS = 5
_AGAIN = frozenset((429, 500, 502, 503, 504))
# From so many pieces on (chunks, DATA frames) they must hold so many bytes each on average: to take one costs the same
# whatever it holds.
_PIECES, _PIECE = 1000, 64
# httpx tells every address at level INFO, and those below it every header at DEBUG; mitmproxy prints both.
for _logger in map(logging.getLogger, ("httpx", "httpcore", "hpack")):
    _logger.setLevel(max(_logger.level, logging.WARNING))


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How to ask.

    Attributes:
        timeout: seconds to connect, and for each answer as a whole.
        attempts: how often one request is made at most.
        routing: which proxy, for which hosts.
        trust: PEM file of the only roots to trust; None means the operating system's store.
        credential: PEM files of a client certificate and its key, shown to a server that asks for one.
        look: shown each verified TLS connection to a server before anything goes over it, and once more
            with each answer; what it raises, a TlsightError, ends the request.
        sleep, jitter, now: time and chance, as values; `jitter` gives 0 to 1.
        http2: offer it; one request at a time gains nothing by it, and loads its library for a megabyte and a half.

    """

    timeout: float = 20.0
    attempts: int = 4
    routing: Routing = field(default_factory=Routing)
    trust: Path | None = None
    credential: tuple[Path, Path] | None = None
    look: Callable[[Observation], None] | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    now: Callable[[], datetime] = clock.now
    http2: bool = True


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: 200, 304 when an ETag or a time was given, or 2xx to what was put or told.

    Attributes:
        headers: with lower-case names.
        connection: what the TLS handshake of this request showed, None over plain HTTP.

    """

    url: str
    status: int
    body: bytes
    headers: Mapping[str, str]
    connection: Observation | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a URL: an answer of at most `limit` bytes."""

    limit: int
    headers: Mapping[str, str]
    method: str = "GET"
    content: bytes | None = None
    follow: bool = False


class Pace:
    """At most one request each `interval` seconds by `stopwatch`; waiting requests keep their order."""

    def __init__(self, interval: float, stopwatch: Callable[[], float] = clock.stopwatch) -> None:
        self.interval = interval
        self._stopwatch = stopwatch
        self._free = 0.0

    def wait(self) -> float:
        """Take the next turn; the seconds until it comes."""
        now = self._stopwatch()
        turn = max(now, self._free)
        self._free = turn + self.interval
        return turn - now

    def postpone(self, seconds: float) -> None:
        """The source asked for rest: nobody's turn comes sooner."""
        self._free = max(self._free, self._stopwatch() + seconds)


class Fetcher:
    """`async with Fetcher(options) as fetch: await fetch.get(url, limit=...)`."""

    def __init__(self, options: FetchOptions | None = None) -> None:
        self.options = options or FetchOptions()
        self._clients = HttpClients(self._made)
        self._context: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._clients.close()

    async def get(
        self,
        url: str,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        pace: Pace | None = None,
        follow: bool = False,
        pointer: Pointer | None = None,
    ) -> Fetched:
        """One answer of at most `limit` bytes. Raises FetchError.

        `follow` follows redirects, which is only for what is signed: `connection` is the last one.
        `pointer` is who named the URL, where it is not ours: RefusedError where it leads too far.
        """
        asked = _Asked(limit, headers or {}, follow=follow)
        return await self._until(url, asked, pace, pointer)

    async def put(
        self,
        url: str,
        content: bytes,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        """Put it there; any answer of 2xx, of at most `limit` bytes, is one. Raises FetchError."""
        asked = _Asked(limit, headers or {}, "PUT", content)
        return await self._until(url, asked, None, None)

    async def post(
        self, url: str, body: bytes, *, limit: int, headers: Mapping[str, str] | None = None
    ) -> Fetched:
        """Tell `body` to somebody; any answer of 2xx is one. It may be told more than once, never by a redirect.

        Raises FetchError.
        """
        return await self._until(url, _Asked(limit, headers or {}, "POST", body), None, None)

    async def _until(
        self, url: str, asked: _Asked, pace: Pace | None, pointer: Pointer | None
    ) -> Fetched:
        """Again and again, later and later."""
        attempt = 0
        while True:
            attempt += 1
            if pace is not None:
                await self.options.sleep(pace.wait())
            try:
                return await self._once(url, asked, pointer)
            except _TryAgainError as again:
                delay = retry_delay(
                    attempt, again.after, now=self.options.now(), jitter=self.options.jitter()
                )
                if attempt >= min(self.options.attempts, again.most) or delay > MAX_WAIT:
                    raise _told(again, delay) from None
                _log.info("asks again later", url=bare_url(url), seconds=round(delay, 1))
                if pace is not None:
                    pace.postpone(delay)
                await self.options.sleep(delay)

    async def _once(self, url: str, what: _Asked, pointer: Pointer | None) -> Fetched:
        shown = url.partition("?")[0]
        try:
            asked = httpx.URL(url)
            await self._choose(asked)
            self._clients.ready(
                self._proxy(asked)
            )  # the first one loads libraries: that is not the server's time
            async with asyncio.timeout(self.options.timeout):
                for _ in range(_MAX_REDIRECTS + 1):
                    found = await self._asked(url, what, pointer)
                    if isinstance(found, Fetched):
                        return found
                    url, pointer = found
                raise FetchError(shown, f"redirects more than {_MAX_REDIRECTS} times")
        except TimeoutError:
            why = f"no whole answer within {self.options.timeout:g} s"
            # Who took the whole time may talk without end: twice is enough.
            raise _TryAgainError(FetchError(shown, why), most=2) from None
        except ProxyError as error:
            raise FetchError(shown, error.message) from None
        except httpx.InvalidURL:
            raise FetchError(shown, "is no URL") from None
        except DialError as error:
            raise _TryAgainError(FetchError(shown, f"no answer: {error.message}")) from None
        except Exception as error:
            if isinstance(error, httpx.HTTPError | httpx.StreamError | SOCKSError):
                raise _failure(shown, error) from None
            if is_below(error):
                said = printable(f"{type(error).__name__}: {error}".encode())
                why = f"what it sends breaks the HTTP library: {said}"
                raise _TryAgainError(FetchError(shown, why)) from None
            raise

    async def _asked(self, url: str, what: _Asked, pointer: Pointer | None) -> Fetched | _Redirect:
        """As `_answer`, at each address in turn where somebody else named the URL."""
        asked = httpx.URL(url)
        await self._choose(asked)  # a redirect may lead another way
        addresses: list[str] = []
        if pointer is not None:
            proxied = self._proxy(asked) is not None
            addresses = await addresses_for(asked, pointer, proxied=proxied)
        share = self.options.timeout / max(1, len(addresses))
        for address in addresses[:-1]:
            try:
                return await self._answer(asked, what, address, share)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        last = addresses[-1] if addresses else None
        return await self._answer(asked, what, last, share)

    async def _answer(
        self,
        asked: httpx.URL,
        what: _Asked,
        address: str | None,
        connect: float,
    ) -> Fetched | _Redirect:
        """The answer, or where it says to ask instead; that answer's own body is not read.

        `address` is dialled in place of the URL's host, which is still the one that is asked, within
        `connect` seconds.
        """
        url = str(asked)
        shown = url.partition("?")[0]
        proxy = self._proxy(asked)
        _log.debug(
            "asks", method=what.method, url=bare_url(url), address=address, proxy=proxy.route.proxy if proxy else None
        )  # fmt: skip
        names = dict(what.headers)
        dialled: httpx.URL = asked
        extensions: dict[str, Any] = {}
        if address is not None:
            names["Host"] = asked.netloc.decode("ascii")
            dialled = asked.copy_with(host=address, username=None, password=None)
            extensions = {"sni_hostname": asked.host}
        if self.options.look is not None:
            extensions["trace"] = looking(
                self.options.look, asked.host, asked.port, proxy, self.options.now
            )
        limits = httpx.Timeout(self.options.timeout, connect=connect)
        async with self._clients.lent(proxy) as client, client.stream(
            what.method, dialled, content=what.content, headers=names, extensions=extensions,
            timeout=limits,
        ) as response:  # fmt: skip
            status = response.status_code
            _log.info("answered", method=what.method, url=bare_url(url), status=status)
            if status in _AGAIN:
                why = f"answers {status}"
                after = response.headers.get("retry-after")
                raise _TryAgainError(FetchError(shown, why, status=status), after)
            if what.follow and response.next_request is not None:
                there = asked.join(response.headers["location"])
                return str(there), Pointer(_server(response) if proxy is None else None)
            asked_for = {name.lower() for name in what.headers}
            unchanged = status == 304 and asked_for & {"if-none-match", "if-modified-since"}
            done = what.content is not None and 200 <= status < 300
            if status != 200 and not unchanged and not done:
                raise FetchError(shown, f"answers {status}", status=status)
            connection = self._connection(response, asked, proxy)
            if self.options.look is not None and connection is not None:
                self.options.look(
                    connection
                )  # should a library of ours call its steps by other names
            content = await _body(response, shown, what.limit)
            found = {name.lower(): value for name, value in response.headers.items()}
            return Fetched(url, status, content, found, connection)

    async def _choose(self, asked: httpx.URL) -> None:
        """Have the way to it looked up, which may take a while; it is known from then on."""
        port = asked.port or (443 if asked.scheme == "https" else 80)
        await self.options.routing.choose(asked.host, port)

    def _proxy(self, asked: httpx.URL) -> Proxy | None:
        port = asked.port or (443 if asked.scheme == "https" else 80)
        return self.options.routing.proxy_for(asked.host, port)

    def _made(self, proxy: Proxy | None) -> httpx.AsyncClient:
        if self._context is None:
            self._context = verifying_context(self.options.trust, self.options.credential)
        return httpx.AsyncClient(
            transport=CountedHttp(
                http2=self.options.http2,
                verify=self._context,
                proxy=proxy_url(proxy) if proxy else None,
            ),
            timeout=self.options.timeout,
            trust_env=False,
            headers={
                "User-Agent": f"tlsight/{__version__}",
                "Accept-Encoding": "identity",
            },
        )

    def _connection(
        self, response: httpx.Response, asked: httpx.URL, proxy: Proxy | None
    ) -> Observation | None:
        """The TLS connection under a response, as the judge reads it."""
        stream = response.extensions["network_stream"]
        return seen(stream, asked.host, asked.port, proxy, self.options.now())


def retry_delay(attempt: int, after: str | None, *, now: datetime, jitter: float) -> float:
    """Seconds before the next attempt: 1, 2, 4, ... times a random half to whole, or Retry-After.

    Args:
        attempt: attempts made so far.
        after: the header's value, seconds or a date (RFC 9110 section 10.2.3), None without one.
        now: to reckon with a date.
        jitter: 0 to 1.

    """
    ours = float(2 ** min(attempt - 1, 6)) * (0.5 + jitter / 2)
    if after is None:
        return ours
    if after.isascii() and after.isdigit():
        return max(ours, float(after[:9]))
    try:
        date = parsedate_to_datetime(after)
        return max(ours, (date - now).total_seconds())
    except (ValueError, TypeError):
        return ours


class _TryAgainError(Exception):
    def __init__(self, error: FetchError, after: str | None = None, most: int = 99) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after
        self.most = most


def _told(again: _TryAgainError, delay: float) -> FetchError:
    again.error.after = delay if again.after is not None else None
    if again.after is None or delay <= MAX_WAIT:
        return again.error
    why = f"answers {again.error.status} and asks to wait {delay:.0f} s"
    error = again.error
    return FetchError(
        error.url, why, status=error.status, remedy="try again later", after=error.after
    )


def _server(response: httpx.Response) -> str | None:
    """The address that answered."""
    address = response.extensions["network_stream"].get_extra_info("server_addr")
    return str(address[0]) if address else None


async def _body(response: httpx.Response, shown: str, limit: int) -> bytes:
    coding = response.headers.get("content-encoding", "")
    if any(name.strip().lower() not in ("", "identity") for name in coding.split(",")):
        text = (
            f"sends its answer packed ({printable(coding.encode('latin-1', 'replace'))}), unasked"
        )
        raise FetchError(shown, text)
    body = bytearray()
    pieces = 0
    async for part in response.aiter_raw():
        pieces += 1
        body += part
        if len(body) > limit:
            raise FetchError(shown, f"sends more than {limit} bytes")
        if pieces > _PIECES and len(body) < pieces * _PIECE:
            raise FetchError(shown, f"sends its answer in more than {pieces - 1} tiny pieces")
    return bytes(body)


def _failure(url: str, error: Exception) -> Exception:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            if is_of_a_proxy(cause):
                why = f"the proxy's own certificate is not trusted: {cause.verify_message}"
                return FetchError(url, why)
            host = httpx.URL(url).host
            remedy = f"see who answers with: tlsight check {host}"
            why = f"its certificate is not trusted: {cause.verify_message}"
            return FetchError(url, why, remedy=remedy, untrusted=True)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.UnsupportedProtocol):
        return FetchError(url, "is neither http:// nor https://")
    if isinstance(error, httpx.ProxyError):
        known = "Basic is the one login that look-ups give a proxy" if "407" in str(error) else ""
        return FetchError(url, f"the proxy refuses: {error}", remedy=known)
    text = str(error) or type(error).__name__
    return _TryAgainError(FetchError(url, f"no answer: {text}"))


def proxy_url(proxy: Proxy) -> httpx.Proxy:
    scheme = proxy.url.partition("://")[0].replace("socks5h", "socks5")
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    auth: Any = (proxy.user, proxy.password or "") if proxy.user is not None else None
    return httpx.Proxy(
        f"{scheme}://{quote(host, safe='[]:')}:{proxy.port}",
        auth=auth,
        ssl_context=context_for_proxy(proxy.trust) if proxy.tls else None,
    )
