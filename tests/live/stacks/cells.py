"""The rows of libraries.toml and programs.toml as programs that can be started: a cell is one stack in one of its settings."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from detector.lab.pki import Credential, LabPki
from tests.live.programs import TOOLS, Program, find
from tests.live.starttls_programs import as_user

HERE = Path(__file__).parent
# Below the ports that the system gives to clients: hundreds of those come and go while servers start.
_FIRST_PORT = 21000


@dataclass(frozen=True, slots=True)
class Setting:
    """A way in which a stack is healthy.

    Attributes:
        name: what is set.
        words: for the program's command or configuration.
        key: of its leaf, "ec" or "rsa".
        address: where it listens.
        port: the same, where it matters.
        scheme: how its target begins, where what is spoken cannot be told from the port.

    """

    name: str
    words: str
    key: str = "ec"
    address: str = "127.0.0.1"
    port: int | None = None
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """A TLS server of somebody else's; libraries.toml tells what each of these means."""

    name: str
    library: str
    run: str
    settings: tuple[Setting, ...]
    build: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    user: str = "root"


def stacks() -> tuple[Stack, ...]:
    """The rows of both tables."""
    tables = ("libraries.toml", "programs.toml")
    rows = [row for name in tables for row in tomllib.loads((HERE / name).read_text())["stack"]]
    return tuple(_stack(**row) for row in rows)


def _stack(settings: Mapping[str, str | Mapping[str, Any]], **row: object) -> Stack:
    given = tuple(
        Setting(name, **({"words": value} if isinstance(value, str) else value))
        for name, value in settings.items()
    )
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return Stack(settings=given, **{**row, **lists})  # type: ignore[arg-type]


def cells_in(folder: Path, pki: LabPki, pool: Executor) -> Iterator[Cell | Exception]:
    """Every stack in each of its settings, in the table's order, or why it cannot be built."""
    shown = _Shown(folder, pki)
    ports = _free_ports()
    rows = stacks()
    builds = [pool.submit(_build, stack, folder / f"built-{n}") for n, stack in enumerate(rows)]
    for number, (stack, build) in enumerate(zip(rows, builds, strict=True)):
        for place, setting in enumerate(stack.settings):
            try:
                built = build.result()
            except (RuntimeError, OSError) as error:
                yield error
                continue
            yield Cell(
                stack,
                setting,
                built,
                shown,
                folder / f"{number}-{place}",
                setting.port or next(ports),
            )


class _Shown:
    """The leaves that all of them show, one a kind of key, in files that everybody may read."""

    def __init__(self, folder: Path, pki: LabPki) -> None:
        names = ("localhost", "127.0.0.1", "::1")
        (folder / "root.pem").write_text(pki.root.pem)
        self.places = {
            "ec": _files(folder / "ec", pki.issue(*names)),
            "rsa": _files(
                folder / "rsa", pki.issue(*names, key=rsa.generate_private_key(65537, 2048))
            ),
        }
        for key in self.places.values():
            key["roots"] = str(folder / "root.pem")
            (folder / "whole.pem").write_text(Path(key["above"]).read_text() + pki.root.pem)
            key["whole"] = str(folder / "whole.pem")


def _files(prefix: Path, credential: Credential) -> dict[str, str]:
    """Place -> path of chain, the chain without the leaf, key, both of them, and a PKCS #12 file with the password "changeit"."""
    packed = serialize_key_and_certificates(
        b"server", credential.key, credential.certificate, credential.above, BestAvailableEncryption(b"changeit")
    )  # fmt: skip
    contents = {
        "chain": credential.chain_pem.encode(),
        "above": b"".join(c.public_bytes(Encoding.PEM) for c in credential.above),
        "key": credential.key_pem.encode(),
        "both": (credential.chain_pem + credential.key_pem).encode(),
        "p12": packed,
    }
    found: dict[str, str] = {}
    for name, content in contents.items():
        path = prefix.with_suffix(f".{name}")
        path.write_bytes(content)
        found[name] = str(path)
    return found


def _build(stack: Stack, folder: Path) -> Path:
    """What the settings of one stack share."""
    folder.mkdir()
    shutil.chown(folder, stack.user, stack.user)
    for command in stack.build:
        _do(command, {**_EVERYWHERE, "built": str(folder)}, folder, stack.user)
    return folder


class Cell(Program):
    """One stack in one setting, with a port of its own."""

    patience = 120.0  # dozens start at once, beside everything else

    def __init__(
        self, stack: Stack, setting: Setting, built: Path, shown: _Shown, folder: Path, port: int
    ) -> None:
        self.stack, self.setting = stack, setting
        folder.mkdir(parents=True)
        super().__init__(folder)
        self.port = port
        places = {
            **_EVERYWHERE,
            **shown.places[setting.key],
            "built": str(built),
            "folder": str(folder),
            "address": setting.address,
            "host": self.host,
            "port": str(port),
        }
        self._places = {**places, "words": Template(setting.words).substitute(places)}

    @property
    def host(self) -> str:
        """The address as URLs have it."""
        return f"[{self.setting.address}]" if ":" in self.setting.address else self.setting.address

    @property
    def target(self) -> str:
        """As the command line takes it."""
        host = "localhost" if self.setting.address == "127.0.0.1" else self.host
        return f"{self.setting.scheme}{host}:{self.port}"

    def command(self) -> list[str]:
        for name, text in self.stack.files.items():
            self.write(name, Template(text).substitute(self._places))
        if self.stack.user != "root":
            shutil.chown(self.folder, self.stack.user, self.stack.user)
        for command in self.stack.before:
            _do(command, self._places, self.folder, self.stack.user)
        return _words(self.stack.run, self._places, self.stack.user)

    def _answers(self) -> bool:
        family = socket.AF_INET6 if ":" in self.setting.address else socket.AF_INET
        with socket.socket(family) as client:
            client.settimeout(0.5)
            return client.connect_ex((self.setting.address, self.port)) == 0


def _free_ports() -> Iterator[int]:
    """Ports that nobody listens on, each only once."""
    for port in range(_FIRST_PORT, 32000):
        with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True):
            pass
        yield port


_EVERYWHERE = {
    "here": str(HERE),
    "python": str(TOOLS / "stacks" / "bin" / "python"),
    "envoy": str(Path(sysconfig.get_path("purelib")) / "envoy" / "_bin" / "envoy"),
}


def _do(command: str, places: Mapping[str, str], folder: Path, user: str) -> None:
    words = _words(command, places, user)
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{command}\n{done.stdout}{done.stderr}")


def _words(command: str, places: Mapping[str, str], user: str) -> list[str]:
    program, *words = shlex.split(Template(command).substitute(places))
    found = [program if program.startswith("/") else find(program), *words]
    return found if user == "root" else as_user(user, found)
