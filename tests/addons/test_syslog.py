"""Heads reach a real listener of each kind, in the words of RFC 5424; one that is away costs no decision."""

from __future__ import annotations

import re
import socket
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from addons.bypass.head_line import heads_in
from addons.bypass.rule import RuleRow
from addons.store.bypass_store import BypassStore
from addons.store.syslog import SYSLOG_VARIABLE, parse_syslog, store_name
from detector.errors import ConfigError
from tests.addons.conftest import Clock

# RFC 5424 section 6: HEADER SP STRUCTURED-DATA SP MSG.
LINE = re.compile(
    rb"<85>1 2026-11-23T09:00:00\+00:00 [!-~]{1,255} tlsight \d+ bypass-audit"
    rb' \[tlsight@32473 store="[^"\n]+" entry="1" digest="[0-9a-f]{64}" key="[0-9a-f]{64}"'
    rb' signature="[0-9a-f]{128}"\] add a.example by ann'
)
Receive = Callable[[], bytes]


@contextmanager
def listening(kind: str) -> Generator[tuple[str, Receive]]:
    """An address for the variable, and what gives one message."""
    with tempfile.TemporaryDirectory(prefix="tlsight-") as folder:
        if kind.startswith("unix"):
            style = socket.SOCK_DGRAM if kind == "unix-dgram" else socket.SOCK_STREAM
            bound = socket.socket(socket.AF_UNIX, style)
            bound.bind(f"{folder}/log")
            where = f"unix:{folder}/log"
        else:
            style = socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
            bound = socket.socket(socket.AF_INET, style)
            bound.bind(("127.0.0.1", 0))
            where = f"{kind}://127.0.0.1:{bound.getsockname()[1]}"
        bound.settimeout(30)

        def receive() -> bytes:
            if style == socket.SOCK_DGRAM:
                return bound.recv(4096)
            connection, _ = bound.accept()
            with connection, connection.makefile("rb") as file:
                return file.read()

        if style == socket.SOCK_STREAM:
            bound.listen()
        with bound:
            yield where, receive


@pytest.mark.parametrize("kind", ["unix-dgram", "unix-stream", "udp", "tcp"])
def test_a_decision_is_told_to_the_syslog_that_is_named(
    kind: str, tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "b.sqlite3"
    with (
        listening(kind) as (where, receive),
        BypassStore(path, clock, "ann", environment={SYSLOG_VARIABLE: where}) as store,
    ):
        store.add_rule(RuleRow(host="a.example"))
        said = receive()
        (head,) = heads_in([said.decode()], store_name(path), ())
        assert head.digest == next(iter(store.audit())).digest
    line = said
    if kind == "tcp":  # RFC 6587 section 3.4.1
        length, _, line = said.partition(b" ")
        assert int(length) == len(line)
    assert LINE.fullmatch(line.removesuffix(b"\n"))


def test_a_syslog_that_is_away_costs_no_decision_and_is_told(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    environment = {SYSLOG_VARIABLE: f"unix:{tmp_path}/none"}
    with BypassStore(tmp_path / "b.sqlite3", clock, environment=environment) as store:
        store.add_rule(RuleRow(host="a.example"))
        assert [one.action for one in store.audit()] == ["add"]
    assert "syslog was not told: No such file or directory" in caplog.text


def test_many_entries_of_one_decision_are_one_line(tmp_path: Path, clock: Clock) -> None:
    with (
        listening("udp") as (where, receive),
        BypassStore(tmp_path / "b", clock, environment={SYSLOG_VARIABLE: where}) as store,
    ):
        store.import_rules([RuleRow(host=f"h{n}.example") for n in range(2500)], "list")
        assert b'entry="3"' in receive()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("/dev/log", ("unix", "/dev/log", "", 0)),
        ("unix:/run/x", ("unix", "/run/x", "", 0)),
        ("udp://log.example", ("udp", "", "log.example", 514)),
        ("tcp://[2001:db8::1]:6514", ("tcp", "", "2001:db8::1", 6514)),
    ],
)
def test_where_to_is_written_as_an_address(text: str, meant: tuple[object, ...]) -> None:
    assert parse_syslog(text) == meant


@pytest.mark.parametrize(
    "text", ["log.example", "http://x", "udp://", "tcp://x:99999", "udp://x/y"]
)
def test_what_is_no_address_is_refused_before_anything_is_done(
    text: str, tmp_path: Path, clock: Clock
) -> None:
    with pytest.raises(ConfigError, match="is no syslog"):
        BypassStore(tmp_path / "b", clock, environment={SYSLOG_VARIABLE: text})
    assert list(tmp_path.iterdir()) == []
