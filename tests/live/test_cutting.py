"""A long download through a real mitmdump: cut when its rule is removed or ends, and counted while it lasts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from addons.bypass.rule import RuleRow
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from detector.lab.name_server import NameServer
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import Run, running
from tests.live.programs import find
from tests.live.waiting import until, until_it_holds

pytestmark = pytest.mark.live
HOST = "long.test"
ABOUT = ("--reason", "r", "--owner", "o")


class Endless(Origin):
    """Sends a piece every tenth of a second for as long as somebody listens."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            while True:
                writer.write(b"x" * 1000)
                await writer.drain()
                await asyncio.sleep(0.1)
        writer.close()


@asynccontextmanager
async def world(
    folder: Path, cut: str
) -> AsyncGenerator[tuple[Mitmdump, asyncio.subprocess.Process]]:
    """A mitmdump with an empty store, and a download of long.test that begins when its rule is there."""
    pki = LabPki()
    (folder / "root.pem").write_text(pki.root.pem)
    async with (
        NameServer.here([HOST]) as names,
        Endless({HOST: pki.issue(HOST)}) as origin,
        Mitmdump(
            folder / "m", trust=folder / "root.pem", scripts=(bypass_script(),),
            settings=(
                f"bypass_store={folder / 'b.sqlite3'}", f"bypass_cut={cut}", f"bypass_resolver={names.at}",
            ),
        ) as mitm,
    ):  # fmt: skip
        with BypassStore(folder / "b.sqlite3", clock.now) as store:
            store.add_rule(RuleRow(host=HOST))
        lines = mitm.lines
        await until_it_holds(lambda: any("1 bypass rules in force" in line for line in lines))
        download = await asyncio.create_subprocess_exec(
            find("curl"), "-sk", "-o", str(folder / "got"), "--noproxy", "", "-x", mitm.url,
            "--connect-to", f"{HOST}:443:127.0.0.1:{origin.port}", f"https://{HOST}/",
            env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        try:
            yield mitm, download
        finally:
            if download.returncode is None:
                download.kill()
                await download.wait()


def grown(file: Path) -> None:
    """Wait until more has come than there is."""
    before = file.stat().st_size if file.exists() else 0
    until(lambda: file.exists() and file.stat().st_size > before, "more of it")


def ended(download: asyncio.subprocess.Process) -> None:
    """Wait for its end."""
    until(lambda: download.returncode is not None, "the end")


def test_a_download_is_cut_after_its_grace_when_the_rule_is_removed(
    tlsight: Run, tmp_path: Path
) -> None:
    store = ("--store", tmp_path / "b.sqlite3")
    with running(world(tmp_path, "3")) as (mitm, download):
        grown(tmp_path / "got")
        start, had = time.monotonic(), (tmp_path / "got").stat().st_size
        tlsight("bypass", "remove", HOST, *store)
        ended(download)
        assert time.monotonic() - start >= 3  # its grace, in which it goes on
        assert (tmp_path / "got").stat().st_size > had
        assert any("long.test is cut" in line for line in mitm.lines)
    with BypassStore(tmp_path / "b.sqlite3", clock.now, read_only=True) as opened:
        use = opened.traffic.uses()[HOST]
    assert use.connections == 1
    assert use.down > (tmp_path / "got").stat().st_size


@pytest.mark.parametrize(
    "change",
    [
        ("add", HOST, *ABOUT, "--expires", "90d", "--client", "127.0.0.0/8", "--action", "block"),
        ("add", HOST, *ABOUT, "--expires", "90d", "--client", "127.0.0.0/8", "--action", "inspect"),
        ("expire", HOST),
    ],
)
def test_a_download_is_cut_when_another_rule_decides_or_its_own_is_ended(
    change: tuple[str, ...], tlsight: Run, tmp_path: Path
) -> None:
    with running(world(tmp_path, "0")) as (_, download):
        grown(tmp_path / "got")
        done = tlsight("bypass", *change, "--store", tmp_path / "b.sqlite3")
        assert done.returncode == 0, done.stderr
        ended(download)


def test_a_download_is_cut_at_the_moment_at_which_its_rule_ends(tmp_path: Path) -> None:
    with running(world(tmp_path, "0")) as (_, download):
        grown(tmp_path / "got")
        end = clock.now() + timedelta(seconds=5)
        with BypassStore(tmp_path / "b.sqlite3", clock.now) as store:
            store.renew_rule(HOST, end, "not for long")
        ended(download)
        assert clock.now() >= end


def test_with_never_a_download_outlives_its_rule(tlsight: Run, tmp_path: Path) -> None:
    with running(world(tmp_path, "never")) as (_, download):
        grown(tmp_path / "got")
        tlsight("bypass", "remove", HOST, "--store", tmp_path / "b.sqlite3")
        time.sleep(3)
        grown(tmp_path / "got")
        assert download.returncode is None
