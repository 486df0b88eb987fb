"""`tlsight bypass run`: whose value of an option counts, and that the addon is alive in the real mitmdump."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from addons.store.bypass_store import BypassStore
from addons.store.heartbeat import Heartbeat
from detector import clock
from detector.errors import StoreError

pytestmark = pytest.mark.live
PAGE = ("--set", "bypass_review=127.0.0.1:0")  # it is served from the store's folder


class Started:
    """The command with mitmproxy's configuration and ours in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "mitm").mkdir(exist_ok=True)

    def config(self, text: str) -> None:
        (self.folder / "mitm" / "config.yaml").write_text(text)

    @contextmanager
    def run(self, *words: object, **more: str) -> Iterator[subprocess.Popen[str]]:
        def in_the_background() -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

        clean = {k: v for k, v in os.environ.items() if not k.startswith("TLSIGHT_")}
        home = {
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CONFIG_HOME": str(self.folder / "xdg"),
            "PYTHONUNBUFFERED": "1",
        }
        command = [
            sys.executable, "-m", "detector", "bypass", "run", "--listen-host", "127.0.0.1",
            "--listen-port", "0", "--set", f"confdir={self.folder / 'mitm'}", *map(str, words),
        ]  # fmt: skip
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, env=clean | home | more, preexec_fn=in_the_background,  # noqa: PLW1509
        ) as process:  # fmt: skip
            try:
                yield process
            finally:
                process.terminate()
                process.wait(30)

    def page_folder(self, *words: object, **more: str) -> Path:
        """Where the addon that is alive has its store."""
        with self.run(*words, *PAGE, **more) as process:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if "token in " in line:
                    return Path(line.rpartition("token in ")[2].strip()).parent
        raise AssertionError("".join(said))

    def refused(self, *words: object) -> str:
        with self.run(*words) as process:
            output, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "Traceback" not in output
        return output


def heartbeat(store: Path, process: subprocess.Popen[str]) -> Heartbeat:
    """What the proxy says of itself, once it does."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if store.exists():
            with suppress(StoreError), BypassStore(store, clock.now, read_only=True) as opened:
                for one in opened.proxies.all():
                    if one.pid == process.pid:
                        return one
        time.sleep(0.2)
    raise AssertionError("no heartbeat")


@pytest.fixture
def command(tmp_path: Path) -> Started:
    return Started(tmp_path)


def test_the_usual_store_counts_where_nobody_names_one(command: Started, tmp_path: Path) -> None:
    assert command.page_folder() == tmp_path / "state" / "tlsight"


@pytest.mark.parametrize("how", ["--set", "config.yaml", "--store", "environment"])
def test_the_store_that_the_user_names_counts(how: str, command: Started, tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "b.sqlite3"
    mine.parent.mkdir()
    words: tuple[object, ...] = ()
    more: dict[str, str] = {}
    if how == "--set":
        words = ("--set", f"bypass_store={mine}")
    elif how == "--store":
        words = ("--store", mine)
    elif how == "environment":
        more = {"TLSIGHT_BYPASS_STORE": str(mine)}
    else:
        command.config(f"bypass_store: {mine}\n")
    assert command.page_folder(*words, **more) == mine.parent
    assert not (tmp_path / "state" / "tlsight" / "bypass.sqlite3").exists()


@pytest.mark.parametrize("how", ["--set", "config.yaml", "--rules", "usual"])
def test_the_rules_that_the_user_names_count(how: str, command: Started, tmp_path: Path) -> None:
    usual = tmp_path / "xdg" / "tlsight" / "bypass.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text("[[rule]]\nnonsense = 1\n")
    mine = tmp_path / "mine.toml"
    mine.write_text("[[rule]]\nnonsense = 2\n")
    words: tuple[object, ...] = ()
    if how == "config.yaml":
        command.config(f"bypass_rules: {mine}\n")
    elif how != "usual":
        words = ("--rules", mine) if how == "--rules" else ("--set", f"bypass_rules={mine}")
    # A file that cannot be used is named, once.
    with command.run(*words) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "nonsense" in line:
                break
    assert str(usual if how == "usual" else mine) in line


@pytest.mark.parametrize(
    ("words", "config", "environment"),
    [
        (("--store", "mine", "--set", "bypass_rules=mine.toml"), "", {}),
        (("--set", "bypass_store=mine", "--rules", "mine.toml"), "", {}),
        (("--set", "bypass_store=mine", "--set", "bypass_rules=mine.toml"), "", {}),
        ((), "bypass_store: mine\nbypass_rules: mine.toml\n", {}),
        ((), "", {"TLSIGHT_BYPASS_STORE": "mine", "TLSIGHT_BYPASS_RULES": "mine.toml"}),
        (
            (),
            "bypass_store: mine\nbypass_rules: mine.toml\n",
            {"TLSIGHT_BYPASS_STORE": "other", "TLSIGHT_BYPASS_RULES": "other.toml"},
        ),
        (
            ("--store", "mine", "--rules", "mine.toml"),
            "bypass_store: other\nbypass_rules: other.toml\n",
            {"TLSIGHT_BYPASS_STORE": "other"},
        ),
        (
            ("--set", "bypass_store=mine", "--set=bypass_rules=mine.toml"),
            "bypass_store: other\nbypass_rules: other.toml\n",
            {},
        ),
    ],
)
def test_the_addon_is_alive_with_both_files_by_whatever_way_they_were_named(
    words: tuple[str, ...],
    config: str,
    environment: dict[str, str],
    command: Started,
    tmp_path: Path,
) -> None:
    names = r"\b(mine|other)(\.toml)?\b"

    def placed(text: str) -> str:
        return re.sub(names, lambda found: str(tmp_path / found[0]), text)

    (tmp_path / "mine.toml").write_text('[[rule]]\nhost = "a.test"\nreason = "x"\n')
    if config:
        command.config(placed(config))
    known = {name: placed(value) for name, value in environment.items()}
    with command.run(*map(placed, words), **known) as process:
        found = heartbeat(tmp_path / "mine", process)
    assert found.rules_file == str(tmp_path / "mine.toml")
    assert found.rules == 1
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "state" / "tlsight").exists()


_AS_SHELL = """
mount -t tmpfs none /var/lib
mkdir /var/lib/tlsight
env STATE_DIRECTORY=/var/lib/tlsight {python} -m detector bypass add service.test {decided}
ls /var/lib/tlsight
{python} -m detector bypass list
mkdir -p {state}/tlsight && cp /var/lib/tlsight/bypass.sqlite3 {state}/tlsight/
{python} -m detector bypass list
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts over /var/lib in a namespace of its own")
def test_a_shell_finds_the_store_of_a_service_and_says_so_where_there_are_two(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    text = _AS_SHELL.format(
        python=sys.executable, state=state, decided="--reason x --owner net --expires 9d"
    )
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TLSIGHT_")}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", text],
        capture_output=True, text=True, check=True, env=clean | {"XDG_STATE_HOME": str(state)},
    )  # fmt: skip
    assert "bypass.sqlite3" in done.stdout
    assert done.stdout.count("pass     service.test") == 2
    warned = [line for line in done.stderr.splitlines() if "two stores" in line]
    assert len(warned) == 1
    assert f"{state}/tlsight/bypass.sqlite3 is used" in warned[0]
    assert "/var/lib/tlsight/bypass.sqlite3 is not" in warned[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "bypass_mode=obsrve"), "'obsrve' is none of observe, suggest, auto"),
        (("--set", "bypass_store=a", "--set", "bypass_store=b"), "multiple values"),
        (("--store", "a", "--set", "bypass_store=b"), "multiple values for bypass_store"),
        (("--set", "bypass_clients=two"), "not an integer: two"),
        (("--set", "bypass_weight=0"), "must be above zero"),
    ],
)
def test_an_option_that_makes_no_sense_ends_it_with_one_line(
    words: tuple[str, ...], said: str, command: Started
) -> None:
    assert said in command.refused(*words)


def test_a_wrong_mode_in_mitmproxys_own_file_ends_it_too(command: Started) -> None:
    command.config("bypass_mode: obsrve\n")
    assert "is none of observe, suggest, auto" in command.refused()


def test_sigterm_ends_it_where_sigint_is_ignored(command: Started) -> None:
    with command.run() as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "listening at" in line:
                break
        process.terminate()
        assert process.wait(30) in (0, 143)
