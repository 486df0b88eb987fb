"""Where a proxy is set, as each of them writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.agent.senses.proxies import ProxySense, of_gnome, of_kde, of_variables

# As gsettings of GNOME 43 prints it.
GNOME = """\
org.gnome.system.proxy autoconfig-url 'http://wpad.corp.example/wpad.dat'
org.gnome.system.proxy ignore-hosts ['localhost', '127.0.0.0/8', '::1']
org.gnome.system.proxy mode '{mode}'
org.gnome.system.proxy use-same-proxy true
org.gnome.system.proxy.http authentication-password 'secret'
org.gnome.system.proxy.http host 'proxy.corp.example'
org.gnome.system.proxy.http port 8080
org.gnome.system.proxy.https host 'proxy.corp.example'
org.gnome.system.proxy.https port 8443
org.gnome.system.proxy.socks host ''
org.gnome.system.proxy.socks port 0
"""


def test_variables_count_in_their_order_without_log_ins() -> None:
    environment = {
        "HTTPS_PROXY": "http://me:secret@p:3128",
        "http_proxy": "q:80",
        "auto_proxy": "http://w/pac",
    }
    assert list(of_variables(environment)) == ["http://p:3128", "http://q:80", "pac+http://w/pac"]


def test_what_is_no_proxy_names_none() -> None:
    assert list(of_variables({"https_proxy": "http://[", "all_proxy": "gopher://x"})) == []


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ("none", []),
        ("auto", ["pac+http://wpad.corp.example/wpad.dat"]),
        ("manual", ["http://proxy.corp.example:8443", "http://proxy.corp.example:8080"]),
    ],
)
def test_gnome_says_so(mode: str, found: list[str]) -> None:
    assert list(of_gnome(GNOME.format(mode=mode))) == found


def test_kde_says_so() -> None:
    text = "[Other]\nProxyType=9\n[Proxy Settings]\nProxyType={}\nhttpsProxy=http://kde.example 3128\nProxy Config Script=http://w/p\n"
    assert list(of_kde(text.format(1))) == ["http://kde.example:3128"]
    assert list(of_kde(text.format(2))) == ["pac+http://w/p"]
    assert list(of_kde(text.format(3))) == ["pac+"]
    assert list(of_kde(text.format(0))) == []


def test_files_for_everybody_are_read_and_read_again(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    file = tmp_path / "etc/environment"
    sense = ProxySense({}, root=tmp_path)
    assert sense.now() == ()
    file.write_text('export https_proxy="http://everybody.example:1"\n')
    assert sense.now() == ("http://everybody.example:1",)
    assert ProxySense({"https_proxy": "http://own:2"}, root=tmp_path).now()[0] == "http://own:2"
