import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.issuers import load_issuers


def test_hosts_with_their_logged_issuers(tmp_path: Path) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(f'[[issuers]]\nhost = ".a.com"\nspki = ["{"ab" * 32}"]\nsource = "test"\n')
    (found,) = load_issuers(path).rows
    assert found.host.matches("www.a.com")
    assert found.spki == {"ab" * 32}
    assert found.source == "test"


def test_a_bad_digest_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text('\n[[issuers]]\nhost = "a.com"\nspki = ["xyz"]\n')
    with pytest.raises(ConfigError, match=r"issuers\.toml:2: 'xyz'"):
        load_issuers(path)


def test_the_same_as_json(tmp_path: Path) -> None:
    path = tmp_path / "issuers.json"
    row = {"host": "a.com", "spki": ["ab" * 32], "fetched": "2026-11-20T09:00:00"}
    path.write_text(json.dumps({"issuers": [row]}))
    (found,) = load_issuers(path).rows
    assert (found.spki, found.source) == ({"ab" * 32}, str(path))
    assert found.fetched == datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "[]", '{"issuers": [{"host": 1}]}', "\xff"])
def test_json_that_holds_no_issuers_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "issuers.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="no issuers"):
        load_issuers(path)
