"""A network namespace in which a server out on the internet names addresses of the machine that asks it.

    unshare -n -m python -m tests.live.pointing URL WORDS...

A service answers on every address at port 8080, a server at 198.51.100.7 shows a leaf whose issuer is not sent
and is to be had at URL. `tlsight diagnose --json WORDS... 198.51.100.7` runs there; printed is a JSON object:
what the service was asked, what came out, and the exit code. inside.test is 127.0.0.1 for that resolver.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from detector.lab.answer import Answer, Request
from detector.lab.origin import Origin
from detector.lab.pki import Credential, LabPki
from detector.lab.web import Web

PEER = "198.51.100.7"
ADDRESSES = (PEER, "10.0.0.5", "169.254.169.254", "100.64.0.9", "192.168.1.1", "203.0.113.9")


async def run(url: str, words: list[str]) -> dict[str, object]:
    pki = LabPki(web=url)
    leaf = pki.issue(PEER)
    alone = Credential(leaf.certificate, leaf.key, ())
    asked: list[str] = []

    def answer(request: Request) -> Answer:
        asked.append(f"{request.headers['host']}{request.target}")
        return Answer(pki.intermediate.der)

    service = Web(None, answer)
    service.host, service.port = "0.0.0.0", 8080
    origin = Origin({PEER: alone}, PEER)
    origin.port = 443
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root.pem")
        root.write_text(pki.root.pem)
        home = {"XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder}
        command = [sys.executable, "-m", "detector", "diagnose", "--json", "--roots", str(root)]
        async with service, origin:
            done = await asyncio.to_thread(
                subprocess.run, [*command, *words, PEER], capture_output=True, text=True, timeout=60,
                env=os.environ | home, check=False,
            )  # fmt: skip
    return {"asked": asked, "stdout": done.stdout, "stderr": done.stderr, "code": done.returncode}


if __name__ == "__main__":
    for line in ("link set lo up", *(f"addr add {one}/32 dev lo" for one in ADDRESSES)):
        subprocess.run(["ip", *line.split()], check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".hosts") as hosts:
        hosts.write("127.0.0.1 localhost inside.test\n203.0.113.9 outside.test\n")
        hosts.flush()
        subprocess.run(["mount", "--bind", hosts.name, "/etc/hosts"], check=True)
        print(json.dumps(asyncio.run(run(sys.argv[1], sys.argv[2:]))))
