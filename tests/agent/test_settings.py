"""The agent's settings: strict, told with file and line, and ours to trust."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from detector.agent.sensing import portal
from detector.agent.settings import Settings, find, load, seconds, size, with_fleet
from detector.errors import ConfigError
from detector.lab.answer import Answer
from detector.lab.web import Web
from detector.net.routes import Routing


def file(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_without_a_file_all_is_as_it_comes() -> None:
    found = load(None)
    assert (found.every, found.agent.canaries, found.sinks) == (3600.0, 6, ())
    assert (found.limits.processor, found.limits.traffic, found.limits.memory) == (
        0.1, 5_000_000, 80_000_000,
    )  # fmt: skip


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "hosts.txt").write_text("# ours\nmail.example:993\n\nwww.example\n")
    found = load(
        file(
            tmp_path,
            '[agent]\nevery = "30m"\ncanaries = 4\nhosts = ["https://a.example/x", "www.example"]\n'
            'hosts-file = "hosts.txt"\nproxy = "none"\nname = true\nobservations = false\n'
            'heartbeat = "1d"\n[agent.budget]\nprocessor = 0.5\ntraffic = "2.5 MB"\nmemory = "64 MB"\n'
            '[[sink]]\nkind = "stdout"\n[[sink]]\nkind = "stdout"\nname = "second"\n'
            '[metrics]\nlisten = "127.0.0.1:9100"\n',
        )
    )
    assert [target.host for target in found.targets] == [
        "a.example", "www.example", "mail.example", "www.example",
    ][:3]  # fmt: skip
    assert (found.every, found.heartbeat) == (1800.0, 86400.0)
    assert (found.limits.traffic, found.limits.memory) == (2_500_000, 64_000_000)
    assert [(sink.name, sink.kind) for sink in found.sinks] == [
        ("stdout", "stdout"), ("second", "stdout"),
    ]  # fmt: skip
    assert found.metrics.listen == "127.0.0.1:9100"


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("[agent]\nevery = 30\nevrey = 5\n", 3, "evrey"),
        ("[agent]\n\n[agent.budget]\nmemroy = 5\n", 4, "memroy"),
        ('[agent]\nevery = "soon"\n', 2, "30m"),
        ("[agent]\nevery = 1\n", 2, "less than 10"),
        ('[agent]\nevery = "999999999d"\n', 2, "a year"),
        ("[agent]\ncanaries = 400\n", 2, "between 0 and 100"),
        ('[agent]\ncanaries = "six"\n', 2, "int"),
        ("[agent]\ncanaries = 0\n", None, "nothing would be asked"),
        ('[agent]\nhosts = ["a b"]\n', 2, "host"),
        ('[agent]\npolicy = "nowhere.toml"\n', 2, "No such file"),
        ("[agent]\ntimeout = nan\n", 2, "between"),
        ("[agent.budget]\nprocessor = -1\n", 2, "percent"),
        ('[agent.budget]\ntraffic = "5 TB"\n', 2, "5 MB"),
        ("[agnet]\n", 1, "agnet"),
        ('[[sink]]\nkind = "pigeon"\n', 1, "syslog"),
        ('[[sink]]\nkind = "stdout"\n[[sink]]\nkind = "stdout"\n', 3, "name of its own"),
        ('[[sink]]\nkind = "stdout"\nname = "../x"\n', 1, "letters"),
        ('[[sink]]\nkind = "stdout"\ncolour = 1\n', 1, "colour"),
        ("[sink]\n", 1, "[[sink]]"),
        ("every = \n", 1, "nvalid"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_line(
    tmp_path: Path, text: str, line: int | None, word: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(file(tmp_path, text))
    assert word in str(caught.value)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_a_file_that_others_may_write_is_refused_and_so_is_one_that_it_names(
    tmp_path: Path,
) -> None:
    path = file(tmp_path, '[agent]\npolicy = "policy.toml"\n')
    policy = tmp_path / "policy.toml"
    policy.write_text("")
    policy.chmod(0o666)
    with pytest.raises(ConfigError, match="everybody may write it"):
        load(path)
    policy.chmod(0o600)
    assert load(path).files == {"policy": policy}
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="chmod go-w"):
        load(path)


def test_a_fleet_may_say_when_and_whom_and_nothing_else(tmp_path: Path) -> None:
    own = load(file(tmp_path, '[agent]\nevery = "2h"\nhosts = ["own.example"]\ntimeout = 9.0\n'))
    found = with_fleet(own, b'[agent]\nevery = "15m"\ncanaries = 8\n')
    assert (found.every, found.agent.canaries, found.agent.timeout) == (900.0, 8, 9.0)
    assert [target.host for target in found.targets] == ["own.example"]
    for barred in (
        b'[agent]\npolicy = "/tmp/policy.toml"\n',
        b'[agent]\nroots = "/tmp/root.pem"\n',
        b'[agent]\nproxy = "http://evil.example:1"\n',
        b'[[sink]]\nkind = "stdout"\n',
        b'[metrics]\nlisten = "0.0.0.0:1"\n',
        b"[agent]\nnothing = 1\n",
        b"\xff",
        b"[" * 5000,
    ):
        with pytest.raises(ConfigError):
            with_fleet(own, barred)


def test_the_named_file_counts_before_the_users_own(tmp_path: Path) -> None:
    own = tmp_path / "tlsight" / "agent.toml"
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    assert find(environment, tmp_path / "named.toml") == tmp_path / "named.toml"
    if not Path("/etc/tlsight/agent.toml").exists():
        assert find(environment) is None
        own.parent.mkdir()
        own.touch()
        assert find(environment) == own


def test_times_and_amounts_are_as_people_write_them() -> None:
    assert [seconds(text) for text in (90, "30s", "1m", "2h", "1d")] == [90, 30, 60, 7200, 86400]
    assert [size(text) for text in (7, "9B", "5 MB", "1.5 kB", "2GB")] == [
        7, 9, 5_000_000, 1500, 2_000_000_000,
    ]  # fmt: skip


def test_an_own_page_for_portals_is_plain_http_and_is_the_one_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"

    def loaded(text: str) -> Settings:
        path.write_text(f"[agent.portal]\n{text}\n")
        path.chmod(0o600)
        return load(path)

    for wrong in ("https://a.example/", "http://", "http://u@a.example/", "http://a b/", "x"):
        with pytest.raises(ConfigError, match="portal"):
            loaded(f'url = "{wrong}"')
    with pytest.raises(ConfigError, match="portal"):
        loaded('url = "http://a.example/"\nstatus = 99')

    async def mood(body: bytes) -> str:
        async with Web(None, lambda _: Answer(body)) as web:
            url = f"http://127.0.0.1:{web.port}/open?q=1"
            own = loaded(f'url = "{url}"\nstatus = 200\nbody = "fine"').agent.portal
            found = await portal(Routing(), own)
            assert [one.target for one in web.asked] == ["/open?q=1"]
            return found

    assert asyncio.run(mood(b"fine\n")) == "open"
    assert asyncio.run(mood(b"<html>log in")) == "captive"
