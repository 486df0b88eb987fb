from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.issuers import load_issuers


def test_hosts_with_their_logged_issuers(tmp_path: Path) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(f'[[issuers]]\nhost = ".a.com"\nspki = ["{"ab" * 32}"]\nsource = "test"\n')
    (found,) = load_issuers(path)
    assert found.host.matches("www.a.com")
    assert found.spki == {"ab" * 32}
    assert found.source == "test"


def test_a_bad_digest_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text('\n[[issuers]]\nhost = "a.com"\nspki = ["xyz"]\n')
    with pytest.raises(ConfigError, match=r"issuers\.toml:2: 'xyz'"):
        load_issuers(path)
