"""Interceptors that no distribution has: fetched from the languages' own registries into .tools, and run beside us.

warcprox is under the GPL: it has an environment of its own, and nothing here imports it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from detector.lab.pki import Authority
from tests.live.grade_world import (
    OF_VERSIONS,
    OVERLOOKED,
    VERIFIED,
    GradeWorld,
    Setting,
    explicit,
)
from tests.live.programs import TOOLS, Program, find

VERSIONS = {"mockttp": "4.6.5", "whistle": "2.10.10", "warcprox": "2.13.1"}
# A fetch of the largest takes a minute on a busy machine.
_PATIENCE = 280


def fetch(program: str) -> Path:
    """Where the program is, in the version of the table. Raises subprocess.CalledProcessError where no registry answers."""
    folder = TOOLS / "interceptors" / f"{program}-{VERSIONS[program]}"
    whole = folder / "whole"
    if not whole.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        wanted = _of_python if program == "warcprox" else _of_node
        for command in wanted(folder, program, VERSIONS[program]):
            subprocess.run(command, check=True, timeout=_PATIENCE)
        whole.touch()
    return folder


def _of_node(folder: Path, program: str, version: str) -> list[list[str]]:
    quietly = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    return [[find("npm"), "install", *quietly, "--prefix", str(folder), f"{program}@{version}"]]


def _of_python(folder: Path, program: str, version: str) -> list[list[str]]:
    uv = shutil.which("uv") or str(TOOLS / "uv" / "bin" / "uv")
    python = str(folder / "bin" / "python")
    return [
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--quiet", "--python", python, f"{program}=={version}"],
    ]


class _Node(Program):
    """A script or a command line of a package; the root of the servers is among those that Node trusts."""

    package = ""
    # It reads hundreds of modules, and makes a CA before it listens.
    patience = 120.0

    def __init__(self, world: GradeWorld) -> None:
        super().__init__(world.folder)
        self._trust = world.trust
        self.module = fetch(self.package) / "node_modules" / self.package

    def by_node(self, *words: str) -> list[str]:
        # What it keeps of its own (a CA, settings) goes into the folder.
        env = [f"HOME={self.folder}", f"NODE_EXTRA_CA_CERTS={self._trust}"]
        return [find("env"), *env, find("node"), *words]


class Mockttp(_Node):
    """Every request is passed on; makes its own CA. `ignores` is its ignoreHostHttpsErrors."""

    package = "mockttp"

    def __init__(self, world: GradeWorld, *, ignores: bool = False) -> None:
        super().__init__(world)
        self._ignores = "true" if ignores else "false"

    def command(self) -> list[str]:
        script = self.write(
            "proxy.js",
            f"""
const mockttp = require({str(self.module)!r});
(async () => {{
  const https = await mockttp.generateCACertificate();
  const server = mockttp.getLocal({{ https }});
  await server.forAnyRequest().thenPassThrough({{ ignoreHostHttpsErrors: {self._ignores} }});
  await server.start({self.port});
}})();
""",
        )
        return self.by_node(str(script))


class Whistle(_Node):
    """With its mode `capture`, which decrypts; `modes` are more of them."""

    package = "whistle"

    def __init__(self, world: GradeWorld, *modes: str) -> None:
        super().__init__(world)
        self._modes = "|".join(("capture", *modes))

    def command(self) -> list[str]:
        started = [str(self.module / "bin" / "whistle.js"), "run", "--no-global-plugins"]
        at = ["-H", "127.0.0.1", "-p", str(self.port), "-D", str(self.folder / "data")]
        return self.by_node(*started, *at, "-M", self._modes)


class Warcprox(Program):
    """Archives what it sees; signs with a CA that is given."""

    def __init__(self, world: GradeWorld) -> None:
        super().__init__(world.folder)
        self._ca: Authority = world.ca
        self._program = fetch("warcprox") / "bin" / "warcprox"

    def command(self) -> list[str]:
        credential = self._ca.credential()
        ca = self.write("ca.pem", credential.key_pem + credential.chain_pem)
        return [
            str(self._program), "--quiet", "--address", "127.0.0.1", "--port", str(self.port),
            "--cacert", str(ca), "--certs-dir", str(self.folder / "certificates"),
            "--dir", str(self.folder / "warcs"),
        ]  # fmt: skip


# Node takes keys of 1024 bits, and lets clients renegotiate (its tls.CLIENT_RENEG_LIMIT), as http-mitm-proxy shows.
_NODE_VERIFIES = VERIFIED - {"rsa-1024"} | OF_VERSIONS
_NODE_OVERLOOKS = OVERLOOKED | {"rsa-1024", "http2-lost", "client-renegotiation"}
FETCHED = (
    Setting(
        "mockttp", explicit(Mockttp), "verifies, with short keys", "C", refuses=_NODE_VERIFIES,
        accepts=_NODE_OVERLOOKS,
    ),
    Setting(
        "mockttp, ignoreHostHttpsErrors", explicit(lambda world: Mockttp(world, ignores=True)), "verifies nothing", "F",
        accepts=VERIFIED | OVERLOOKED,
    ),
    Setting(
        "whistle", explicit(Whistle), "verifies nothing: rejectUnauthorized is off where its mode safe is not set", "F",
        accepts=VERIFIED | OVERLOOKED,
    ),
    Setting(
        "whistle, safe", explicit(lambda world: Whistle(world, "safe")), "verifies, with short keys", "C",
        refuses=_NODE_VERIFIES, accepts=_NODE_OVERLOOKS | {"leaf-key-of-ca"},
    ),
    Setting(
        "warcprox", explicit(Warcprox), "verifies nothing: it archives what is there", "F",
        accepts=VERIFIED | OVERLOOKED, host="127.0.0.2",
    ),
)  # fmt: skip
