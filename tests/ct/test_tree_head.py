"""Tree heads count only with the log's own signature over exactly these values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detector.ct.tree_head import TreeHead, contradiction, is_signed, parse_checkpoint, parse_sth
from detector.errors import WireError
from detector.lab.ct_log import LabLog


@pytest.fixture(scope="module")
def log() -> LabLog:
    found = LabLog()
    found.grow(70)
    return found


def changed(log: LabLog, **values: Any) -> bytes:
    return json.dumps({**json.loads(log.sth()), **values}).encode()


def test_both_forms_of_a_head_say_the_same(log: LabLog) -> None:
    head = log.head()
    sth, note = parse_sth(log.sth(head)), parse_checkpoint(log.checkpoint(head), log.log_id)
    assert sth == note == head
    assert is_signed(sth, log.known())


@pytest.mark.parametrize(
    "values",
    [
        {"tree_size": 71},
        {"timestamp": 1},
        {"sha256_root_hash": "A" * 43 + "="},
        {"tree_head_signature": ""},
        {"tree_head_signature": "BAMAAA=="},
        {"tree_head_signature": "BAEAAA=="},
    ],
)
def test_a_changed_head_is_not_signed(log: LabLog, values: dict[str, Any]) -> None:
    assert not is_signed(parse_sth(changed(log, **values)), log.known())


def test_another_logs_signature_does_not_count(log: LabLog) -> None:
    assert not is_signed(parse_sth(log.sth()), LabLog().known())


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"\xff", b'{"tree_size": "x"}', b" " * 20_000,
    ],
)  # fmt: skip
def test_what_is_no_head_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        parse_sth(body)


@pytest.mark.parametrize("values", [{"tree_size": -1}, {"timestamp": -1}, {"tree_size": 1 << 63}])
def test_numbers_out_of_range_are_refused(log: LabLog, values: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        parse_sth(changed(log, **values))


def test_a_root_of_another_length_is_refused(log: LabLog) -> None:
    with pytest.raises(WireError, match="a root of 3 bytes"):
        parse_sth(changed(log, sha256_root_hash="AAAA"))


def test_signatures_of_witnesses_are_passed_over(log: LabLog) -> None:
    body = log.checkpoint() + "— witness.example AAAAAAAA\n".encode()
    assert is_signed(parse_checkpoint(body, log.log_id), log.known())


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"\n70\n", b"\n070\n", "the size is no number"),
        (b"\n70\n", b"\n7x\n", "the size is no number"),
        (b"\n70\n", b"\n70\nextra\n", "not three lines"),
        ("— lab".encode(), "— lob".encode(), "no signature by the log's key"),
        (b"\n\n", b"\n", "not three lines"),
        (b"lab.test", b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_bent_checkpoint_is_refused(log: LabLog, old: bytes, new: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        parse_checkpoint(log.checkpoint().replace(old, new, 1), log.log_id)


def test_a_checkpoint_of_another_size_is_not_signed(log: LabLog) -> None:
    head = parse_checkpoint(log.checkpoint().replace(b"\n70\n", b"\n71\n"), log.log_id)
    assert not is_signed(head, log.known())


def a_head(size: int, root: bytes, at: int) -> TreeHead:
    return TreeHead(size, root * 32, at, ())


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (a_head(7, b"a", 1), a_head(7, b"a", 2), None),
        (a_head(7, b"a", 1), a_head(9, b"b", 2), None),
        (a_head(9, b"b", 2), a_head(7, b"a", 1), None),  # an older head, from a cache
        (a_head(7, b"a", 1), a_head(7, b"b", 2), "two different trees of 7 entries"),
        (a_head(9, b"a", 1), a_head(7, b"b", 2), "shrank from 9 to 7 entries"),
        (a_head(7, b"b", 2), a_head(9, b"a", 1), "shrank from 9 to 7 entries"),
    ],
)
def test_a_log_only_grows(before: TreeHead, after: TreeHead, why: str | None) -> None:
    found = contradiction(before, after)
    assert found is None if why is None else why in str(found)
