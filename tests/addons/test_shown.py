"""Nothing that somebody sent is obeyed by what shows it."""

from __future__ import annotations

import io
import json
import logging
import tomllib
import unicodedata
from datetime import date
from xml.etree import ElementTree as ET
from xml.parsers import expat
from xml.sax.saxutils import escape

import msgspec
import pytest

from addons.bypass.rule import Rule
from addons.bypass.shown import harmless_logger, shown, shown_json, shown_toml
from addons.formats.registry import FORMATS, export, read

# All of the first plane, where every kind is, and what the others have of tags, emoji and non-characters.
EVERY = "".join(
    map(
        chr,
        (*range(0x10000), *range(0x1F300, 0x1F700), *range(0xE0000, 0xE0200), 0x1FFFE, 0x10FFFF),
    )
)
HOSTILE = "a\x1b[2Jb\nc\x00d\x9b31me\u202ef\u2066g\u2028h\u200bi\x7fj\ufffek"


def test_text_of_any_kind_becomes_one_line_that_is_only_looked_at() -> None:
    assert shown("Grüße, 日本 €") == "Grüße, 日本 €"
    assert (
        shown(HOSTILE)
        == "a\ufffd[2Jb\ufffdc\ufffdd\ufffd31me\ufffdf\ufffdg\ufffdh\ufffdi\ufffdj\ufffdk"
    )


def test_no_character_of_control_or_format_passes() -> None:
    kept = set(shown(EVERY))
    assert not {c for c in kept if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert {c for c in EVERY if unicodedata.category(c)[0] in "LNP"} <= kept


def test_whatever_is_shown_is_allowed_in_xml() -> None:
    parser = expat.ParserCreate()
    parser.Parse(f"<a>{escape(shown(EVERY))}</a>".encode(), True)


def test_json_says_the_same_and_holds_nothing_to_obey() -> None:
    for text in (HOSTILE, "plain", "Grüße", "\U000e0001\U0001f600"):
        encoded = msgspec.json.encode({"reason": text})
        escaped = shown_json(encoded)
        assert json.loads(escaped) == {"reason": text}
        assert escaped.decode().isprintable()
    assert b"\xc3\xbc" in shown_json(msgspec.json.encode("ü"))


def test_toml_says_the_same_and_holds_nothing_to_obey() -> None:
    written = shown_toml('reason = "a\x9bb\u202ec\U000e0001 ü"\n')
    assert written[:-1].isprintable()
    assert tomllib.loads(written) == {"reason": "a\x9bb\u202ec\U000e0001 ü"}


@pytest.mark.parametrize("target", FORMATS)
def test_no_export_holds_what_a_reason_made_it_obey(target: str) -> None:
    rules = [
        Rule(host="a.example", reason=HOSTILE, owner=HOSTILE, ticket=HOSTILE),
        Rule(regex="a\x1b\nb", reason="x"),
    ]
    found = export(target, rules, date(2026, 11, 23), skip_proxy=True)
    assert all(line.isprintable() for line in found.text.split("\n")), found.text
    if target == "toml":
        back = read(target, found.text, "x").rows
        assert [one.reason for one in back] == [HOSTILE, "x"]
        assert back[1].regex == rules[1].regex
    if target == "panos":
        ET.fromstring(found.text)


@pytest.mark.parametrize("given", [("%s fell", HOSTILE), (HOSTILE,)])
def test_a_line_of_a_log_stays_one_line(given: tuple[str, ...]) -> None:
    out = io.StringIO()
    log = harmless_logger("tests.addons.shown")
    assert harmless_logger("tests.addons.shown").filters == log.filters
    handler = logging.StreamHandler(out)
    log.addHandler(handler)
    log.warning(*given)
    log.removeHandler(handler)
    assert out.getvalue()[:-1].isprintable()
    assert out.getvalue().count("\n") == 1
