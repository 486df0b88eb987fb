"""Events in a file: whole lines whatever happens, rotation, and no way through somebody's link."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from detector.agent.sinks import Sink, SinkError, Surroundings
from detector.agent.sinks.file import Settings, open_sink
from detector.errors import ConfigError
from detector.report.event_json import EventRecord, decode_event
from tests.agent.sample_events import NOON, finding, heartbeat


def opened(path: Path, **more: object) -> Sink:
    around = Surroundings("d" * 32, path.parent, lambda: NOON, print)
    return open_sink(Settings(path=str(path), **more), around)  # type: ignore[arg-type]


def send(sink: Sink, *events: EventRecord) -> None:
    asyncio.run(sink.send(events))


def numbers(path: Path) -> list[int]:
    return [int(decode_event(line).id, 16) for line in path.read_bytes().splitlines()]


def test_each_event_is_a_line_in_a_private_file(tmp_path: Path) -> None:
    sink = opened(path := tmp_path / "events")
    before = os.umask(0)
    try:
        send(sink, finding(1), heartbeat(2))
    finally:
        os.umask(before)
    send(sink, finding(3))
    assert numbers(path) == [1, 2, 3]
    assert path.stat().st_mode & 0o777 == 0o600
    assert decode_event(path.read_bytes().splitlines()[0]) == finding(1)


def test_the_group_may_read_where_the_settings_say_so(tmp_path: Path) -> None:
    send(opened(path := tmp_path / "events", mode="0640"), heartbeat(1))
    assert path.stat().st_mode & 0o777 == 0o640


def test_it_is_rotated_by_size_and_the_oldest_goes(tmp_path: Path) -> None:
    sink = opened(path := tmp_path / "events", size=1024, count=2)
    for number in range(1, 12):
        send(sink, heartbeat(number))
    found = [numbers(each) for each in (tmp_path / "events.2", tmp_path / "events.1", path)]
    assert [n for each in found for n in each] == list(range(12 - sum(map(len, found)), 12))
    assert all(found)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["events", "events.1", "events.2"]
    assert all(one.stat().st_size <= 1024 for one in tmp_path.iterdir())


def test_a_kill_in_the_middle_of_a_rotation_loses_no_line(tmp_path: Path) -> None:
    sink = opened(path := tmp_path / "events", size=1024, count=4)
    for number in range(1, 6):
        send(sink, heartbeat(number))
    path.rename(tmp_path / "events.3")  # events.1 is missing: killed between two renames
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    for number in range(6, 10):
        send(sink, heartbeat(number))
    whole = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert all(data in whole for data in before.values())
    assert sorted(int(decode_event(x).id, 16) for x in whole.splitlines()) == list(range(1, 10))


def test_no_rotation_of_our_own_leaves_it_to_logrotate_which_may_move_it_at_any_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "events"
    sink = opened(path, size=1024, count=0)
    send(sink, *map(heartbeat, range(1, 9)))
    (tmp_path / "conf").write_text(f"{path} {{\n  rotate 3\n  nocreate\n  su root root\n}}\n")
    (tmp_path / "conf").chmod(0o600)
    program = shutil.which("logrotate") or "/usr/sbin/logrotate"
    state = str(tmp_path / "state")
    subprocess.run([program, "-f", "-s", state, str(tmp_path / "conf")], check=True)
    send(sink, heartbeat(9))
    assert numbers(tmp_path / "events.1") == list(range(1, 9))
    assert numbers(path) == [9]


@pytest.mark.parametrize("left", [b'{"schema":"tlsi', bytes(4096), b'{"a":"' + b"x" * 200_000])
def test_half_a_line_that_a_power_cut_left_is_cut_off(tmp_path: Path, left: bytes) -> None:
    sink = opened(path := tmp_path / "events")
    send(sink, finding(1))
    with path.open("ab") as file:
        file.write(left)
    send(sink, finding(2))
    assert numbers(path) == [1, 2]
    path.write_bytes(left)
    send(sink, finding(3))
    assert numbers(path) == [3]


def test_neither_a_link_nor_a_second_name_nor_a_pipe_is_written(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep\n")
    link = tmp_path / "link"
    link.symlink_to(victim)
    hard = tmp_path / "hard"
    hard.hardlink_to(victim)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (link, hard, pipe):
        with pytest.raises(SinkError, match=f"{path.name} cannot be written"):
            send(opened(path), finding(1))
    assert victim.read_text() == "keep\n"


def test_another_users_file_is_not_written(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.fail("run as root: another user's file is needed")
    path = tmp_path / "events"
    path.write_text("")
    os.chown(path, 1234, 1234)
    with pytest.raises(SinkError, match="belongs to another user"):
        send(opened(path), finding(1))


_FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from tests.agent.sample_events import heartbeat
from tests.agent.sinks.test_file import opened
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sink = opened(Path(sys.argv[1]))
asyncio.run(sink.send([heartbeat(1)]))
size = Path(sys.argv[1]).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))
try:
    asyncio.run(sink.send([heartbeat(2), heartbeat(3)]))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_disk_that_takes_no_more_leaves_no_half_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events"
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("SinkError")
    assert numbers(path) == [1]
    assert path.read_bytes().endswith(b"\n")


_WRITER = """
import asyncio, sys
from pathlib import Path
from tests.agent.sample_events import heartbeat
from tests.agent.sinks.test_file import opened
sink = opened(Path(sys.argv[1]), size=1024, count=900)
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 25):
    asyncio.run(sink.send([heartbeat(number)]))
"""


def test_two_agents_that_write_the_same_file_lose_no_line_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "events"
    both = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), start])
        for start in ("1000", "2000")
    ]
    assert [one.wait(60) for one in both] == [0, 0]
    found = sorted(n for each in tmp_path.iterdir() for n in numbers(each))
    assert found == [*range(1000, 1025), *range(2000, 2025)]


def test_a_lock_that_somebody_holds_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    sink = opened(path := tmp_path / "events")

    async def main() -> None:
        with path.open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await sink.send([heartbeat(1)])
            with pytest.raises(SinkError, match="has not come back"):
                await sink.send([heartbeat(1)])
        async with asyncio.timeout(10):
            while True:
                try:
                    await sink.send([heartbeat(1), heartbeat(2)])
                    return
                except SinkError:  # the write that was waited for is still on its way to the disk
                    await asyncio.sleep(0.01)

    asyncio.run(main())
    assert numbers(path) == [1, 1, 2]


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    for path, more in ((Path("events"), {}), (tmp_path / "x", {"size": 1}), (tmp_path / "x", {"count": -1})):  # fmt: skip
        with pytest.raises(ConfigError):
            opened(path, **more)
