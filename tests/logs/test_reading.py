"""Files of any shape: recognised, mixed, rotated, damaged, endless lines."""

from __future__ import annotations

import io
import random

import pytest

from detector.errors import ConfigError
from tests.logs.reader import read, reader
from tests.logs.test_programs import TRANSCRIPTS

NGINX = TRANSCRIPTS[0][0]


def test_a_log_of_several_programs_is_read_line_by_line() -> None:
    mixed = "\n".join(lines for lines, wanted in TRANSCRIPTS if wanted.program != "go") + "\n"
    found = {event.program for event in read(mixed)}
    assert found == {wanted.program for _, wanted in TRANSCRIPTS} - {"go"}


def test_what_is_no_known_log_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match="no known program's log; name it: --format"):
        read("some words\nand others\n")


def test_an_unknown_format_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigError, match="none of nginx, apache"):
        reader("iptables")


def test_blocks_of_any_size_give_the_same() -> None:
    text = ((NGINX + "\n") * 50).encode()
    wanted = read(text, "nginx")
    assert len(wanted) == 50
    for size in (10, 97, 1000):
        stream = io.BytesIO(text)
        found = list(reader("nginx").events(lambda _, s=stream, n=size: s.read(n)))
        assert found == wanted


def test_a_line_without_end_costs_itself_alone() -> None:
    stream = iter([b"x" * (1 << 20)] * 40 + [b"\n" + NGINX.encode() + b"\n"])
    found = list(reader("nginx").events(lambda _: next(stream, b"")))
    assert [event.cause for event in found] == ["untrusted-root"]


def test_bytes_that_are_no_text_are_passed_over() -> None:
    data = bytes(random.Random(1).randbytes(5000)) + b"\n" + NGINX.encode() + b"\r\n\xff\xfe\n"
    assert [event.peer for event in read(data, "nginx")] == ["192.0.2.7"]
    strange = NGINX.replace("SSL_do_handshake()", "SSL_do\udc80\x00handshake()").encode(
        "utf-8", "surrogateescape"
    )
    assert [event.peer for event in read(strange, "nginx")] == ["192.0.2.7"]


def test_an_empty_log_has_nothing_to_say() -> None:
    assert read("") == []


def test_two_lines_of_one_failure_are_one_event_however_they_are_mixed() -> None:
    lines = [
        "[Tue Nov 24 00:23:26.1 2026] [ssl:info] [pid {p}:tid 9] [client 192.0.2.{p}:1] AH02008: SSL library error"
        " 1 in handshake (server a.example:443)",
        "[Tue Nov 24 00:23:26.2 2026] [ssl:info] [pid {p}:tid 9] SSL Library Error: error:0A000418:SSL"
        " routines::tlsv1 alert unknown ca",
    ]
    text = "\n".join(line.format(p=p) for line in lines for p in range(1, 6))
    found = read(text + "\n")
    assert sorted(e.peer or "" for e in found) == [f"192.0.2.{p}" for p in range(1, 6)]
    assert {e.cause for e in found} == {"untrusted-root"}


def test_a_failure_whose_reason_never_comes_is_told_without() -> None:
    (event,) = read(
        "Nov 24 00:23:46 mail postfix/smtpd[12]: SSL_accept error from a.example[192.0.2.7]: -1\n"
    )
    assert event.peer == "192.0.2.7"


EXPORT = (
    b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795479826000000\nSYSLOG_IDENTIFIER=postfix/smtpd\n_PID=12\n"
    b"MESSAGE=SSL_accept error from a.example[192.0.2.7]: lost connection\n\n"
    b"__CURSOR=s=2\n__REALTIME_TIMESTAMP=1795479827000000\n_COMM=nginx\n_PID=13\nMESSAGE\n"
    + (9).to_bytes(8, "little") + b"two\nlines\n\n"
)  # fmt: skip


def test_a_journals_export_is_read() -> None:
    (event,) = read(EXPORT)
    assert (event.program, event.peer, event.at) == ("postfix", "192.0.2.7", 1795479826.0)


def test_a_journal_in_json_is_read() -> None:
    line = (
        '{"__REALTIME_TIMESTAMP":"1795479826000000","SYSLOG_IDENTIFIER":"postfix/smtpd","_PID":"12",'
        '"MESSAGE":"SSL_accept error from a.example[192.0.2.7]: lost connection"}\n'
    )
    (event,) = read(line * 1)
    assert (event.program, event.cause) == ("postfix", "closed-during-handshake")


XML = """<Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>
<Provider Name='Schannel'/><EventID>{id}</EventID><TimeCreated SystemTime='2026-11-24T00:24:15.1234567Z'/></System>
<EventData><Data Name='AlertDesc'>{alert}</Data></EventData></Event></Events>"""


@pytest.mark.parametrize(
    ("number", "alert", "cause", "complainant"),
    [
        (36887, 48, "untrusted-root", "client"),
        (36887, 45, "certificate-expired", "client"),
        (36888, 40, "no-shared-cipher", "server"),
        (36874, 0, "no-shared-cipher", "server"),
        (36884, 0, "hostname-mismatch", "client"),
    ],
)
def test_schannels_events_as_xml(number: int, alert: int, cause: str, complainant: str) -> None:
    (event,) = read(XML.format(id=number, alert=alert))
    assert (event.cause, event.complainant) == (cause, complainant)
    assert event.at == pytest.approx(1795479855.12, abs=0.01)


def test_schannels_events_as_csv() -> None:
    text = (
        "Level,Date and Time,Source,Event ID,Task Category\n"
        'Error,11/24/2026 1:02:03 PM,Schannel,36887,None,"A fatal alert was received from the remote endpoint.'
        ' The TLS protocol defined fatal alert code is 46."\n'
    )
    (event,) = read(text)
    assert (event.cause, event.alert) == ("untrusted-root", 46)


@pytest.mark.parametrize("number", ["36887\x1f", " 36887 ", "\u0663\u0666\u0668\u0668\u0667"])
def test_an_events_number_is_read_however_it_is_written(number: str) -> None:
    text = (
        f"Level,Date and Time,Source,Event ID,Message\nError,x,Schannel,{number},alert code is 48\n"
    )
    (event,) = read(text)
    assert event.alert == 48


@pytest.mark.parametrize("number", ["\u00b2", "9" * 5000, "", "x"])
def test_what_is_no_number_is_no_event(number: str) -> None:
    text = (
        f"Level,Date and Time,Source,Event ID,Message\nError,x,Schannel,{number},alert code is 48\n"
    )
    assert read(text) == []
    assert read(XML.format(id=36887, alert=number or "y")) == []


def test_a_port_of_thousands_of_digits_is_none() -> None:
    line = "Nov 24 00:23:26 mx postfix/smtpd[9]: SSL_accept error from a.example[192.0.2.7]:{}: lost connection\n"
    (event,) = read(line.format("9" * 5000))
    assert (event.peer, event.port) == ("192.0.2.7", None)
    (event,) = read(line.format("2525"))
    assert event.port == 2525
