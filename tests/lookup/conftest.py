"""A world of its own for each test: a PKI whose logs are served, a store, and a way to ask."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from detector.knowledge.ct_store import CtStore
from detector.lab.answer import Answer, Request
from detector.lab.pki import LabPki
from detector.lab.web import Web
from detector.net.fetch import FetchOptions


@pytest.fixture
def world() -> LabPki:
    """Like `pki`, but its logs may be changed."""
    return LabPki()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CtStore]:
    found = CtStore(tmp_path / "ct.sqlite3")
    yield found
    found.close()


@pytest.fixture
def asking(world: LabPki, tmp_path: Path) -> FetchOptions:
    """Trusts the world's root, gives up soon."""
    path = tmp_path / "root.pem"
    path.write_text(world.root.pem)
    return FetchOptions(trust=path, timeout=5, attempts=1)


@asynccontextmanager
async def served_logs(world: LabPki) -> AsyncGenerator[Web]:
    """Both logs of a world behind one HTTPS server; their addresses are set."""
    by_name = {f"log{number}": log for number, log in enumerate(world.logs)}

    def serve(request: Request) -> Answer:
        return by_name[request.target.split("/")[1]].serve(request.target)

    async with Web(world.issue("127.0.0.1"), serve) as web:
        for name, log in by_name.items():
            log.url = f"https://127.0.0.1:{web.port}/{name}/"
        yield web
