"""What an agent is told by its files and its fleet: settings, canaries, a bypass list."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from detector.agent.canaries import Canaries, patterns_of, read_canaries
from detector.agent.settings import load, with_fleet
from detector.errors import ConfigError
from tests.fuzz.target import Target


def targets() -> dict[str, Target]:
    """By name."""
    return {
        "agent-settings": Target(
            _settings,
            (b'[agent]\nevery = "30m"\ncanaries = 4\nhosts = ["https://a.example/x"]\n[agent.budget]\n'
             b'traffic = "2.5 MB"\n[agent.portal]\nurl = "http://a.example/"\n[[sink]]\nkind = "stdout"\n',
             b'[metrics]\nlisten = "127.0.0.1:9100"\n', b"[agent]\nhosts = 3\n"),
        ),
        "agent-canaries": Target(
            _canaries,
            (b'[[canary]]\nhost = "www.example.org"\nowner = "Example"\n', b"*.example.com\n.b.example # c\n",
             b'{"rules": [{"pattern": "*.example.com"}, {"row": {"pattern": "a.example"}}]}'),
        ),
    }  # fmt: skip


def _settings(data: bytes) -> None:
    """What a file may say is within its bounds, and a fleet's word changes no file, way or sink."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent.toml"
        path.write_bytes(data)
        os.chmod(path, 0o600)  # noqa: PTH101 (of this process' own)
        try:
            found = load(path)
        except ConfigError:
            found = load(None)
    assert found.every >= 10
    assert found.limits.memory > 0
    said = with_fleet(found, data)
    assert (said.files, said.sinks, said.agent.proxy) == (
        found.files, found.sinks, found.agent.proxy,
    )  # fmt: skip


def _canaries(data: bytes) -> None:
    """Canaries are full names with owners, and no bypass list passes over every host."""
    drawn = Canaries()
    drawn.pass_over(data)
    patterns = {pattern.casefold().lstrip("*.") for pattern in patterns_of(data)}
    assert "" not in patterns
    assert not drawn.passed("nobody-has-this-name.invalid") or any(
        "nobody-has-this-name.invalid".endswith(one) for one in patterns
    )
    for row in read_canaries(data):
        assert "." in row.host
        assert row.owner
