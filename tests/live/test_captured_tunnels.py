"""Tunnels and link layers: Wireshark sees the same connection inside that this program sees."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.capture import packets as p
from tests.capture.tunnelled import WAYS, Carried
from tests.live.programs import find

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    "ends", [(p.CLIENT, p.SERVER), ("2001:db8::9", "2001:db8::5")], ids=["IPv4", "IPv6"]
)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_wireshark_sees_what_the_tunnel_carries(
    way: Carried, ends: tuple[str, str], tmp_path: Path
) -> None:
    talk = p.Talk(*ends).open().client(b"x" * 200)
    file = tmp_path / "tunnel.pcap"
    file.write_bytes(p.pcap((f for packet in talk.packets for f in way.frames(packet)), way.link))
    command = [
        find("tshark"), "-r", str(file), *way.shark, "-Y", "tcp", "-T", "fields", "-E", "separator=:",
        "-e", "tcp.srcport", "-e", "tcp.dstport",
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert sorted(said.split()) == ["443:50000", "443:50000", *["50000:443"] * 3]
