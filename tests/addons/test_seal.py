"""The key is made once, for its owner alone, and a key that others can read proves nothing."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from addons.bypass.audit import is_signed
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from addons.store.seal import KEY_VARIABLE, Seal, seal_of
from detector.errors import StoreError
from tests.addons.conftest import Clock


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    (tmp_path / "b.sqlite3").touch()
    return seal_of(tmp_path / "b.sqlite3", {})


def test_the_first_signature_makes_a_key_that_stays(seal: Seal, tmp_path: Path) -> None:
    assert seal.public_key() is None
    head = seal.sign(1, "ab" * 32)
    assert is_signed(head.number, head.digest, head.signature, head.key)
    assert not is_signed(2, head.digest, head.signature, head.key)
    assert not is_signed(head.number, head.digest, "zz", head.key)
    assert seal.path == tmp_path / "b.sqlite3.key"
    assert seal.path.stat().st_mode & 0o777 == 0o600
    again = seal_of(tmp_path / "b.sqlite3", {})
    assert again.sign(1, "ab" * 32) == head
    assert again.public_key() == head.key


def test_heads_are_kept_beside_the_key_wherever_that_is(tmp_path: Path) -> None:
    store = tmp_path / "b.sqlite3"
    store.touch()
    seal = seal_of(store, {KEY_VARIABLE: str(tmp_path / "vault" / "key")})
    assert seal.heads() is None
    head = seal.sign(1, "ab" * 32)
    seal.keep((head,))
    assert seal.heads() == (head,)
    assert {one.name for one in (tmp_path / "vault").iterdir()} == {"key", "key.heads"}


@pytest.mark.parametrize("content", ["", "ab", "not hex at all\n", "ab" * 33])
def test_a_file_that_holds_no_key_is_no_reason_to_make_another(seal: Seal, content: str) -> None:
    seal.path.write_text(content)
    seal.path.chmod(0o600)
    with pytest.raises(StoreError, match="holds no key"):
        seal.sign(1, "ab" * 32)
    assert seal.path.read_text() == content


def test_without_a_usable_key_nothing_is_decided(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "b.sqlite3"
    with BypassStore(path, clock) as store:
        store.add_rule(RuleRow(host="a.example"))
        store.trail.seal.path.chmod(0o640)
    with BypassStore(path, clock) as store:
        with pytest.raises(StoreError, match=r"others can read it; chmod 600"):
            store.add_rule(RuleRow(host="b.example"))
        assert [one.rule.pattern for one in store.rules()] == ["a.example"]


def test_heads_that_are_none_are_told(seal: Seal) -> None:
    seal.heads_path.write_text("rubbish\n")
    seal.heads_path.chmod(0o600)
    with pytest.raises(StoreError, match="holds no heads"):
        seal.heads()


def test_many_that_decide_at_once_share_one_key_and_keep_the_last_head(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "b.sqlite3"
    BypassStore(path, clock).close()

    def decide(number: int) -> None:
        with BypassStore(path, clock) as store:
            for n in range(5):
                store.add_rule(RuleRow(host=f"h{number}-{n}.example"))

    threads = [threading.Thread(target=decide, args=(n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    with BypassStore(path, clock) as store:
        entries = list(store.audit())
        key = store.trail.seal.public_key()
        assert key is not None
        assert len(entries) == 20
        assert all(is_signed(e.number, e.digest, e.signature or "", key) for e in entries)
        heads = store.trail.seal.heads() or ()
    digests = {one.number: one.digest for one in entries}
    assert [digests[one.number] for one in heads] == [one.digest for one in heads]
    assert len(heads) == 1


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_the_owner_of_the_store(seal: Seal, tmp_path: Path) -> None:
    os.chown(tmp_path / "b.sqlite3", 65534, 65534)
    seal.keep((seal.sign(1, "ab" * 32),))
    assert {one.stat().st_uid for one in (seal.path, seal.heads_path)} == {65534}
