"""Roots of the past: each is one that a public program had, whole, and none that certifi has today."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from detector.chain.certificate import Certificate
from detector.errors import ConfigError
from detector.knowledge import past_roots as rows
from detector.knowledge.assemble import assemble
from detector.knowledge.trust_tables import root_table


def test_every_root_is_listed_and_may_serve() -> None:
    ders = rows.past_roots()
    listed = root_table()
    assert len(ders) == len(set(ders)) > 300
    for der in ders:
        root = Certificate(der)
        assert sha256(der).hexdigest() in listed
        assert root.may_serve_tls


@pytest.mark.parametrize(
    "name",
    [
        "DigiCert High Assurance EV Root CA",
        "Baltimore CyberTrust Root",
        "GTE CyberTrust Global Root",
    ],
)
def test_a_root_that_servers_never_sent_is_found_by_its_name(name: str) -> None:
    programs = assemble(local=False).programs
    assert programs is not None
    (wanted,) = {
        root.subject for root in programs.certificates if name in root.subject_fields.get("CN", ())
    }
    assert programs.named(wanted)


def test_a_damaged_file_is_one_clear_error(tmp_path: Path) -> None:
    broken = tmp_path / "past_roots.zst"
    broken.write_bytes(rows.PAST_ROOTS.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="past_roots"):
        rows.read_past_roots(broken)


def test_of_a_root_that_was_renewed_the_one_that_lasts_longest_is_tried_first() -> None:
    programs = assemble(local=False).programs
    assert programs is not None
    several = 0
    for root in programs.certificates:
        same = [one for one in programs.named(root.subject) if one.spki == root.spki]
        several += len(same) > 1
        assert same == sorted(same, key=lambda one: one.not_after, reverse=True)
    assert several > 10
