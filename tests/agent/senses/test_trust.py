"""Which files are looked at, and what counts as a change of them."""

from __future__ import annotations

import os
from pathlib import Path

from detector.agent.senses.trust import TrustSense


def made(root: Path) -> TrustSense:
    for name in (
        "etc/ssl/certs",
        "usr/local/share/ca-certificates/corp",
        "home/u/.mozilla/firefox/x",
    ):
        (root / name).mkdir(parents=True)
    (root / "etc/ssl/certs/ca-certificates.crt").write_text("bundle")
    (root / "home/u/.mozilla/firefox/x/cert9.db").write_text("nss")
    return TrustSense({}, (root / "home/u",), root)


def test_stores_of_the_system_and_of_its_users_are_seen(tmp_path: Path) -> None:
    sense = made(tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in sense.now()}
    assert found == {"etc/ssl/certs/ca-certificates.crt", "home/u/.mozilla/firefox/x/cert9.db"}
    folders = {str(path.relative_to(tmp_path)) for path in sense.folders()}
    assert folders == {
        "etc/ssl",
        "etc/ssl/certs",
        "usr/local/share/ca-certificates",
        "home/u/.mozilla/firefox/x",
    }


def test_a_root_that_is_added_or_taken_away_is_a_change(tmp_path: Path) -> None:
    sense = made(tmp_path)
    before = sense.now()
    added = tmp_path / "usr/local/share/ca-certificates/corp/own.crt"
    added.write_text("one more")
    assert sense.now().keys() - before.keys() == {added}
    added.unlink()
    assert sense.now() == before


def test_the_same_content_written_again_is_none(tmp_path: Path) -> None:
    sense = made(tmp_path)
    before = sense.now()
    bundle = tmp_path / "etc/ssl/certs/ca-certificates.crt"
    beside = bundle.with_name("ca-certificates.new")
    beside.write_text("bundle")
    os.utime(beside, (1, 1))
    beside.rename(bundle)
    assert sense.now() == before


def test_a_pipe_or_a_circle_in_a_stores_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    sense = made(tmp_path)
    before = sense.now()
    os.mkfifo(tmp_path / "etc/ssl/certs/pipe.pem")
    (tmp_path / "etc/ssl/certs/circle.pem").symlink_to("circle.pem")
    assert sense.now() == before
