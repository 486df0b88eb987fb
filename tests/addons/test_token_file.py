"""Files with the tokens of pages that run beside each other."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from addons.review.server import start
from addons.review.token_file import placed_token
from detector.errors import StoreError


def test_two_pages_in_one_folder_keep_their_own_tokens_and_take_them_along(tmp_path: Path) -> None:
    store = tmp_path / "b.sqlite3"
    first, stop_first = start(store, "127.0.0.1:0")
    second, stop_second = start(store, "127.0.0.1:0")
    assert first.secret_file is not None
    assert second.secret_file is not None
    assert first.secret_file != second.secret_file
    assert first.secret_file.read_text() != second.secret_file.read_text()
    assert first.metrics_file == second.metrics_file
    stop_first()
    assert not first.secret_file.exists()
    assert second.secret_file.exists()
    stop_second()
    assert not second.secret_file.exists()


def test_pages_that_count_ports_for_themselves_take_another_name(tmp_path: Path) -> None:
    """As containers with one volume do."""
    first, leave_first = placed_token(tmp_path, 8090, "one")
    second, leave_second = placed_token(tmp_path, 8090, "two")
    assert (first.name, second.name) == ("review-token-8090", "review-token-8090-2")
    assert (first.read_text(), second.read_text()) == ("one\n", "two\n")
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    leave_first()
    third, leave_third = placed_token(tmp_path, 8090, "three")
    assert third == first
    leave_second()
    leave_third()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_page_left_is_used_again_and_what_is_planted_is_not(tmp_path: Path) -> None:
    left = tmp_path / "review-token-1"
    left.write_text("of old, and longer than the other\n")
    left.chmod(0o644)
    path, leave = placed_token(tmp_path, 1, "fresh")
    assert (path, left.read_text(), stat.S_IMODE(left.stat().st_mode)) == (left, "fresh\n", 0o600)
    leave()
    target = tmp_path / "elsewhere"
    target.write_text("mine")
    (tmp_path / "review-token-2").symlink_to(target)
    (tmp_path / "review-token-2-2").hardlink_to(target)
    (tmp_path / "review-token-2-3").mkdir()
    path, leave = placed_token(tmp_path, 2, "fresh")
    assert (path.name, target.read_text()) == ("review-token-2-4", "mine")
    leave()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        placed_token(tmp_path / "file", 3, "x")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_page_that_is_told_to_end_leaves_no_token(tmp_path: Path, by: signal.Signals) -> None:
    words = ("bypass", "serve", "--listen", "127.0.0.1:0", "--store", str(tmp_path / "b.sqlite3"))
    process = subprocess.Popen(
        [sys.executable, "-m", "detector", *words], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(3)]
        assert "review page: http://127.0.0.1:" in said[0]
        assert [p.name for p in tmp_path.glob("review-token-*")] != []
        process.send_signal(by)
        process.wait(20)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]
    assert list(tmp_path.glob("review-token-*")) == []
