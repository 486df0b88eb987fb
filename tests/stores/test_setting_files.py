"""Which files patterns lead to."""

from __future__ import annotations

import os
from pathlib import Path

from detector.stores.setting_files import Places


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


def test_patterns_begin_at_home_root_project_and_variable(tmp_path: Path) -> None:
    home, project = tmp_path / "home/a", tmp_path / "home/a/p/q"
    wanted = [
        made(home / ".x"), made(tmp_path / "etc/x.d/1.conf"), made(tmp_path / "etc/x.d/2.conf"),
        made(project / "x"), made(home / "p/.up/x"), made(tmp_path / "one"), made(tmp_path / "two"),
    ]  # fmt: skip
    named = os.pathsep.join((str(tmp_path / "one"), "relative", str(tmp_path / "two")))
    places = Places(tmp_path, (home,), {"NAMED": named}, project)
    patterns = ("~/.x", "/etc/x.d/*.conf", "./x", "^/.up/x", "$NAMED", "$UNSET/x", "~/.x")
    assert [file.path for file in places.files(patterns)] == wanted


def test_without_a_project_its_files_count_nothing(tmp_path: Path) -> None:
    made(tmp_path / "x")
    assert [*Places(tmp_path, (), {}).files(("./x", "^/x"))] == []


def test_a_pattern_sees_what_a_link_means_in_the_image(tmp_path: Path) -> None:
    outside = made(tmp_path / "outside/a.conf")
    image = tmp_path / "image"
    (image / "etc").mkdir(parents=True)
    (image / "etc/x.d").symlink_to(outside.parent)
    assert [*Places(image, (), {}).files(("/etc/x.d/*.conf",))] == []
