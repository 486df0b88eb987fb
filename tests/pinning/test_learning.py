"""Pins get into a file without spoiling it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from detector.errors import ConfigError
from detector.evidence.examination import Examination
from detector.knowledge.pins import curl_digest, load_pins
from detector.known.knowledge import Knowledge, Pin
from detector.lab.pki import LabPki
from detector.pinning.learning import learned_pin, with_pin
from tests.conftest import Observe

OLD = "sha256//" + "A" * 43 + "="


@pytest.fixture
def pin(pki: LabPki, known: Knowledge, observe: Observe) -> Pin:
    seen = Examination(observe("a.com", pki.issue("a.com")), known)
    return learned_pin(seen, "leaf", note="why", expires=date(2027, 6, 30))


def test_a_learned_pin_reads_back_as_it_was(pin: Pin, tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(with_pin("", pin, curl_digest))
    assert load_pins(path) == (pin,)


def test_comments_order_and_other_pins_stay(pin: Pin, tmp_path: Path) -> None:
    before = (
        f'# our banks\n\n[[pin]]\nhost = "bank.example"  # first\nspki = ["{OLD}"]\n\n'
        f'[[pin]]\nhost = "a.com"\nspki = ["{OLD}"]\nbackup = ["{OLD}"]\nowners = ["Owner"]\n'
        'note = "ours"\n\n# the end\n[[pin]]\nhost = "z.com"\n'
        f'spki = ["{OLD}"]\n'
    )
    path = tmp_path / "pins.toml"
    path.write_text(with_pin(before, Pin(pin.host, pin.spki, learned=pin.learned), curl_digest))
    first, second, third = load_pins(path)
    assert (first.host.text, third.host.text) == ("bank.example", "z.com")
    assert (second.spki, second.backup, second.owners) == (pin.spki, ("00" * 32,), ("Owner",))
    assert (second.note, second.learned) == ("ours", pin.learned)
    text = path.read_text()
    for comment in ("# our banks", "# first", "# the end"):
        assert comment in text


def test_learning_again_changes_only_what_was_learned(pin: Pin) -> None:
    once = with_pin("", pin, curl_digest)
    assert with_pin(once, pin, curl_digest) == once


@pytest.mark.parametrize(
    "note", ["a\u202eb", "\x1b[31m", 'say "hi" \\ now', "two\nlines", "zero\u200bwidth", "täglich"]
)
def test_nothing_invisible_gets_into_the_file_and_reads_back_all_the_same(
    pin: Pin, note: str, tmp_path: Path
) -> None:
    assert pin.learned is not None
    hostile = replace(pin, note=note, learned=replace(pin.learned, issuer_name=note))
    path = tmp_path / "pins.toml"
    path.write_text(with_pin("", hostile, curl_digest), encoding="utf-8")
    assert all(line.isprintable() for line in path.read_text(encoding="utf-8").splitlines())
    assert load_pins(path) == (hostile,)


def test_a_note_of_bytes_that_are_no_text_is_kept_as_far_as_it_is(pin: Pin, tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(with_pin("", replace(pin, note="a\udcffb"), curl_digest), encoding="utf-8")
    assert load_pins(path)[0].note == "a?b"


def test_each_port_of_a_host_has_its_pin(pin: Pin, tmp_path: Path) -> None:
    other = Pin(pin.host, ("ab" * 32,), learned=pin.learned, port=8443)
    path = tmp_path / "pins.toml"
    path.write_text(with_pin(with_pin("", pin, curl_digest), other, curl_digest))
    assert [(p.port, p.spki) for p in load_pins(path)] == [(443, pin.spki), (8443, other.spki)]


def test_a_pin_without_port_is_learned_again_as_https_only(pin: Pin, tmp_path: Path) -> None:
    before = f'[[pin]]\nhost = "a.com"\nspki = ["{OLD}"]\n'
    path = tmp_path / "pins.toml"
    path.write_text(with_pin(before, pin, curl_digest))
    assert [(p.port, p.spki) for p in load_pins(path)] == [(None, pin.spki)]
    other = Pin(pin.host, ("ab" * 32,), learned=pin.learned, port=8443)
    path.write_text(with_pin(before, other, curl_digest))
    assert [(p.port, p.spki) for p in load_pins(path)] == [(None, ("00" * 32,)), (8443, other.spki)]


def test_a_learned_key_is_no_backup_any_more(pin: Pin) -> None:
    text = f'[[pin]]\nhost = "a.com"\nspki = []\nbackup = ["{curl_digest(pin.spki[0])}"]\n'
    assert "backup = []" in with_pin(text, pin, curl_digest)


@pytest.mark.parametrize("text", ["[[pin]\n", 'pin = "x"\n'])
def test_a_broken_file_is_refused(pin: Pin, text: str) -> None:
    with pytest.raises(ConfigError):
        with_pin(text, pin, curl_digest)


def test_an_issuer_that_was_not_sent_cannot_be_pinned(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    bare = Examination(observe("a.com", [pki.issue("a.com").der]), known)
    with pytest.raises(ConfigError, match="the issuer was not sent"):
        learned_pin(bare, "issuer")
