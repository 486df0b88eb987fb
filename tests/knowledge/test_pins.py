from datetime import date
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.pins import curl_digest, load_pins, parse_pin
from detector.known.hosts import HostPattern
from detector.known.knowledge import Pin

KEY = "sha256//" + "A" * 43 + "="
ZERO = "00" * 32


def test_a_pin_of_the_command_line_takes_several_keys() -> None:
    found = parse_pin(f"Example.COM={KEY},{'ab' * 32}")
    assert found == Pin(HostPattern("example.com"), (ZERO, "ab" * 32))


@pytest.mark.parametrize(
    ("place", "host", "port"),
    [("a.com", "a.com", None), (".a.com:8443", ".a.com", 8443), ("[::1]:993", "::1", 993)],
)
def test_a_pin_of_the_command_line_may_name_a_port(place: str, host: str, port: int | None) -> None:
    assert parse_pin(f"{place}={KEY}") == Pin(HostPattern(host), (ZERO,), port=port)


@pytest.mark.parametrize(
    "text",
    [
        "a.com:0=" + KEY,
        "a.com:65536=" + KEY,
        "",
        "a.com",
        "a.com=",
        "=x",
        "a.com=sha1//AAAA",
        "a b=" + KEY,
    ],
)
def test_what_is_no_pin_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_pin(text)


def test_a_pin_file_holds_hosts_suffixes_and_expiry(tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(
        f'[[pin]]\nhost = ".bücher.example"\nspki = ["{KEY}"]\nexpires = 2027-01-31\nnote = "x"\n'
    )
    assert load_pins(path) == (
        Pin(HostPattern(".xn--bcher-kva.example"), (ZERO,), date(2027, 1, 31), "x"),
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[[pin]]\nhost = "a.com"\nspki = []\n', ":1: a.com: a pin needs at least one key"),
        ('[[pin]]\nhost = "a.com"\nspki = ["x"]\n', ":1: 'x' is no key digest"),
        ('[[pin]]\nhost = "a b"\nspki = ["' + KEY + '"]\n', "is no host name"),
        (f'[[pin]]\nhost = "a.com"\nport = 0\nspki = ["{KEY}"]\n', ":1: .*`int` >= 1"),
        (f'[[pin]]\nhost = "a.com"\nport = "x"\nspki = ["{KEY}"]\n', ":1: .*`int | null`"),
        ('[[pins]]\nhost = "a.com"\n', "unknown table or key 'pins'"),
        ('[[pin]]\nhost = "a.com"\nspki = ["' + KEY + '"]\nhots = 1\n', "unknown field `hots`"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why):
        load_pins(path)


def test_a_pin_may_name_backups_issuers_and_owners(tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    path.write_text(
        f"""
[[pin]]
host = "a.com"
backup = ["{KEY}"]
issuers = ["{"ab" * 32}"]
owners = ["Let's Encrypt"]
[pin.learned]
at = 2026-11-23T09:00:00
leaf = "{KEY}"
not_after = 2027-01-01T00:00:00Z
"""
    )
    (pin,) = load_pins(path)
    assert (pin.keys, pin.issuers, pin.owners) == ((ZERO,), ("ab" * 32,), ("Let's Encrypt",))
    assert pin.learned is not None
    assert (pin.learned.leaf, pin.learned.issuer) == (ZERO, None)
    assert pin.learned.at.tzinfo is not None


def test_a_pin_of_a_file_is_for_one_port_or_for_all(tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    row = f'[[pin]]\nhost = "a.com"\nspki = ["{KEY}"]\n'
    path.write_text(f"{row}port = 8443\n{row}")
    assert [(pin.port, pin.place) for pin in load_pins(path)] == [
        (8443, "a.com:8443"), (None, "a.com"),
    ]  # fmt: skip


def test_a_digest_is_written_as_curl_writes_it() -> None:
    assert curl_digest(ZERO) == KEY
