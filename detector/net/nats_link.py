"""A connection to NATS: verified TLS from the first byte, a key that is proved and never sent, an inbox of one's own.

Rules
-----
1. The hello is the first thing sent: a server that speaks first in the clear, or somebody in its place, is not
   listened to. Its certificate is verified against the roots that came with the credentials, else the system's.
2. The server's nonce is signed here; the seed goes nowhere.
3. One connection is one object, which ends for good when the line is cut: whoever holds it dials again, later and
   later (`pause`). So nothing waits in a buffer that nobody sees, and what a lost line swallowed is known at once:
   nats-py would wait out the time of each question, on a line that is gone.
4. nats-py knows no proxies, neither for TCP nor for its websockets: where the only way out is a proxy, use the
   sink `http`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import random
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detector.errors import FetchError
from detector.extras import demand
from detector.net.verifying import verifying_context, with_only

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_CONNECT = 10.0
_PIPELINED = 256
_PING_EVERY = 60
# Between two attempts: the first is at once, the last not later than this.
_LONGEST = 300.0
_DENIED = ("authorization violation", "authentication revoked", "authentication expired", "account")


class UntrustedError(FetchError):
    """Somebody answered whose certificate does not verify: `server` is host and port."""

    def __init__(self, url: str, why: str, server: tuple[str, int]) -> None:
        super().__init__(
            url, why, remedy="nothing was sent; see who stands there with tlsight check"
        )
        self.server = server


class DeniedError(FetchError):
    """The server does not take these credentials: they were revoked, or are another fleet's."""


class NobodyError(FetchError):
    """The server is there, and what was asked for is not."""


@dataclass(frozen=True)
class Login:
    """Who one is on the bus.

    Attributes:
        servers: tls://HOST:PORT, any of which will do.
        ca: PEM of the only roots to trust; None means the operating system's.
        jwt: the account's word for the key; sent.
        sign: signs what it is given with the key.
        inbox: subject under which answers come.
        name: told to the server, for its own lists.

    """

    servers: tuple[str, ...]
    ca: str | None
    jwt: str = field(repr=False)
    sign: Callable[[bytes], bytes] = field(repr=False)
    inbox: str
    name: str = "tlsight"


@dataclass(frozen=True)
class Letter:
    """What is published. `id` lets the server leave out what it was given before."""

    subject: str
    body: bytes
    id: str | None = None


@dataclass(frozen=True)
class Answer:
    """What JetStream says of a letter: empty where it is stored, else why it is not."""

    why: str = ""
    for_good: bool = False


class NatsLink:
    """An open connection; `dial` makes it. Every verb raises FetchError."""

    def __init__(self, client: Client, url: str) -> None:
        self.client = client
        self.url = url
        self._ended = asyncio.Event()
        self._asking: set[asyncio.Future[Any]] = set()
        self.why = ""

    async def ended(self) -> None:
        """Return when the line is cut; `why` says by what."""
        await self._ended.wait()

    @property
    def open(self) -> bool:
        return self.client.is_connected and not self._ended.is_set()

    async def store(self, letters: Sequence[Letter], within: float = 20.0) -> list[Answer]:
        """Publish to JetStream, many at once, and wait for its word for each. Raises FetchError where there is none."""
        found: list[Answer] = []
        for at in range(0, len(letters), _PIPELINED):
            some = letters[at : at + _PIPELINED]
            found += await asyncio.gather(*(self._store(one, within) for one in some))
        return found

    async def last(self, bucket: str, key: str, within: float = 10.0) -> tuple[bytes, int] | None:
        """The last value of a bucket's key and its revision, None where there is none; asked directly."""
        subject = f"$KV.{bucket}.{key}"
        try:
            found = await self._request(f"$JS.API.DIRECT.GET.KV_{bucket}.{subject}", b"", within)
        except NobodyError:
            raise NobodyError(self.url, f"has no bucket {bucket}") from None
        headers = found.headers or {}
        status = headers.get("Status")
        if status == "404" or headers.get("KV-Operation") in ("DEL", "PURGE"):
            return None
        if status is not None and not found.data:
            raise FetchError(self.url, f"answers {status} for {subject}")
        sequence = headers.get("Nats-Sequence", "0")
        return found.data, int(sequence) if sequence.isdecimal() else 0

    async def hear(self, subject: str, take: Callable[[Msg], Awaitable[None]]) -> None:
        """Have `take` called with what comes there from now on, one after the other."""
        try:
            await self.client.subscribe(subject, cb=take)
        except Exception as error:
            raise _told(self.url, error) from None
        await self._answered(self.client.flush(_seconds(_CONNECT)))

    async def ask(self, subject: str, body: bytes, within: float = 10.0) -> bytes:
        """Somebody's answer."""
        data: bytes = (await self._request(subject, body, within)).data
        return data

    async def tell(self, subject: str, body: bytes) -> None:
        """Publish without waiting for anybody's word."""
        try:
            await self.client.publish(subject, body)
        except Exception as error:
            raise _told(self.url, error) from None
        await self._answered(self.client.flush(_seconds(_CONNECT)))

    async def close(self) -> None:
        """End it; never raises."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.client.close(), 5)
        self._end("closed here")

    def _end(self, why: str) -> None:
        self.why = self.why or why
        self._ended.set()
        for one in self._asking:
            one.cancel()

    async def _store(self, letter: Letter, within: float) -> Answer:
        headers = {"Nats-Msg-Id": letter.id} if letter.id is not None else None
        said = await self._request(letter.subject, letter.body, within, headers)
        try:
            answer: dict[str, Any] = json.loads(said.data)
            error: Any = answer.get("error")
            if error is None and isinstance(answer["seq"], int):
                return Answer()
            why, code = str(error["description"])[:200], int(error.get("err_code", 0))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise FetchError(self.url, "answers with nothing of JetStream's") from None
        return Answer(f"does not store it: {why}", for_good=code in _FOR_GOOD)

    async def _request(
        self, subject: str, body: bytes, within: float, headers: dict[str, str] | None = None
    ) -> Msg:
        asking = self.client.request(subject, body, timeout=within, headers=headers)
        return await self._answered(asking)

    async def _answered[T](self, asking: Coroutine[Any, Any, T]) -> T:
        """What it gives, or a FetchError: also as soon as the line is cut."""
        asked = asyncio.ensure_future(asking)
        self._asking.add(asked)
        try:
            await asyncio.wait((asked,))
        finally:
            self._asking.discard(asked)
            asked.cancel()
        try:
            return asked.result()
        except asyncio.CancelledError:
            raise FetchError(self.url, self.why) from None
        except Exception as error:
            raise _told(self.url, error) from None


# Codes of JetStream's errors: message size exceeds what the stream takes.
_FOR_GOOD = frozenset((10054,))


async def dial(login: Login, within: float = _CONNECT) -> NatsLink:
    """Connect to the first server that answers, in an order of chance.

    Raises UntrustedError, DeniedError, FetchError; ConfigError where the library is missing.
    """
    demand("nats", "nats", "agent")
    context = verifying_context(None) if login.ca is None else with_only(login.ca)
    servers = list(login.servers)
    random.shuffle(servers)
    gravest: FetchError | None = None
    for url in servers:
        try:
            return await _dial(url, login, context, within)
        except FetchError as error:
            if gravest is None or isinstance(error, UntrustedError | DeniedError):
                gravest = error
    assert gravest is not None
    raise gravest


def pause(failures: int, chance: float, longest: float = _LONGEST) -> float:
    """Seconds until the next attempt, 0.25 to `longest`; `chance` is 0 to 1, so that a fleet does not come together."""
    highest: float = min(longest, 0.5 * 2.0 ** min(failures, 16))
    return highest * (0.5 + chance / 2)


async def _dial(url: str, login: Login, context: ssl.SSLContext, within: float) -> NatsLink:
    from nats.aio.client import Client

    from detector.net.nats_transport import CountedTransport

    client = Client()
    client._transport = CountedTransport()  # noqa: SLF001 (it takes none)
    link = NatsLink(client, url)
    trouble: list[Exception] = []

    async def heard(error: Exception) -> None:
        del trouble[8:]
        trouble.append(error)

    async def closed() -> None:
        link._end(_words(client.last_error) or "the line was cut")  # noqa: SLF001 (its own)

    def signature(nonce: str) -> bytes:
        return base64.b64encode(login.sign(nonce.encode()))

    try:
        await asyncio.wait_for(
            client.connect(
                [url.replace("nats://", "tls://", 1)],
                error_cb=heard,
                closed_cb=closed,
                name=login.name,
                tls=context,
                tls_handshake_first=True,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=_seconds(within),
                ping_interval=_PING_EVERY,
                max_outstanding_pings=2,
                signature_cb=signature,
                user_jwt_cb=lambda: bytearray(login.jwt.encode()),
                inbox_prefix=login.inbox,
            ),
            within,
        )
    except BaseException as error:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.close(), 1)
        if not isinstance(error, Exception):
            raise
        raise _told(url, *trouble, error) from None
    return link


def _seconds(seconds: float) -> int:
    return max(1, round(seconds))


def _told(url: str, *errors: Exception) -> FetchError:
    """In our own words; of several the one that says most."""
    from urllib.parse import urlsplit

    import nats.errors

    for error in errors:
        if isinstance(error, FetchError):
            return error
        if isinstance(error, ssl.SSLCertVerificationError):
            at = urlsplit(url)
            server = at.hostname or "", at.port or 4222
            return UntrustedError(
                url, f"its certificate does not verify: {error.verify_message}", server
            )
    for error in errors:
        words = str(error).lower()
        if isinstance(error, nats.errors.AuthorizationError) or any(
            one in words for one in _DENIED
        ):
            return DeniedError(url, "does not take these credentials")
    for error in errors:
        if isinstance(error, nats.errors.NoRespondersError):
            return NobodyError(url, "nobody answers there: no right to it, or not set up")
        if isinstance(error, nats.errors.MaxPayloadError):
            return FetchError(url, "it is larger than the server takes")
    for error in errors:
        if isinstance(error, TimeoutError | nats.errors.TimeoutError):
            continue
        if not isinstance(error, nats.errors.NoServersError) and (words := _words(error)):
            return FetchError(url, words)
    return FetchError(url, "gives no answer in time")


def _words(error: Exception | None) -> str:
    """One short printable line, without a library's name."""
    if error is None:
        return ""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    line = "".join(one if one.isprintable() else " " for one in text)[:200]
    return line.removeprefix("nats: ").strip()
