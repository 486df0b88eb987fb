"""Where the store is when nobody names it: a service and a shell find the same."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from addons.store.whereabouts import Whereabouts, whereabouts
from detector import clock


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "home")}


@pytest.fixture
def service(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return tmp_path / "home" / "tlsight" / "bypass.sqlite3"


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_shell_finds_the_store_of_the_service(shell: dict[str, str], service: Path) -> None:
    there = made(service / "bypass.sqlite3")
    assert whereabouts({"STATE_DIRECTORY": str(service)}, service) == Whereabouts(there)
    assert whereabouts(shell, service) == Whereabouts(there)


def test_where_nothing_is_the_users_own_folder_counts(
    shell: dict[str, str], service: Path, mine: Path
) -> None:
    assert whereabouts(shell, service) == Whereabouts(mine)


def test_the_services_folder_counts_before_its_store_is_there_where_it_is_ones_own(
    shell: dict[str, str], service: Path
) -> None:
    service.mkdir()
    assert whereabouts(shell, service).path == service / "bypass.sqlite3"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_begun_by_root_for_that_user_and_by_nobody_else() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # where a third user comes to
        Path(folder).chmod(0o755)
        service, home = Path(folder) / "var", Path(folder) / "home"
        service.mkdir()
        shell, mine = {"XDG_STATE_HOME": str(home)}, home / "tlsight" / "bypass.sqlite3"
        os.chown(service, 65534, 65534)
        os.seteuid(65533)
        try:
            assert whereabouts(shell, service) == Whereabouts(mine)
        finally:
            os.seteuid(0)
        assert whereabouts(shell, service).path == service / "bypass.sqlite3"
        with BypassStore(service / "bypass.sqlite3", clock.now) as store:
            store.add_rule(RuleRow(host="a.example"))
            files = [*service.iterdir()]
            assert len(files) >= 4  # the late changes, the key and its heads, too
            assert {path.stat().st_uid for path in files} == {65534}


def test_of_two_stores_the_users_own_is_used_and_the_other_is_told(
    shell: dict[str, str], service: Path, mine: Path
) -> None:
    there = made(service / "bypass.sqlite3")
    made(mine)
    found = whereabouts(shell, service)
    assert found == Whereabouts(mine, there)
    warning = found.warning() or ""
    assert str(mine) in warning
    assert str(there) in warning
    assert whereabouts({"STATE_DIRECTORY": str(service), **shell}, service).warning() is None
