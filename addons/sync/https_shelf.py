"""The centre's own shelf, over HTTPS that is verified: what a gateway may see of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from detector.errors import FetchError
from detector.model.no_json import NO_JSON
from detector.net.fetch import Fetcher, FetchOptions
from detector.net.routes import Routing

_MOST_NAMES = 64 << 10


class HttpsShelf:
    """`async with` it; one connection for as long as that.

    Args:
        url: of the centre, https://HOST[:PORT].
        token: the gateway's own.
        roots: PEM of the only roots to trust; None means the operating system's store.
        routing: which proxy leads there.
        timeout: seconds for each answer.

    """

    def __init__(
        self,
        url: str,
        token: str,
        roots: Path | None,
        routing: Routing | None = None,
        timeout: float = 20.0,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        # The round is the one who tries again.
        options = FetchOptions(timeout, attempts=1, routing=routing or Routing(), trust=roots)
        self._fetch = Fetcher(options)

    async def get(self, name: str, limit: int) -> bytes | None:
        try:
            found = await self._fetch.get(self._at(name), limit=limit, headers=self._headers)
        except FetchError as error:
            if error.status == 404:
                return None
            raise self._told(error) from None
        return found.body

    async def put(self, name: str, blob: bytes) -> None:
        try:
            await self._fetch.put(self._at(name), blob, limit=4096, headers=self._headers)
        except FetchError as error:
            raise self._told(error) from None

    async def list(self, under: str) -> list[str]:
        found = await self.get(f"{under}/", _MOST_NAMES)
        try:
            return msgspec.json.decode(found or b"[]", type=list[str])
        except NO_JSON:
            raise FetchError(self._url, "answers with no list of names") from None

    async def close(self) -> None:
        await self._fetch.__aexit__(None, None, None)

    def _at(self, name: str) -> str:
        return f"{self._url}/v1/{name}"

    def _told(self, error: FetchError) -> FetchError:
        remedies = {
            401: "the token was revoked or is another centre's: enrol this gateway anew",
            403: "this token is another gateway's",
            507: "the centre's shelf is full: see its disk",
        }
        if error.status not in remedies:
            return error
        return FetchError(
            self._url, f"answers {error.status}", status=error.status, remedy=remedies[error.status]
        )
