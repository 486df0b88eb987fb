"""The child's own words: JSON lines in and out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import detector.net.pac_child as child

SCRIPT = (
    "function FindProxyForURL(url, host) { if (host == 'bad') throw 'x'; return url + ' ' + host; }"
)


def spoken(*lines: object) -> list[dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-P", str(Path(child.__file__))],
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_script_is_taken_and_each_question_answered() -> None:
    assert spoken(SCRIPT, ["https://a/", "a"], ["https://bad/", "bad"], ["https://b/", "b"]) == [
        {"answer": ""},
        {"answer": "https://a/ a"},
        {"error": "x"},
        {"answer": "https://b/ b"},
    ]


def test_an_answer_is_cut_and_nothing_is_an_empty_one() -> None:
    long = "function FindProxyForURL(u, h) { return h == 'n' ? null : new Array(9000).join('x'); }"
    _, first, second = spoken(long, ["u", "n"], ["u", "h"])
    assert first == {"answer": ""}
    assert len(second["answer"]) == 4000


def test_a_script_that_is_none_is_the_last_word() -> None:
    (only,) = spoken("no script", ["u", "h"])
    assert "SyntaxError" in only["error"]
