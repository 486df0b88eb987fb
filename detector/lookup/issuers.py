"""Look-ups of a host's logged issuers: from the store while fresh, from a service otherwise.

Rules
-----
1. A fresh trusted answer of any source is used as it is; no request is made.
2. Sources are asked in turn until one gives an answer that may be believed.
3. An answer over a connection that nobody vouches for is stored as untrusted, and does not count.
4. When nobody answers, the stale answer is used, and marked.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from detector.ct.issuance import IssuanceLookup, summarise
from detector.errors import FetchError
from detector.knowledge.ct_store import CtStore
from detector.known.knowledge import Knowledge
from detector.lookup.connection import distrust
from detector.lookup.source import Answer, Source
from detector.net.fetch import Fetcher
from detector.net.sweep import sweep


@dataclass(frozen=True, slots=True)
class HostIssuers:
    """What is known about a host after a look-up.

    Attributes:
        answers: the store's answers, those just given among them; trusted ones first.
        asked: whether any request was made.
        problems: why a source gave nothing, or is not believed; one line each.

    """

    host: str
    answers: tuple[IssuanceLookup, ...]
    asked: bool = False
    problems: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether anything that counts is known, if only that no log knows the host."""
        return any(answer.trusted for answer in self.answers)


class LookupDesk:
    """Everything a look-up needs.

    Args:
        sources: in the order in which they are asked.
        store: where answers are kept. Its StoreErrors are raised.
        known: for judging the look-ups' own connections.
        now: the clock.

    """

    def __init__(
        self,
        sources: Sequence[Source],
        store: CtStore,
        fetch: Fetcher,
        known: Knowledge,
        now: Callable[[], datetime],
    ) -> None:
        self.sources = sources
        self.store = store
        self.fetch = fetch
        self.known = known
        self.now = now

    async def look_up(
        self, host: str, *, refresh: bool = False, offline: bool = False
    ) -> HostIssuers:
        """What is known about `host`, asking where needed and allowed. Raises StoreError."""
        stored = self.store.lookups(host)
        at = self.now()
        fresh = any(answer.trusted and not answer.is_stale(at) for answer in stored)
        if (fresh and not refresh) or offline:
            return HostIssuers(host, tuple(_marked(stored, at)))
        problems: list[str] = []
        for source in self.sources:
            before = next((a for a in stored if a.trusted and a.source == source.name), None)
            try:
                lookup, why = await self._ask(host, source, before)
            except FetchError as error:
                problems.append(str(error))
                continue
            self.store.save([lookup])
            if why is None:
                break
            problems.append(f"{source.name}'s answer does not count: {why}")
        answers = _marked(self.store.lookups(host), at)
        return HostIssuers(host, tuple(answers), asked=True, problems=tuple(problems))

    async def look_up_all(
        self, hosts: Iterable[str], *, width: int = 4, refresh: bool = False
    ) -> AsyncGenerator[HostIssuers]:
        """Many hosts, in no particular order; each is stored as soon as it is known."""

        async def one(host: str) -> HostIssuers:
            return await self.look_up(host, refresh=refresh)

        async for found in sweep(hosts, one, concurrency=width):
            yield found

    async def _ask(
        self, host: str, source: Source, before: IssuanceLookup | None
    ) -> tuple[IssuanceLookup, str | None]:
        answer: Answer = await source.ask(host, self.fetch, before.etag if before else None)
        why = distrust(answer.connections, self.known)
        at = self.now()
        if answer.unchanged and before is not None and why is None:
            return msgspec.structs.replace(before, fetched=at), None
        issuers, leaf_keys = summarise(host, answer.issuances, at)
        lookup = IssuanceLookup(
            host=host,
            source=source.name,
            fetched=at,
            ttl=source.ttl,
            trusted=why is None,
            complete=answer.complete,
            issuers=issuers,
            leaf_keys=leaf_keys,
            etag=answer.etag,
        )
        return lookup, why


def _marked(answers: Iterable[IssuanceLookup], at: datetime) -> list[IssuanceLookup]:
    return [msgspec.structs.replace(answer, stale=answer.is_stale(at)) for answer in answers]
