"""The kernel's word on who runs a process, beside what the environment claims."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.audit import Actor, first_break
from addons.store.actor import actor, lineage, named, user
from addons.store.bypass_store import BypassStore
from detector import clock

ACCOUNTS = {0: "root", 1000: "alice", 1001: "bob", 998: "tlsight"}
IDS = st.integers(0, 1002)


def test_the_real_user_is_named_whatever_the_environment_says() -> None:
    found = actor({"LOGNAME": "somebody", "USER": "else", "SUDO_UID": "1001"})
    assert (found.uid, found.sudo_uid) == (os.getuid(), "1001")
    assert found.user not in ("somebody", "else")
    assert actor({}).sudo_uid is None
    assert len(actor({"SUDO_UID": "9" * 999}).sudo_uid or "") == 32


@pytest.mark.parametrize(
    ("uid", "claims", "ancestors", "name"),
    [
        (0, (1000, None), {0, 1000}, "alice"),  # sudo after a login
        (0, (None, 1000), {0, 1000}, "alice"),  # the same without audit
        (998, (None, 1000), {0, 1000}, "alice"),  # sudo -u tlsight
        (1000, (1001, 1001), {0, 1000}, "alice"),  # both claims were made up
        (1000, (0, 0), {0}, "alice"),  # everybody descends from root
        (0, (None, None), {0}, "root"),
        (1002, (None, None), {0}, "uid 1002"),
    ],
)
def test_a_claim_counts_where_a_process_above_bears_it_out(
    uid: int, claims: tuple[int | None, ...], ancestors: set[int], name: str
) -> None:
    assert named(uid, claims, ancestors, ACCOUNTS.get) == name


@given(IDS, st.lists(st.none() | IDS), st.frozensets(IDS))
def test_nobody_is_named_who_runs_nothing_here(
    uid: int, claims: list[int | None], ancestors: frozenset[int]
) -> None:
    name = named(uid, claims, ancestors, str)
    assert int(name) in {uid, *ancestors}


def test_the_processes_above_this_one_are_read_from_the_kernel(tmp_path: Path) -> None:
    assert os.getuid() in lineage()
    assert lineage(tmp_path) == frozenset()
    here = tmp_path / str(os.getppid())
    here.mkdir()
    for text in ("", "Uid: x\nPPid: 1\n", "Uid:\t7\t0\t0\t0\nPPid:\t0\n", "Uid:\t7\nPPid:\t1\n"):
        (here / "status").write_text(text)
        assert lineage(tmp_path) == (frozenset() if text[:5] in ("", "Uid: ") else {7})


def test_variables_alone_make_nobody_somebody_else(tmp_path: Path) -> None:
    """A real command, with an environment that says it is somebody else."""
    store = tmp_path / "b.sqlite3"
    lies = {"LOGNAME": "mallory", "USER": "mallory", "LNAME": "mallory", "SUDO_UID": "65534"}
    words = ("bypass", "add", "a.example", "--reason", "x", "--owner", "x", "--expires", "9d")
    subprocess.run(
        [sys.executable, "-m", "detector", *words, "--store", store],
        env={**os.environ, **lies}, check=True, capture_output=True,
    )  # fmt: skip
    with BypassStore(store, clock.now) as opened:
        (entry,) = opened.audit()
    assert entry.by == user({})
    assert msgspec.json.decode(entry.who or "", type=Actor).sudo_uid == "65534"


def test_how_a_page_was_entered_is_part_of_the_entry_and_of_its_digest(tmp_path: Path) -> None:
    with BypassStore(tmp_path / "b.sqlite3", clock.now, "carol", login="password") as opened:
        opened.note("seen", "x", {})
        (entry,) = opened.audit()
        assert (entry.by, msgspec.json.decode(entry.who or "", type=Actor).login) == (
            "carol",
            "password",
        )
        assert first_break([entry]) is None
        other = msgspec.structs.replace(entry, who=(entry.who or "").replace("password", "token"))
        assert first_break([other]) is not None
