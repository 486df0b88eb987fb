"""Remarks on a policy that can be read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from detector.knowledge.policy import policy_schema, read_policy
from detector.knowledge.policy_lint import lint
from detector.knowledge.shipped import published_keys

TODAY = date(2026, 11, 23)
ONE, TWO = "1" * 64, "2" * 64
SUPERFISH = "4bb8f35ba1e126f8dde1b0c420625ed86dce61a7bddadbdea9aba578ff13145e"
GOOD = f"""
internal = [".corp.example.com", "intranet"]
[[private]]
spki = "{ONE}"
names = [".example.com"]
expires = 2027-06-30
[[sanctioned]]
name = "Gateway"
spki = "{TWO}"
ca_name = "Corp Proxy CA"
owner = "network team"
decrypt = ["*"]
never = [".bank.example"]
expires = 2027-06-30
"""


def remarks(tmp_path: Path, text: str) -> dict[str, tuple[str, int | None]]:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    policy, lines = read_policy(path)
    found = lint(policy, published_keys(), TODAY, lines)
    return {remark.id: (remark.level, remark.line) for remark in found}


def test_a_good_policy_gets_no_remark(tmp_path: Path) -> None:
    assert remarks(tmp_path, GOOD) == {}


@pytest.mark.parametrize(
    ("old", "new", "expected", "level"),
    [
        (TWO, SUPERFISH, "published-key", "error"),
        (TWO, ONE, "key-twice", "warning"),
        ('["*"]\nnever = [".bank.example"]\nexpires = 2027-06-30',
         '["*"]\nnever = [".bank.example"]\nexpires = 2026-11-22', "expired", "error"),
        ('["*"]\nnever = [".bank.example"]\nexpires = 2027-06-30',
         '["*"]\nnever = [".bank.example"]\nexpires = 2026-12-01', "ends-soon", "warning"),
        ('[".bank.example"]\nexpires = 2027-06-30', '[".bank.example"]', "no-expiry", "note"),
        ('never = [".bank.example"]', "", "decrypts-everything", "warning"),
        ('decrypt = ["*"]', "decrypt = []", "decrypts-nothing", "warning"),
        ('decrypt = ["*"]', 'decrypt = ["*", "x.bank.example"]', "dead-pattern", "warning"),
        ('decrypt = ["*"]', 'decrypt = [".shop.example"]', "dead-pattern", "note"),
        ('owner = "network team"', "", "no-owner", "note"),
        ('ca_name = "Corp Proxy CA"', "", "no-ca-name", "note"),
        ('decrypt = ["*"]', 'decrypt = ["*", ".co.uk"]', "public-suffix", "warning"),
        ('decrypt = ["*"]', 'decrypt = ["*", ".com"]', "public-suffix", "warning"),
        ('names = [".example.com"]', 'names = ["*.org"]', "public-suffix", "warning"),
    ],
)  # fmt: skip
def test_each_weakness_gets_its_remark(
    tmp_path: Path, old: str, new: str, expected: str, level: str
) -> None:
    assert old in GOOD
    found = remarks(tmp_path, GOOD.replace(old, new))
    assert found[expected][0] == level


def test_an_internal_top_level_domain_is_nobody_elses(tmp_path: Path) -> None:
    assert remarks(tmp_path, GOOD.replace('"intranet"', '".corp", ".internal"')) == {}


def test_a_remark_names_the_line_of_its_entry(tmp_path: Path) -> None:
    assert remarks(tmp_path, GOOD.replace(TWO, SUPERFISH))["published-key"] == ("error", 7)


def test_the_schema_names_every_setting() -> None:
    text = str(policy_schema())
    for name in ("internal", "private", "sanctioned", "ca_name", "never", "expires", "owner"):
        assert f"'{name}'" in text
