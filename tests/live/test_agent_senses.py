"""The senses on machines of their own: real links, routes, routers, portals, stores and settings."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from detector.agent.senses.portal import PortalState
from detector.agent.senses.proxies import ProxySense
from detector.knowledge.connectivity import connectivity_checks
from detector.lab.pki import LabPki
from tests.live import clients
from tests.live.programs import find
from tests.live.senses_world import ROUTER, Machine

pytestmark = pytest.mark.live
OTHER = "70:85:c2:44:55:66"


@pytest.fixture
def machine() -> Generator[Machine]:
    with Machine() as found:
        yield found


def files(root: Path) -> Path:
    """A file system with stores and settings."""
    for name in ("etc/ssl/certs", "usr/local/share/ca-certificates", "home/u/.pki/nssdb"):
        (root / name).mkdir(parents=True)
    (root / "etc/resolv.conf").write_text("nameserver 10.77.3.1\n")
    (root / "etc/ssl/certs/ca-certificates.crt").write_text(LabPki().root.pem)
    return root


def test_what_happens_to_the_network_is_told_and_what_happens_beside_it_is_not(
    machine: Machine, tmp_path: Path
) -> None:
    with machine.watched(files(tmp_path)) as told:
        machine.plug_in()
        assert told.until(1) == [["network", "routes, addresses"]]
        machine.here()  # the router's address becomes known
        machine.ip(
            "address",
            "change",
            "10.77.3.9/24",
            "dev",
            "out",
            "valid_lft",
            "900",
            "preferred_lft",
            "900",
        )
        machine.ip("route", "replace", "default", "via", ROUTER)
        machine.ip("link", "add", "docker0", "type", "bridge")
        machine.ip("address", "add", "172.17.0.1/16", "dev", "docker0")
        machine.ip("link", "set", "docker0", "up")
        assert told.quiet()

        machine.router_is(OTHER)
        assert told.until(1) == [["network", "gateway"]]
        with machine.tunnel():
            machine.at_once("route add 0.0.0.0/1 dev wg0", "route add 128.0.0.0/1 dev wg0")
            assert told.until(1) == [["network", "routes"]]
        assert told.until(1) == [["network", "routes"]]
        machine.ip("link", "set", "out", "down")
        assert told.until(1)[0][0] == "network"


def test_the_place_is_its_router_whatever_a_vpn_does(machine: Machine) -> None:
    assert machine.here() == "None"
    machine.plug_in()
    office = machine.here()
    assert len(office) == 32
    with machine.tunnel():
        machine.ip("route", "add", "default", "dev", "wg0", "metric", "0", "table", "51820")
        for half in ("0.0.0.0/1", "128.0.0.0/1"):
            machine.ip("route", "add", half, "dev", "wg0")
        assert machine.here() == office
    machine.ip("route", "delete", "default")
    machine.at_router("address", "add", "2001:db8:7::1/64", "dev", "in", "nodad")
    machine.ip("address", "add", "2001:db8:7::9/64", "dev", "out", "nodad")
    machine.ip("-6", "route", "add", "default", "via", "2001:db8:7::1")
    assert machine.here() == office
    machine.router_is(OTHER)
    assert machine.here() not in (office, "None")


def test_resolvers_proxy_and_trust_that_change_are_told_once_and_only_then(
    machine: Machine, tmp_path: Path
) -> None:
    root = files(tmp_path)
    clients.trust(root / "home/u/.pki/nssdb", _pem(tmp_path, "first"))
    with machine.watched(root) as told:
        (root / "etc/resolv.conf").write_text("nameserver 9.9.9.9\n")
        assert told.until(1) == [["network", "resolvers"]]
        (root / "etc/environment").write_text('https_proxy="http://p.example:3128"\n')
        assert told.until(1) == [["proxy", "http://p.example:3128"]]

        bundle = root / "etc/ssl/certs/ca-certificates.crt"
        beside = bundle.with_suffix(".new")
        beside.write_bytes(bundle.read_bytes())
        beside.rename(bundle)
        (root / "etc/hostname").write_text("x")
        assert told.quiet(1.8)

        # In a copy, which takes its place at once: certutil writes several times, and may be late between them.
        store, copy = root / "home/u/.pki/nssdb", tmp_path / "copy"
        shutil.copytree(store, copy)
        command = [
            find("certutil"), "-A", "-d", f"sql:{copy}", "-n", "second", "-t", "C,,",
            "-i", str(_pem(tmp_path, "second")),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        (copy / "cert9.db").rename(store / "cert9.db")
        ((kind, about),) = told.until(1)
        assert (kind, Path(about).name) == ("trust", "cert9.db")
        own = root / "usr/local/share/ca-certificates/own.crt"
        own.write_text(LabPki().root.pem)
        assert told.until(1) == [["trust", str(own)]]


def _pem(folder: Path, name: str) -> Path:
    path = folder / f"{name}.pem"
    path.write_text(LabPki().root.pem)
    return path


# Every name is the router's; who logs in is let through to what the owners answer.
_CAPTIVE = 'return 302 "http://login.hotel.example/?from=$host";'
_NGINX = """
daemon off; master_process off; pid {at}/pid; error_log stderr; events {{}}
http {{
  access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p;
  fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
  server {{ listen 80; location / {{ {answer} }} }}
}}
"""
_FILTER = "return 403 'blocked by policy';"
_OPEN = "\n".join(
    f'if ($host = "{row.url.split("/")[2]}") {{ return {row.status}{f" '{row.body}'" if row.body else ""}; }}'
    for row in connectivity_checks()
)


def test_a_portal_is_told_from_a_filter_from_the_internet_and_from_nothing(
    machine: Machine, tmp_path: Path
) -> None:
    """With dnsmasq and nginx, as portals are made."""
    assert machine.portal() == "offline"
    machine.plug_in()
    tmp_path.chmod(0o755)
    settings = tmp_path / "nginx.conf"
    at = machine.command(router=True)
    resolver = [
        *at, find("dnsmasq"), "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null",
        f"--address=/#/{ROUTER}", "--user=root", f"--pid-file={tmp_path}/dns",
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    server = [*at, find("nginx"), "-c", str(settings), "-e", "stderr"]
    expected: tuple[tuple[str, PortalState], ...] = (
        (_CAPTIVE, "captive"), (_FILTER, "unknown"), (_OPEN, "open"),
    )  # fmt: skip
    with subprocess.Popen(resolver, stdout=quiet, stderr=quiet) as names:
        try:
            for answer, said in expected:
                settings.write_text(_NGINX.format(at=tmp_path, answer=answer))
                with subprocess.Popen(server, stdout=quiet, stderr=quiet) as pages:
                    try:
                        machine.wait_for("udp", 53)
                        machine.wait_for("tcp", 80)
                        assert machine.portal() == said
                    finally:
                        pages.terminate()
        finally:
            names.terminate()


def test_gnomes_proxy_is_asked_once_for_each_writing_of_its_file(tmp_path: Path) -> None:
    """The real gsettings, over a keyfile: no session is needed for it."""
    home = tmp_path / "home"
    dconf = home / ".config/dconf/user"
    dconf.parent.mkdir(parents=True)
    dconf.write_bytes(b"1")
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"),
        "GSETTINGS_BACKEND": "keyfile",
    }  # fmt: skip

    def settle(*words: str) -> None:
        command = [find("gsettings"), "set", *words]
        subprocess.run(command, env=environment, check=True, capture_output=True)

    settle("org.gnome.system.proxy.https", "host", "gnome.example")
    settle("org.gnome.system.proxy.https", "port", "3128")
    settle("org.gnome.system.proxy", "mode", "manual")
    sense = ProxySense(environment, (home,), tmp_path, desktop=True)
    assert sense.now()[0] == "http://gnome.example:3128"
    settle("org.gnome.system.proxy", "mode", "none")
    assert sense.now()[0] == "http://gnome.example:3128"
    dconf.write_bytes(b"12")
    assert sense.now() == ()
