"""Hosts of this user, out of files as programs write them and as nobody should; tests/live has the browsers' own."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from detector.agent.senses.used_hosts import MOST, addresses, read_database, used_hosts


def hosts(home: Path, *sources: str) -> list[str]:
    return [f"{one.host}:{one.port}" for one in used_hosts(sources, home, {})]


def history(path: Path, urls: list[tuple[str, int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE urls (id INTEGER PRIMARY KEY, url TEXT, visit_count INTEGER)")
        made.executemany("INSERT INTO urls (url, visit_count) VALUES (?, ?)", urls)
    made.close()


def test_the_most_visited_come_first_each_once_and_only_secure_ones(tmp_path: Path) -> None:
    history(
        tmp_path / ".config/chromium/Default/History",
        [
            ("https://seldom.example/", 1), ("https://often.example/a?token=1", 9), ("https://often.example/b", 8),
            ("http://plain.example/", 99), ("https://often.example:8443/", 3), ("file:///etc/passwd", 5),
            ("https://localhost:1/", 9), ("https://127.0.0.1/", 9), ("https://[::1]/", 9), ("https://b\u00fccher.example/", 2),
            ("https://[", 9), ("https://" + "x" * 300 + "/", 9),
        ],
    )  # fmt: skip
    found = [
        "often.example:443",
        "often.example:8443",
        "xn--bcher-kva.example:443",
        "seldom.example:443",
    ]
    assert hosts(tmp_path, "chromium") == found


def test_of_a_long_history_only_so_many_are_taken(tmp_path: Path) -> None:
    rows = [(f"https://h{number}.example/", number) for number in range(MOST + 50)]
    history(tmp_path / ".config/google-chrome/Profile 1/History", rows)
    found = hosts(tmp_path, "chromium")
    assert len(found) == MOST
    assert found[0] == f"h{MOST + 49}.example:443"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        (".npmrc", "registry=https://npm.corp.example/repo/\n@x:registry=https://x.example:8443\nhttps-proxy=https://proxy.example:1\n",
         ["npm.corp.example:443", "x.example:8443"]),
        (".config/pip/pip.conf", "[global]\nindex-url = https://me:secret@pypi.corp.example/simple\nextra-index-url =\n  https://two.example/s\n",
         ["pypi.corp.example:443", "two.example:443"]),
        (".docker/config.json", '{"auths": {"ghcr.io": {"auth": "c2VjcmV0"}, "https://index.docker.io/v1/": {}}, "proxies": {"default": {"httpsProxy": "https://p.example"}}}',
         ["ghcr.io:443", "index.docker.io:443"]),
        (".cargo/config.toml", '[registries.corp]\nindex = "sparse+https://cargo.corp.example/index/"\n', ["cargo.corp.example:443"]),
    ],
    ids=("npm", "pip", "docker", "cargo"),
)  # fmt: skip
def test_registries_of_setting_files(
    tmp_path: Path, name: str, text: str, found: list[str]
) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    mine = [one for one in hosts(tmp_path, "settings") if one in found or "example" in one]
    assert mine == found


def test_remotes_of_repositories_but_not_those_of_ssh(tmp_path: Path) -> None:
    for name, url in (("a", "https://git.corp.example/a.git"), ("b/c", "git@ssh.example:x.git")):
        folder = tmp_path / name / ".git"
        folder.mkdir(parents=True)
        (folder / "config").write_text(f'[remote "origin"]\n\turl = {url}\n')
    assert hosts(tmp_path, "git") == ["git.corp.example:443"]


def test_a_database_that_is_none_or_does_other_things_costs_little(tmp_path: Path) -> None:
    question = (
        "SELECT url FROM urls WHERE url >= 'https://' AND url < 'https:0' ORDER BY visit_count DESC"
    )
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"SQLite format 3\0" + os.urandom(4096))
    assert read_database(garbage, question) == []
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert read_database(pipe, question) == []
    assert read_database(tmp_path / "none", question) == []
    endless = tmp_path / "endless"
    with closing(sqlite3.connect(endless)) as made, made:
        made.execute(
            "CREATE VIEW urls AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
            " SELECT 'https://a' || x AS url, x AS visit_count FROM n"
        )
    made.close()
    assert read_database(endless, question) == []


def test_the_file_is_not_written_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / ".config/chromium/Default/History"
    history(file, [("https://a.example/", 1)])
    before = file.read_bytes(), file.stat().st_mtime_ns
    assert hosts(tmp_path, "chromium") == ["a.example:443"]
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert [one.name for one in file.parent.iterdir()] == ["History"]


def test_what_a_running_browser_has_in_its_log_is_seen(tmp_path: Path) -> None:
    file = tmp_path / ".config/chromium/Default/History"
    history(file, [("https://old.example/", 1)])
    running = sqlite3.connect(file)
    running.execute("PRAGMA journal_mode = WAL")
    running.execute("INSERT INTO urls (url, visit_count) VALUES ('https://fresh.example/', 5)")
    running.commit()
    assert hosts(tmp_path, "chromium") == ["fresh.example:443", "old.example:443"]
    running.close()


def test_addresses_of_a_file_without_end_or_sense_are_few() -> None:
    assert list(addresses("npmrc", "ini", b"\xff" * 1000)) == []
    assert list(addresses("dockerclient", "json", b'{"auths": {"": {"a": 1}}}')) == ["https://"]
    assert list(addresses("dockerclient", "json", b'{"auths": 1}')) == []
    assert list(addresses("dockerclient", "json", b"[" * 100_000)) == []
    assert list(addresses("git", "ini", b'[credential "https://a.example"]\nhelper = x\n')) == []
