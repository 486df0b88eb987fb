"""`trust fix` with the real programs: each refuses a server under a private CA, works with the line, and refuses again.

Everything is in a home of the test's own; servers are on the loopback alone.
"""

from __future__ import annotations

import functools
import json
import os
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from detector.chain.certificate import Certificate
from detector.lab.pki import Authority
from tests.live.programs import find

pytestmark = pytest.mark.live


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class World:
    """A home, a CA that somebody answers for, and a server under it with a page, a repository, an index and a registry."""

    def __init__(self, folder: Path, port: int, authority: Authority) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.ca = folder / "ca.pem"
        self.ca.write_text(authority.pem)
        self.sha256 = Certificate(authority.der).sha256
        self.url = f"https://localhost:{port}"
        self.environment = {
            "HOME": str(self.home), "SHELL": "/bin/bash", "PATH": os.environ["PATH"],
            "npm_config_update_notifier": "false", "npm_config_fetch_retries": "0",
        }  # fmt: skip

    def trust(self, *words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "detector", "trust", *map(str, words)],
            env=self.environment, capture_output=True, text=True, timeout=100,
        )  # fmt: skip

    def fix(self, program: str) -> None:
        done = self.trust("fix", program, "--ca", self.ca, "--sha256", self.sha256)
        assert done.returncode == 0, done.stderr

    def works(self, *words: str) -> bool:
        """In a shell that reads its start file; what fails fails of the certificate."""
        start = '[ ! -f ~/.bashrc ] || . ~/.bashrc; exec "$@"'
        done = subprocess.run(
            ["bash", "-c", start, "-", *words], env=self.environment, capture_output=True,
            text=True, timeout=100, cwd=self.home,
        )  # fmt: skip
        said = (done.stdout + done.stderr).casefold()
        assert done.returncode == 0 or "certificate" in said, said
        return done.returncode == 0

    def files(self) -> dict[str, bytes]:
        """What is in the home, without what programs keep for themselves."""
        return {
            str(path.relative_to(self.home)): path.read_bytes()
            for path in self.home.rglob("*")
            if path.is_file() and not {".npm", ".cache", ".rustup"} & set(path.parts)
        }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int, Authority]]:
    folder = tmp_path_factory.mktemp("served")
    authority = Authority("Corp Gateway CA", organization="Corp")
    site = folder / "site"
    (site / "-").mkdir(parents=True)
    (site / "-/ping").write_text("{}")
    (site / "index.html").write_text("hello")
    index = site / "simple/demo-thing"
    index.mkdir(parents=True)
    wheel = "demo_thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(index / wheel, "w") as file:
        info = "demo_thing-1.0.dist-info"
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: demo-thing\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    (index / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')
    repository = site / "repository.git"
    for words in (
        ("init", "--bare", "-q", str(repository)),
        ("-C", str(repository), "update-server-info"),
    ):
        subprocess.run([find("git"), *words], check=True, capture_output=True)
    leaf = authority.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.write(folder / "leaf.pem"))
    handler = functools.partial(_Quiet, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, int(server.server_address[1]), authority
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def world(served: tuple[Path, int, Authority], tmp_path: Path) -> World:
    _, port, authority = served
    return World(tmp_path, port, authority)


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
    return folder / "bin"


def command_of(program: str, url: str) -> tuple[str, ...]:
    fetch = f"fetch('{url}/').catch(e => {{ console.error(String(e.cause)); process.exit(1) }})"
    return {
        "curl": ("curl", "-sS", "-o", "/dev/null", f"{url}/"),
        "git": ("git", "ls-remote", f"{url}/repository.git"),
        "node": ("node", "-e", fetch),
        "npm": ("npm", "ping", "--registry", f"{url}/"),
        "pip": (
            "pip", "download", "--disable-pip-version-check", "--no-cache-dir", "--retries", "0",
            "--no-deps", "-d", ".cache", "-i", f"{url}/simple/", "demo-thing",
        ),
    }[program]  # fmt: skip


@pytest.mark.parametrize("program", ["curl", "git", "node", "npm", "pip"])
def test_a_program_works_with_the_line_and_refuses_again_without(
    world: World, pip: Path, program: str
) -> None:
    if program == "pip":
        world.environment["PATH"] = f"{pip}:{world.environment['PATH']}"
    (world.home / ".bashrc").write_bytes(b"export A=1")  # without an end
    before = world.files()
    words = command_of(program, world.url)
    assert not world.works(*words)
    world.fix(program)
    assert world.works(*words)
    changed = world.files()
    world.fix(program)
    assert world.files() == changed  # a second time changes nothing
    why = world.trust("why", program, "--ca", world.ca, "--json")
    if program in ("git", "npm"):  # the others are told by variables, which this process has not
        assert json.loads(why.stdout)["holds"] is True
    assert world.trust("fix", program, "--undo").returncode == 0
    assert world.files() == before
    assert not world.works(*words)


def test_many_programs_are_taken_back_together_to_the_byte(world: World) -> None:
    (world.home / ".bashrc").write_bytes(b"export A=1")
    (world.home / ".gitconfig").write_bytes(b"[user]\n\tname = Ann\n")
    before = world.files()
    for program in ("git", "curl", "node", "python"):
        world.fix(program)
    assert world.works(*command_of("curl", world.url))
    assert world.trust("fix", "curl", "--undo").returncode == 0
    assert not world.works(
        *command_of("curl", world.url).__class__(
            ("env", "-u", "SSL_CERT_FILE", *command_of("curl", world.url))
        )
    )
    assert world.works(*command_of("node", world.url))
    assert world.trust("fix", "--all", "--undo").returncode == 0
    assert world.files() == before
    left = {path.name for path in world.home.iterdir()}
    assert left <= {".bashrc", ".gitconfig", ".npm", ".cache"}


def test_a_change_by_somebody_else_survives_the_undo(world: World) -> None:
    world.fix("git")
    subprocess.run(
        [find("git"), "config", "--global", "user.name", "Ann"], check=True, env=world.environment
    )
    assert world.trust("fix", "git", "--undo").returncode == 0
    assert "Ann" in (world.home / ".gitconfig").read_text()
    assert "sslCAInfo" not in (world.home / ".gitconfig").read_text()


def test_a_file_that_cannot_be_written_leaves_everything_as_it_was(world: World) -> None:
    rc = world.home / ".bashrc"
    rc.write_text("export A=1\n")
    rc.chmod(0o444)
    before = world.files()
    done = world.trust("fix", "curl", "--ca", world.ca, "--sha256", world.sha256)
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert world.files() == before
