"""A command runs as without us; what it says is kept for when it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.runs.watch import Watched, watch

ERROR = "curl: (60) SSL certificate problem: certificate has expired"


def run(tmp_path: Path, *command: str) -> tuple[Watched, bytes, bytes]:
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("wb") as one, err.open("wb") as two:
        done = watch(command, one.fileno(), two.fileno())
    return done, out.read_bytes(), err.read_bytes()


def test_output_passes_unchanged_and_the_code_is_the_commands(tmp_path: Path) -> None:
    script = "printf 'a\\0\\377\\r\\nb'; printf 'c\\n' >&2; exit 7"
    done, out, err = run(tmp_path, "sh", "-c", script)
    assert (done.code, out, err) == (7, b"a\0\xff\r\nb", b"c\n")


def test_both_streams_are_kept_line_by_line(tmp_path: Path) -> None:
    done, _, _ = run(tmp_path, "sh", "-c", f"echo first; echo '{ERROR}' >&2; false")
    assert {line.text for line in done.lines} == {"first", ERROR}


def test_much_output_is_no_trouble(tmp_path: Path) -> None:
    script = f"import sys\nfor n in range(40000): print('line', n)\nprint('{ERROR}', file=sys.stderr); sys.exit(1)"
    done, out, _ = run(tmp_path, sys.executable, "-c", script)
    assert out.count(b"\n") == 40000
    assert any(line.text == ERROR for line in done.lines)
    assert len(done.lines) < 5000


def test_a_signal_is_told_as_shells_do(tmp_path: Path) -> None:
    done, _, _ = run(tmp_path, "sh", "-c", "kill -TERM $$")
    assert done.code == 128 + signal.SIGTERM


def test_a_command_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        run(tmp_path, str(tmp_path / "nothing"))


def test_a_grandchild_that_keeps_the_stream_is_not_waited_for(tmp_path: Path) -> None:
    begun = time.monotonic()
    done, _, _ = run(tmp_path, "sh", "-c", "sleep 60 & echo $!; exit 3")
    assert done.code == 3
    assert time.monotonic() - begun < 30
    os.kill(int((tmp_path / "out").read_text()), signal.SIGTERM)


def test_what_would_end_us_ends_the_command(tmp_path: Path) -> None:
    code = (
        "import sys; from detector.runs.watch import watch;"
        "sys.exit(watch(['sh', '-c', 'echo ready; exec sleep 60']).code)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 128 + signal.SIGTERM


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals of that kind")
def test_a_command_gets_a_terminal_where_we_have_one() -> None:
    import pty

    ours, theirs = pty.openpty()
    try:
        with open(os.devnull, "wb") as nothing:  # noqa: PTH123 (no path)
            done = watch(["sh", "-c", "test -t 1 && ! test -t 2"], theirs, nothing.fileno())
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.code == 0
