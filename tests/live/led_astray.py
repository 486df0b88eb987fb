"""A small world in a network namespace of its own: one resolver, and a gateway at whatever address it gives.

    unshare -n -m python -m tests.live.led_astray STORY WORDS...

Every name resolves to the story's address, where a server answers as the story says; then `tlsight check
--json WORDS...` runs in that world, and what it prints is printed.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

from detector.lab.origin import Origin, server_context
from detector.lab.pki import Authority, Credential

ADDRESSES = {
    "gateway": "10.66.0.1",
    "fake-ip": "198.18.0.7",
    "hosts-trick": "127.0.0.1",
    "ca-each": "10.66.0.1",
    "portal": "10.66.0.1",
    "silent": "10.66.0.1",
}


class Minting(Origin):
    """Mints a leaf for whatever name is asked for, with a key of its own."""

    def __init__(self, story: str, address: str) -> None:
        self._story = story
        self._ca = Authority("Example Gateway CA", organization="Example", profile=False)
        self._page = self._ca.issue("portal.hotel.com")
        self._made: dict[str, ssl.SSLContext] = {}
        super().__init__({"": _with_root(self._page, self._ca)}, address)
        self.port = 443

    def _choose(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if not name or self._story == "portal":
            return
        if self._story == "silent" and name != "www.doubted.com":
            tls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # no certificate: it refuses
            return
        if name not in self._made:
            each = self._story == "ca-each"
            ca = Authority(f"CA {name}", profile=False) if each else self._ca
            self._made[name] = server_context(_with_root(ca.issue(name), ca))
        tls.context = self._made[name]


def _with_root(leaf: Credential, ca: Authority) -> Credential:
    return Credential(leaf.certificate, leaf.key, (ca.certificate,))


class Resolver(asyncio.DatagramProtocol):
    """Gives one address for every name (RFC 1035); nothing for other types than A."""

    def __init__(self, address: str) -> None:
        self._address = bytes(int(part) for part in address.split("."))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5
        question = data[12:end]
        found = question[-4:-2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + self._address if found else b""
        count = b"\0\1" if found else b"\0\0"
        head = data[:2] + b"\x81\x80\0\1" + count + b"\0\0\0\0"
        self._transport.sendto(head + question + answer, addr)  # type: ignore[attr-defined]


async def main(story: str, words: list[str]) -> int:
    address = ADDRESSES[story]
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "addr", "add", f"{address}/32", "dev", "lo"],
    ):
        subprocess.run(command, check=address != "127.0.0.1" or command[1] == "link")
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder, "resolv.conf")
        names.write_text("nameserver 127.0.0.1\n")
        subprocess.run(["mount", "--bind", names, "/etc/resolv.conf"], check=True)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: Resolver(address), local_addr=("127.0.0.1", 53))
        async with Minting(story, address):
            home = {"XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder}
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "detector", "check", "--json", *words,
                env=os.environ | home,
            )  # fmt: skip
            return await child.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2:])))
