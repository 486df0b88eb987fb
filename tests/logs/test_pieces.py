"""Pieces of log lines: each is taken once, in order, and addresses come with their port."""

from __future__ import annotations

import re
import time

import pytest

from detector.logs.pieces import (
    ADDRESS_PORT,
    PEER,
    PEER_PORT,
    here,
    in_order,
    last,
    maybe,
    maybe_last,
    then,
)


@pytest.mark.parametrize(
    ("text", "peer", "port"),
    [
        (b"192.0.2.7:5000", b"192.0.2.7", b"5000"),
        (b"from 192.0.2.7:5000: EOF", b"192.0.2.7", b"5000"),
        (b"from 192.0.2.7:5000.", b"192.0.2.7", b"5000"),
        (b"[client 192.0.2.7:5000]", b"192.0.2.7", b"5000"),
        (b"[2001:db8::1]:443 [", b"2001:db8::1", b"443"),
        (b"2001:db8::1:443 [", b"2001:db8::1", b"443"),
        (b"[[::1]:443] x", b"::1", b"443"),
        (b"[client 2001:db8::1:5000] x", b"2001:db8::1", b"5000"),
        (b"::ffff:192.0.2.7:5000 x", b"::ffff:192.0.2.7", b"5000"),
        (b'"https://192.0.2.7:443/"', b"192.0.2.7", b"443"),
        (b"[AF_INET]192.0.2.7:1194 TLS", b"192.0.2.7", b"1194"),
    ],
)
def test_an_address_ends_where_its_port_begins(text: bytes, peer: bytes, port: bytes) -> None:
    found = re.search(PEER_PORT, text)
    assert found is not None
    assert (found["peer"], found["port"]) == (peer, port)
    bare = re.search(ADDRESS_PORT, text)
    assert bare is not None
    assert bare[0] == found[0]


@pytest.mark.parametrize("text", [b"192.0.2.7", b"no address", b"a b:c"])
def test_without_a_port_there_is_no_address_with_one(text: bytes) -> None:
    assert re.search(PEER_PORT, text) is None


def test_pieces_are_found_in_their_order_alone() -> None:
    both = in_order(then(rb"a=(?P<a>\d++)"), then(rb"b=(?P<b>\d++)"))
    found = both.search(b"x a=1 a=2 b=3 b=4")
    assert found is not None
    assert found.groups() == (b"1", b"3")
    assert both.search(b"b=3 a=1") is None


def test_the_last_place_is_taken_where_it_is_asked_for() -> None:
    found = in_order(then(rb"from "), last(rb"host=(?P<host>\w++)")).search(b"from host=a host=b")
    assert found is not None
    assert found["host"] == b"b"


def test_what_may_be_missing_is_looked_for_in_front_of_what_follows() -> None:
    row = in_order(maybe(rb"\[(?P<key>\d++)\]", before=rb"failed"), then(rb"failed: (?P<why>.*)"))
    for line, key in ((b"[7] failed: x", b"7"), (b"failed: [7]", None), (b"failed: x", None)):
        found = row.search(line)
        assert found is not None
        assert found["key"] == key


def test_the_rest_of_a_line_may_have_more_or_not() -> None:
    row = in_order(then(rb"failed"), here(rb": (?P<why>\w++)"), maybe_last(rb"rip=" + PEER))
    for line, peer in ((b"failed: x, rip=::1, rip=::2", b"::2"), (b"failed: x", None)):
        found = row.search(line)
        assert found is not None
        assert found["peer"] == peer


def test_beginnings_without_an_end_cost_no_more_than_their_length() -> None:
    row = in_order(then(PEER_PORT + rb" \["), then(rb"\] end"))
    line = b"1:1 [" * 20_000
    start = time.process_time()
    assert row.search(line) is None
    assert time.process_time() - start < 1.0
