"""Lines of what is done: their forms, and what never stands in them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from detector.logged import bare_url

ROOT = Path(__file__).parents[1]


def told(form: str | None, call: str, level: str = "debug") -> str:
    """What a program that uses us finds on stderr."""
    configured = f"configure({level!r}, {form!r})" if form else ""
    text = f"from detector.logged import Log, configure\nlog = Log('detector.net.probe')\n{configured}\n{call}"
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stderr


def test_a_program_that_uses_us_sees_nothing_unless_it_asks() -> None:
    assert told(None, "log.info('failed', cause='x')") == ""


def test_text_is_one_line_with_what_belongs_to_the_event() -> None:
    line = told(
        "text", "log.info('failed', target='a.example:443', why='no answer', ms=1.5, ip=None)"
    )
    assert line.endswith(' info    net.probe: failed target=a.example:443 why="no answer" ms=1.5\n')


def test_json_keeps_numbers_and_leaves_out_what_is_not_known() -> None:
    found = json.loads(told("json", "log.info('failed', ms=1.5, ip=None)"))
    assert (found["level"], found["room"], found["event"]) == ("info", "net.probe", "failed")
    assert found["ms"] == 1.5
    assert "ip" not in found


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_peers_text_steers_no_terminal_and_begins_no_line(form: str) -> None:
    line = told(form, r"log.info('failed', why='a\x1b[2J\nb')")
    assert "\x1b" not in line
    assert line.count("\n") == 1


def test_what_is_below_the_level_is_not_told() -> None:
    assert told("text", "log.debug('dials')", level="info") == ""


def test_configured_again_each_line_comes_once() -> None:
    assert told("text", "configure('info', 'text'); log.info('x')").count("\n") == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@a.example/x?token=1#y", "https://a.example/x"),
        ("http://[::1/", "a URL that cannot be read"),
        ("https://a.example:8443/", "https://a.example:8443/"),
    ],
)
def test_a_url_is_told_without_what_may_be_secret(url: str, shown: str) -> None:
    assert bare_url(url) == shown
