"""The centre's shelf over HTTPS: a gateway reads the list and its own folder, and writes into that one alone.

Rules
-----
1. The token decides who it is; there is nothing that somebody without one is told, but that it takes one.
2. A gateway has WINDOW places for batches and one for its report; each of a bounded size, counted while it comes.
3. Connections wait behind the door that the review page has (admission.py): half a request costs its sender more.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from addons.review.admission import Admission, Server
from addons.review.listening import bound_door, listening_at
from addons.sync.enrolment import Enrolled
from addons.sync.listed import MAX_LIST
from addons.sync.reports import MAX_BATCH, MAX_REPORT, WINDOW
from addons.sync.sealed import secret_of
from addons.sync.shelf import Shelf, batch_number
from detector import clock
from detector.errors import ConfigError, StoreError

# One that carries more on its way is told to wait.
_MOST = 2 * WINDOW
_CENTRE = re.compile(r"centre/(?:head|list-[0-9a-f]{64})")
_OWN = re.compile(r"report|batch-[0-9]{1,16}")
_LONGEST_TOKEN = 256


class Counter:
    """The handlers.

    Args:
        shelf: behind it.
        gateways: who may, asked for with every request.

    """

    def __init__(self, shelf: Shelf, gateways: Callable[[], Mapping[str, Enrolled]]) -> None:
        self._shelf = shelf
        self._gateways = gateways

    def app(self, admission: Admission) -> ASGIApp:
        routes = [Route("/v1/{name:path}", self.answer, methods=["GET", "PUT"])]
        return _Waiting(Starlette(routes=routes), admission)

    async def answer(self, request: Request) -> Response:
        """Any request."""
        try:
            who = self._who(request)
            if who is None:
                headers = {"www-authenticate": "Bearer"}
                return PlainTextResponse("A gateway's token is needed.\n", 401, headers)
            name = request.path_params["name"]
            if request.method == "PUT":
                return await self._put(request, who, name)
            return await self._get(who, name)
        except StoreError as error:
            full = "No space left" in error.message or "quota" in error.message.lower()
            return PlainTextResponse("The shelf cannot be used.\n", 507 if full else 500)
        except ConfigError:
            return PlainTextResponse("The list of gateways cannot be read.\n", 500)

    def _who(self, request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
            return None
        # Found by its digest, and not by comparing: how long that takes says nothing of the token.
        given = secret_of(token).hex()
        return next((one.name for one in self._gateways().values() if one.secret == given), None)

    async def _get(self, who: str, name: str) -> Response:
        own = f"gateways/{who}"
        if name == f"{own}/":
            return JSONResponse(await self._shelf.list(own))
        if not _CENTRE.fullmatch(name):
            return PlainTextResponse("Not for this gateway.\n", 403)
        blob = await self._shelf.get(name, MAX_LIST + 4096)
        if blob is None:
            return PlainTextResponse("Not there.\n", 404)
        tag = f'"{hashlib.sha256(blob).hexdigest()}"'
        return Response(blob, media_type="application/octet-stream", headers={"etag": tag})

    async def _put(self, request: Request, who: str, name: str) -> Response:
        own, _, what = name.rpartition("/")
        if own != f"gateways/{who}" or not _OWN.fullmatch(what):
            return PlainTextResponse("Not for this gateway.\n", 403)
        batch = batch_number(name) is not None
        if batch:
            there = await self._shelf.list(own)
            if name not in there and sum("/batch-" in one for one in there) >= _MOST:
                return PlainTextResponse("Too many wait.\n", 429, {"retry-after": "30"})
        limit = MAX_BATCH if batch else MAX_REPORT
        blob = bytearray()
        async for part in request.stream():
            blob += part
            if len(blob) > limit:
                return PlainTextResponse("Too much.\n", 413)
        await self._shelf.put(name, bytes(blob))
        return Response(status_code=204)


class _Waiting:
    """Tells the table of connections when a request is whole, and when it is answered."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        peer = tuple(scope["client"]) if scope["client"] else ("", 0)

        async def receive_to_the_end() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                self._admission.begun(peer)
            return message

        if scope["method"] == "GET":
            self._admission.begun(peer)
        try:
            await self._app(scope, receive_to_the_end, send)
        except ClientDisconnect:
            pass  # in the middle of a batch: it comes again
        finally:
            self._admission.ended(peer)


def prepared(
    counter: Counter, listen: str, certificate: Path
) -> tuple[Server, Callable[[], asyncio.Future[None]], str]:
    """The server, what runs it, and its URL. Raises ConfigError."""
    address, port = listening_at(listen)
    bound = bound_door(address, port)
    admission = Admission(clock.stopwatch)
    bound.admission = admission
    config = uvicorn.Config(
        counter.app(admission),
        log_level="error",  # what strangers send is no news
        access_log=False,
        server_header=False,
        lifespan="off",
        loop="asyncio",  # another one would not ask the door
        http="h11",
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=64 << 10,
        ssl_certfile=str(certificate),
        timeout_keep_alive=5,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        bound.close()
        why = f"cannot be used: {error.strerror or error}"
        raise ConfigError(str(certificate), why) from None
    server = Server(config)
    server.admission = admission
    host = f"[{address}]" if address.version == 6 else str(address)
    url = f"https://{host}:{bound.getsockname()[1]}"
    return server, lambda: asyncio.ensure_future(server.serve(sockets=[bound])), url
