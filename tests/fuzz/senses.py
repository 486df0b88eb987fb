"""What the agent's senses read: the kernel's messages, settings of desktops, databases of browsers."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from detector.agent.senses.kernel import read_ways
from detector.agent.senses.network import Facts, network_of, way_out
from detector.agent.senses.proxies import of_gnome, of_kde
from detector.agent.senses.resolvers import nameservers
from detector.agent.senses.standing import compare, standing
from detector.agent.senses.used_hosts import addresses, read_database
from detector.agent.senses.wireless import read_family, read_ssid
from detector.net.netlink import messages
from tests.fuzz.lab import in_a_file
from tests.fuzz.target import Target

# RTM_NEWROUTE of a default way over 192.0.2.1 on interface 4, as Linux writes it.
_DEFAULT_ROUTE = bytes.fromhex(
    "34000000180002000100000000000000"
    "02000000fe03000100000000"
    "08000f00fe000000"
    "08000500c0000201"
    "0800040004000000"
)
_DATABASE = b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20" + bytes(4072)


def targets() -> dict[str, Target]:
    """By name."""
    return {
        "netlink": Target(_netlink, (_DEFAULT_ROUTE, b"\x14\0\0\0\x03\0\x02\0" + bytes(12))),
        "desktop-settings": Target(
            _settings,
            (b"org.gnome.system.proxy mode 'manual'\norg.gnome.system.proxy.https host 'p'\n"
             b"org.gnome.system.proxy.https port 3128\n",
             b"[Proxy Settings]\nProxyType=1\nhttpsProxy=http://p 3128\n",
             b"nameserver 127.0.0.53\nnameserver fe80::1%eth0\n",
             b'{"auths": {"ghcr.io": {}}}', b'[remote "origin"]\n\turl = https://a/b\n'),
        ),
        "browser-database": Target(_database, (_DATABASE,)),
    }  # fmt: skip


def _netlink(data: bytes) -> None:
    """A place that is told has a way out, and no look differs from itself."""
    heard = list(messages(data))
    ways = read_ways(heard)
    facts = Facts(ways)
    found = network_of(facts, b"salt")
    assert found is None or (way_out(ways) is not None and len(found.id) == 32)
    assert compare(standing(facts), standing(facts)) == ()
    ssid = read_ssid(heard)
    assert ssid is None or 0 < len(ssid) <= 32
    read_family(heard)


def _settings(data: bytes) -> None:
    """Proxies are shown without log-ins; resolvers are addresses."""
    text = data.decode("utf-8", "replace")
    for url in (*of_gnome(text), *of_kde(text)):
        assert url.startswith("pac+") or "@" not in url
    for server in nameservers(text):
        ipaddress.ip_address(server)
    for kind, form in (("npmrc", "ini"), ("dockerclient", "json"), ("git", "ini")):
        assert all("https://" in one for one in addresses(kind, form, data))


def _database(data: bytes) -> None:
    """Text or nothing."""

    def read(path: Path) -> None:
        assert all(isinstance(one, str) for one in read_database(path, "SELECT url FROM urls"))

    in_a_file(data, "places.sqlite", read)
