"""Files that a sink's settings name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from detector.agent.sinks.named_files import credential, named
from detector.errors import ConfigError


def test_a_file_that_others_may_write_or_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    with pytest.raises(ConfigError, match=r"sink.ca: .*No such file"):
        named("ca", str(path))
    path.write_text("x")
    path.chmod(0o600)
    assert named("ca", str(path)) == path
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="everybody may write it"):
        named("ca", str(path))
    path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
        with pytest.raises(ConfigError, match="neither to root nor to you"):
            named("ca", str(path))


def test_a_path_is_absolute_and_a_key_has_a_certificate(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not absolute"):
        named("ca", "ca.pem")
    with pytest.raises(ConfigError, match="no certificate beside it"):
        credential(None, str(tmp_path / "key.pem"))
    assert credential(None, None) is None
    pair = tmp_path / "pair.pem"
    pair.write_text("x")
    assert credential(str(pair), None) == (pair, pair)
