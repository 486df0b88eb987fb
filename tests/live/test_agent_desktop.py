"""Notifications as a user sees them: a session bus of dbus-daemon, and dunst on a screen of Xvfb."""

from __future__ import annotations

import asyncio
import html
import json
import os
import subprocess
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from detector.agent.sinks import SinkError, Surroundings
from detector.agent.sinks.desktop import DesktopSink, Settings
from tests.agent.told import AT, HOST, check, event
from tests.live.programs import find
from tests.live.waiting import PATIENCE, until

pytestmark = pytest.mark.live
_QUIET = subprocess.DEVNULL


def bus(folder: Path, kept: ExitStack) -> dict[str, str]:
    """A session without anybody in it."""
    address = f"unix:path={folder / 'bus'}"
    _held(
        kept, [find("dbus-daemon"), "--session", "--nofork", "--nopidfile", f"--address={address}"]
    )
    until((folder / "bus").exists, "the bus")
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "DBUS_SESSION_BUS_ADDRESS": address}


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Generator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("desktop")
    with ExitStack() as kept:
        reading, writing = os.pipe()
        screen = [
            find("Xvfb"),
            "-displayfd",
            str(writing),
            "-screen",
            "0",
            "640x480x8",
            "-nolisten",
            "tcp",
        ]
        _held(kept, screen, pass_fds=(writing,))
        os.close(writing)
        with os.fdopen(reading) as number:
            display = f":{number.readline().strip()}"
        session = {**bus(folder, kept), "DISPLAY": display}
        (folder / "dunstrc").write_text(
            "[global]\nhistory_length = 200\nstack_duplicates = false\n"
        )
        _held(kept, [find("dunst"), "-config", str(folder / "dunstrc")], env=session)
        until(lambda: _dunst(session, "is-paused").returncode == 0, "dunst")
        yield session


def _held(kept: ExitStack, command: list[str], **more: Any) -> None:
    started = subprocess.Popen(command, stdout=_QUIET, stderr=_QUIET, **more)
    kept.callback(started.wait, PATIENCE)
    kept.callback(started.terminate)


def _dunst(session: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find("dunstctl"), *words],
        env=dict(session),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


_put_away: set[int] = set()


def shown(session: Mapping[str, str]) -> list[tuple[str, str]]:
    """Title and body of all that stands on the screen, the last one first; it is put away."""
    _dunst(session, "close-all")
    (every,) = json.loads(_dunst(session, "history").stdout)["data"]
    found = [one for one in every if one["id"]["data"] not in _put_away]
    _put_away.update(one["id"]["data"] for one in found)
    return [(one["summary"]["data"], one["body"]["data"]) for one in found]


def sink(session: Mapping[str, str], **settings: object) -> DesktopSink:
    around = Surroundings("d" * 32, Path("/nowhere"), lambda: AT, print)
    return DesktopSink(Settings(**settings), around, session)  # type: ignore[arg-type]


def test_a_finding_is_shown_with_who_and_where_and_its_end_takes_its_place(
    desktop: dict[str, str],
) -> None:
    async def told() -> None:
        one = sink(desktop)
        await one.send([event()])
        await one.send([event("changed", seen=check(product="Zscaler"))])

    asyncio.run(told())
    ((title, body),) = shown(desktop)
    assert title == "Your encrypted connections are being read"
    assert "Zscaler" in body
    assert HOST in body

    async def ended() -> None:
        one = sink(desktop)
        await one.send([event()])
        await one.send([event("closed")])

    asyncio.run(ended())
    assert [title for title, _ in shown(desktop)] == ["It is over"]


def test_many_at_once_are_a_few_and_one_line(desktop: dict[str, str]) -> None:
    many = [event(name=f"{number:032x}") for number in range(40)]
    asyncio.run(sink(desktop, an_hour=3).send(many))
    found = shown(desktop)
    assert len(found) == 4
    assert ("tlsight has more to tell", "37 more findings; see tlsight agent events.") in found


def test_an_hour_later_there_is_room_again(desktop: dict[str, str]) -> None:
    now = [AT]
    one = DesktopSink(
        Settings(an_hour=1), Surroundings("d" * 32, Path("/"), lambda: now[0], print), desktop
    )

    async def told() -> None:
        await one.send([event(name="1" * 32)])
        now[0] += timedelta(hours=2)
        await one.send([replace(event(name="2" * 32), at=now[0])])

    asyncio.run(told())
    assert [title for title, _ in shown(desktop)] == [
        "Your encrypted connections are being read"
    ] * 2


def test_a_name_with_markup_in_it_is_shown_as_text(desktop: dict[str, str]) -> None:
    asyncio.run(sink(desktop).send([event(seen=check(issuer="CN=<b>x</b> & <img src='y'>"))]))
    ((_, body),) = shown(desktop)
    assert "CN=<b>x</b>" not in body
    assert "CN=<b>x</b> & <img src='y'>" in html.unescape(html.unescape(body))


def test_a_session_where_nobody_shows_notifications_keeps_them_for_later(tmp_path: Path) -> None:
    with ExitStack() as kept:
        empty = bus(tmp_path, kept)
        with pytest.raises(SinkError, match=r"desktop: org\.freedesktop\.Notifications: refuses"):
            asyncio.run(sink(empty).send([event()]))
    with pytest.raises(SinkError, match="no session bus"):
        asyncio.run(sink(empty).send([event()]))
    with pytest.raises(SinkError, match="no session bus"):
        asyncio.run(sink({"DBUS_SESSION_BUS_ADDRESS": "nonsense"}).send([event()]))
