"""Tools that read the clipboard, as they behave and misbehave: programs of this test in their place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.runs.clipboard import MOST, clipboard

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have one tool")


def tools(folder: Path, **scripts: str) -> dict[str, str]:
    for name, script in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "DISPLAY": ":7"}


def test_the_first_tool_that_gives_text_counts(tmp_path: Path) -> None:
    found = tools(tmp_path, xclip="exit 1", xsel="echo copied")
    assert clipboard(found) == b"copied\n"


def test_a_tool_is_given_its_desktop(tmp_path: Path) -> None:
    found = tools(tmp_path, wl_paste='echo "$WAYLAND_DISPLAY $DISPLAY"', xclip="echo no")
    assert clipboard(found | {"WAYLAND_DISPLAY": "wayland-3"}) == b"wayland-3 :7\n"


def test_a_tool_that_prints_for_ever_is_cut(tmp_path: Path) -> None:
    assert len(clipboard(tools(tmp_path, xclip="exec yes"))) == MOST


def test_nothing_on_it_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="xsel finds no text on it; install wl-clipboard"):
        clipboard(tools(tmp_path, xclip="true", xsel="true"))


def test_no_desktop_is_no_tool(tmp_path: Path) -> None:
    found = tools(tmp_path, xclip="echo copied")
    with pytest.raises(ConfigError, match="no tool that reads the clipboard is here"):
        clipboard(found | {"DISPLAY": ""})
