"""Colours and lines of what is done: the same for every verb."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from tests.cli.conftest import Run

CLOSED = "127.0.0.1:1"
ESCAPE = "\x1b["


@pytest.mark.parametrize(
    ("words", "environment", "painted"),
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        (("--color", "always"), {"NO_COLOR": "1", "TERM": "dumb"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        (("--color", "auto"), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"CLICOLOR_FORCE": "1"}, True),
        ((), {"CLICOLOR_FORCE": "0"}, False),
        ((), {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        ((), {"FORCE_COLOR": "1", "TERM": "dumb"}, False),
    ],
)
def test_colours_are_as_the_option_and_the_variables_say(
    tlsight: Run, words: tuple[str, ...], environment: dict[str, str], painted: bool
) -> None:
    said = {"TERM": "xterm-256color", **environment}
    assert (ESCAPE in tlsight("check", CLOSED, *words, **said).stdout) == painted
    assert (ESCAPE in tlsight("diagnose", CLOSED, *words, **said).stdout) == painted
    assert (ESCAPE in tlsight("check", *words, "--help", **said).stdout) == painted


def test_the_option_stands_before_the_verb_too(tlsight: Run) -> None:
    assert ESCAPE in tlsight("--color", "always", "check", CLOSED, TERM="xterm").stdout
    assert (
        ESCAPE
        in tlsight("trust", "--color", "always", "why", "curl", "--help", TERM="xterm").stdout
    )


def test_another_word_is_refused(tlsight: Run) -> None:
    done = tlsight("check", "--color", "sometimes", CLOSED)
    assert done.returncode == 2
    assert "'sometimes' is not one of 'auto', 'always', 'never'" in done.stderr


def test_nothing_is_told_where_nobody_asked(tlsight: Run) -> None:
    assert tlsight("check", CLOSED).stderr == ""
    assert tlsight("check", CLOSED, "--log-level", "error").stderr == ""


def test_lines_say_what_was_dialled_and_decided(tlsight: Run) -> None:
    done = tlsight("check", CLOSED, "--log-level", "debug")
    rooms = [line.split()[2:4] for line in done.stderr.splitlines()]
    assert rooms == [["net.probe:", "dials"], ["net.probe:", "failed"], ["runs.check:", "judged"]]
    assert "target=127.0.0.1:1 step=tcp cause=connection-refused" in done.stderr
    assert done.stdout == tlsight("check", CLOSED).stdout


@pytest.mark.parametrize("where", ["option", "variable", "before the verb"])
def test_json_is_an_object_a_line(tlsight: Run, where: str) -> None:
    asked = ("--log-level", "info", "--log-format", "json")
    match where:
        case "option":
            done = tlsight("diagnose", CLOSED, *asked)
        case "variable":
            said = {"TLSIGHT_LOG_LEVEL": "info", "TLSIGHT_LOG_FORMAT": "json"}
            done = tlsight("diagnose", CLOSED, **said)
        case _:
            done = tlsight(*asked, "diagnose", CLOSED)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["failed", "concluded"]
    assert lines[1]["causes"] == "connection-refused"
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in lines)


def test_the_option_wins_over_the_variable(tlsight: Run) -> None:
    done = tlsight("check", CLOSED, "--log-level", "info", TLSIGHT_LOG_LEVEL="debug")
    assert "dials" not in done.stderr
    assert "judged" in done.stderr
    before = tlsight("--log-level", "info", "check", CLOSED, TLSIGHT_LOG_LEVEL="debug")
    assert "dials" not in before.stderr


def test_no_password_is_told(tlsight: Run) -> None:
    url = "http://me:sekret@127.0.0.1:1"
    done = tlsight("check", "example.com", "--ct-proof", "--log-level", "debug", HTTPS_PROXY=url)
    assert "proxy=127.0.0.1:1" in done.stderr
    assert "sekret" not in done.stderr + done.stdout
