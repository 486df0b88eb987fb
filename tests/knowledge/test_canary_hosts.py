"""The list that an agent draws canaries from: who owns what, and that its evidence verifies."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from detector.chain.certificate import Certificate
from detector.chain.sct import SctResult, check_scts
from detector.errors import ConfigError
from detector.knowledge import shipped
from detector.known.canaries import CanaryHost

EVIDENCE = Path(__file__).parents[1] / "data/canary_evidence.ndjson"
CHECKED = [row for row in shipped.canary_hosts() if row.checked]


class Kept(msgspec.Struct, forbid_unknown_fields=True):
    """A line of the evidence; `issuer` is all that an SCT asks of one."""

    host: str
    issuer: str
    leaf: str


class Key(msgspec.Struct):
    spki_sha256: str


KEPT = {one.host: one for one in msgspec.json.Decoder(Kept).decode_lines(EVIDENCE.read_bytes())}


def test_there_are_several_hundred_hosts_and_each_has_an_owner_of_its_own() -> None:
    rows = shipped.canary_hosts()
    assert len(rows) >= 300
    assert (
        len({row.owner.casefold() for row in rows}) == len({row.host for row in rows}) == len(rows)
    )


def test_owners_sit_in_many_regions_and_most_of_them_not_in_one() -> None:
    regions = Counter(row.region for row in shipped.canary_hosts())
    assert len(regions) >= 40
    assert regions.most_common(1)[0][1] < len(shipped.canary_hosts()) / 2


def test_the_dozen_of_check_are_among_them() -> None:
    assert set(shipped.canaries()) <= {row.host for row in shipped.canary_hosts()}


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: row.host)
def test_evidence_verifies_an_sct_over_a_leaf_with_exactly_this_name(row: CanaryHost) -> None:
    kept = KEPT[row.host]
    leaf = Certificate(base64.b64decode(kept.leaf))
    assert row.host in leaf.dns_names
    assert row.evidence is not None
    assert row.evidence.leaf == sha256(leaf.der).hexdigest()
    valid = [one for one in scts(leaf, kept.issuer) if one.status == "valid"]
    told = [one for one in valid if one.sct.log_id.hex() == row.evidence.log]
    assert row.evidence.at in [one.sct.timestamp.replace(microsecond=0) for one in told]


def test_evidence_of_another_issuer_or_a_changed_leaf_does_not_verify() -> None:
    kept = KEPT["github.com"]
    leaf = Certificate(base64.b64decode(kept.leaf))
    assert not [one for one in scts(leaf, "00" * 32) if one.status == "valid"]
    changed = leaf.der.replace(b"github.com", b"githuv.com")
    assert not [one for one in scts(Certificate(changed), kept.issuer) if one.status == "valid"]


def test_no_evidence_lies_about_that_no_row_names() -> None:
    assert set(KEPT) == {row.host for row in CHECKED}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        path = tmp_path / "canary_hosts.toml"
        path.write_text(text)
        return path

    return written


ROW = '[[canary]]\nhost = "a.example"\nowner = "A"\nregion = "US"\nchecked = false\n'
EVIDENT = (
    '[[canary]]\nhost = "b.example"\nowner = "B"\nregion = "int"\nchecked = true\n[canary.evidence]\n'
    f'log = "{"a" * 64}"\nat = 2026-01-02T03:04:05Z\nleaf = "{"b" * 64}"\n'
)


def test_a_table_of_ones_own_is_read(write: Callable[[str], Path]) -> None:
    one, two = shipped.load_canary_hosts(write(ROW + EVIDENT))
    assert (one.host, one.owner, one.checked, one.evidence) == ("a.example", "A", False, None)
    assert two.evidence is not None
    assert two.evidence.at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (ROW + ROW.replace('"A"', '"B"'), 6, "in the table already"),
        (ROW + ROW.replace("a.example", "b.example"), 6, "in the table already"),
        (ROW.replace("a.example", "A.Example"), 1, "lower case"),
        (ROW.replace("a.example", "192.0.2.1"), 1, "full name"),
        (ROW.replace("a.example", "localhost"), 1, "full name"),
        (ROW.replace("a.example", "a b.example"), 1, "target"),
        (ROW.replace('"US"', '"USA"'), 1, "region"),
        (ROW.replace("false", "true"), 1, "evidence"),
        (EVIDENT.replace("a" * 64, "a" * 63), 1, "64"),
        (EVIDENT.replace("05Z", "05"), 1, "zone"),
        (ROW + "since = 3\n", 1, "since"),
        ("canaries = 3\n" + ROW, None, "canaries"),
        ("", 1, "no [[canary]] rows"),
    ],
)
def test_a_row_that_is_none_is_refused_with_its_line(
    write: Callable[[str], Path], text: str, line: int | None, words: str
) -> None:
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        shipped.load_canary_hosts(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.line == line


def scts(leaf: Certificate, issuer: str) -> tuple[SctResult, ...]:
    return check_scts(leaf, Key(issuer), shipped.LogsOfAllTimes(shipped.ct_logs()))
