"""Where a stranger's address may lead, with this machine's own resolver."""

from __future__ import annotations

import asyncio
import ipaddress

import httpx
import pytest

from detector.errors import DialError, RefusedError
from detector.net.pointed import Pointer, addresses_for, kind_of

OUTSIDE = Pointer("8.8.8.8")


def ways(url: str, pointer: Pointer = OUTSIDE, *, proxied: bool = False) -> list[str]:
    return asyncio.run(addresses_for(httpx.URL(url), pointer, proxied=proxied))


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("1.1.1.1", None), ("2606:4700::1111", None), ("64:ff9b::101:101", None),
        ("127.9.9.9", "loopback"), ("::1", "loopback"), ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"), ("2002:7f00:1::", "loopback"), ("::7f00:1", "loopback"),
        ("2001:0:808:808::80ff:fffe", "loopback"),
        ("10.0.0.1", "private"), ("172.31.0.1", "private"), ("192.168.0.1", "private"),
        ("fd00::1", "private"), ("fec0::1", "private"), ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::a00:1", "private"), ("64:ff9b:1::a00:1", "private"), ("2002:a00:1::1", "private"),
        ("100.64.0.1", "shared"), ("169.254.1.1", "link-local"), ("fe80::1", "link-local"),
        ("169.254.169.254", "metadata"), ("::ffff:169.254.169.254", "metadata"),
        ("64:ff9b::a9fe:a9fe", "metadata"), ("fd00:ec2::254", "metadata"),
        ("168.63.129.16", "metadata"), ("100.100.100.200", "metadata"),
        ("224.0.0.1", "multicast"), ("ff02::1", "multicast"), ("0.0.0.0", "nobody's"),
        ("::", "nobody's"), ("255.255.255.255", "nobody's"),
        ("192.0.2.1", "reserved"), ("198.18.0.1", "reserved"), ("240.0.0.1", "reserved"),
        ("2001:db8::1", "reserved"),
    ],
)  # fmt: skip
def test_every_form_of_an_address_is_of_the_kind_of_what_is_reached(
    address: str, kind: str | None
) -> None:
    assert kind_of(ipaddress.ip_address(address)) == kind


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
        "http://127.1/", "http://0x7f000001/", "http://2130706433/",
        "http://10.0.0.1/", "http://[64:ff9b::10.0.0.1]/", "http://169.254.169.254/",
        "http://0.0.0.0/", "http://[fe80::1]/", "http://100.64.0.1/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("proxied", [False, True], ids=["straight", "proxied"])
def test_a_peer_of_the_internet_leads_nobody_inside(url: str, proxied: bool) -> None:
    with pytest.raises(RefusedError, match="not asked"):
        ways(url, proxied=proxied)
    with pytest.raises(RefusedError, match="not asked"):
        ways(url, Pointer(None), proxied=proxied)


def test_a_peer_leads_to_addresses_of_its_own_kind_alone() -> None:
    assert ways("http://10.0.0.1/", Pointer("192.168.7.7")) == ["10.0.0.1"]
    assert ways("http://[fd00::1]/", Pointer("10.7.7.7")) == ["fd00::1"]
    with pytest.raises(RefusedError, match=r"127\.0\.0\.1 is a loopback address, where the peer"):
        ways("http://127.0.0.1/", Pointer("10.7.7.7"))
    with pytest.raises(RefusedError, match="a private address"):
        ways("http://10.0.0.1/", Pointer("127.0.0.1"))


def test_a_public_address_is_everybodys() -> None:
    assert ways("http://1.1.1.1/ca.der") == ["1.1.1.1"]
    assert ways("http://1.1.1.1/ca.der", Pointer("10.0.0.1")) == ["1.1.1.1"]


def test_the_metadata_service_is_nobodys_not_even_a_neighbours() -> None:
    with pytest.raises(RefusedError, match="metadata service"):
        ways("http://169.254.169.254/", Pointer("169.254.169.254"))


@pytest.mark.parametrize(
    "url", ["http://1.1.1.1:22/", "http://1.1.1.1:6379/", "https://1.1.1.1:8443/"]
)
def test_other_ports_than_the_webs_are_refused(url: str) -> None:
    for proxied in (False, True):
        with pytest.raises(RefusedError, match="is none of 80, 443, 8080"):
            ways(url, proxied=proxied)


@pytest.mark.parametrize("url", ["ftp://1.1.1.1/", "file:///etc/passwd", "gopher://1.1.1.1/"])
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(RefusedError, match="neither http"):
        ways(url)


def test_on_loopback_where_the_peer_is_too_every_port_may_be_named() -> None:
    assert ways("http://127.0.0.1:41234/", Pointer("127.0.0.1")) == ["127.0.0.1"]
    assert ways("http://127.0.0.1:41234/", Pointer("::1")) == ["127.0.0.1"]
    with pytest.raises(RefusedError, match="is none of"):
        ways("http://10.0.0.1:41234/", Pointer("10.0.0.1"))


def test_a_proxy_resolves_names_itself() -> None:
    assert ways("http://pki.example.com/", proxied=True) == []
    assert ways("http://192.168.0.1/", Pointer("10.0.0.1"), proxied=True) == []


def test_a_name_that_does_not_resolve_is_told_as_such() -> None:
    with pytest.raises(DialError, match="does not resolve"):
        ways("http://does-not-exist.invalid/")


def test_what_is_told_repeats_no_password_and_no_query() -> None:
    with pytest.raises(RefusedError) as caught:
        ways("http://user:secret@10.0.0.1/ca.der?token=secret")
    assert "secret" not in str(caught.value)
