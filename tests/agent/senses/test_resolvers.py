"""Whom names are asked of, behind local resolvers, too."""

from __future__ import annotations

from pathlib import Path

from detector.agent.senses.resolvers import nameservers, read_resolvers, resolvers

# As systemd-resolved and NetworkManager write them.
STUB = "# This is /run/systemd/resolve/stub-resolv.conf managed by man:systemd-resolved(8).\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch corp.example\n"
UPLINK = "nameserver 10.1.2.1\nnameserver fe80::1%eth0\nsearch corp.example\n"


def test_a_stub_is_looked_behind() -> None:
    assert resolvers((STUB, UPLINK)) == ("10.1.2.1", "fe80::1")


def test_a_stub_with_nothing_behind_is_itself() -> None:
    assert resolvers((STUB, "")) == ("127.0.0.53",)


def test_their_order_and_what_is_no_address_do_not_count() -> None:
    text = "nameserver 9.9.9.9\n nameserver 1.1.1.1\nnameserver dns.example\n#nameserver 8.8.8.8\nnameserver"
    assert nameservers(text) == ("1.1.1.1", "9.9.9.9")


def test_files_that_are_not_there_or_are_no_files_name_nobody(tmp_path: Path) -> None:
    (tmp_path / "etc/resolv.conf").mkdir(parents=True)
    assert read_resolvers(tmp_path) == ()
