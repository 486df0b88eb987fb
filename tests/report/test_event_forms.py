"""Events as other systems read them: escaped right whatever a stranger's certificate says, bounded, and without loss
of what matters. That other people's readers agree is in tests/live/test_event_readers.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from detector.agent.sinks.journald import entry
from detector.report.check_json import InterceptorRecord
from detector.report.event_cef import event_cef
from detector.report.event_ecs import encode_ecs, event_ecs
from detector.report.event_facts import action, facts
from detector.report.event_forms import form
from detector.report.event_json import EventRecord, decode_event, encode_event
from detector.report.event_ocsf import encode_ocsf, event_ocsf
from detector.report.event_syslog import event_syslog
from tests.agent.sample_events import finding, heartbeat, notice

ALL = (finding(1), finding(2, "changed"), finding(3, "closed"), finding(4, what="trust"), heartbeat(5), notice(6, "events-lost", "siem"))  # fmt: skip
NASTY = 'a|b\\c=d e]f"g\\n\r\nh\tü\u202e\x1b[31m\x00 cs1=x'
_text = st.text(max_size=300) | st.sampled_from(
    [NASTY, NASTY * 20, "\\", "=", "]", '"', "|", "{\x1b", '{"a":']
)


def hostile(text: str, event: EventRecord = ALL[0]) -> EventRecord:
    """The sample with a stranger's text wherever one may come from."""
    assert event.check is not None
    assert event.finding is not None
    return structs.replace(
        event,
        device=structs.replace(event.device, name=text),
        changes=(text, text),
        finding=structs.replace(event.finding, subject=f"issuer:{text}", hosts=(f"{text}:443",)),
        check=structs.replace(
            event.check, interceptor=InterceptorRecord(None, text, None, text, None), summary=text
        ),
    )


hostile_events = st.builds(hostile, _text) | st.builds(
    lambda text: structs.replace(ALL[5], notice=structs.replace(ALL[5].notice, text=text, about=text)),
    _text,
)  # fmt: skip


def cef_read(line: str) -> tuple[list[str], dict[str, str]]:
    """By the rules of the format's own document, written down once more."""
    fields, field, at = [], "", 0
    while len(fields) < 7:
        if line[at] == "\\":
            assert line[at + 1] in "\\|"
            field, at = field + line[at + 1], at + 2
        elif line[at] == "|":
            fields.append(field)
            field, at = "", at + 1
        else:
            field, at = field + line[at], at + 1
    raw: dict[str, str] = {}
    key, rest = "", line[at:]
    parts: list[str] = [""]
    n = 0
    while n < len(rest):
        if rest[n] == "\\":
            assert rest[n + 1] in "\\=nr"
            parts[-1] += {"n": "\n", "r": "\r"}.get(rest[n + 1], rest[n + 1])
            n += 2
            continue
        if rest[n] == "=":
            before, _, following = parts[-1].rpartition(" ")
            if key:
                raw[key] = before
            key = following
            parts.append("")
        else:
            parts[-1] += rest[n]
        n += 1
    raw[key] = parts[-1]
    return fields, raw


@settings(deadline=None, max_examples=60)
@given(hostile_events)
def test_cef_is_one_line_that_reads_back(event: EventRecord) -> None:
    line = event_cef(event)
    assert line.isprintable()
    header, extension = cef_read(line)
    assert header[:4] == ["CEF:0", "tlsight", "tlsight", "1.2.3"]
    assert header[4] == action(event)
    assert len(header[5]) <= 512
    assert extension["externalId"] == event.id
    known = facts(event)
    for key, name in (("cs1", "issuer"), ("cs6", "subject"), ("flexString2", "about")):
        assert extension.get(key) == known.get(name)
        assert extension.get(f"{key}Label") == (name if name in known else None)
    assert all(key.isascii() and key.isalnum() for key in extension)


def syslog_read(message: bytes) -> tuple[list[str], dict[str, str], bytes]:
    """By section 6 of RFC 5424."""
    *words, rest = message.split(b" ", 6)
    fields = [word.decode("ascii") for word in words]
    if not rest.startswith(b"["):
        return fields, {}, rest.partition(b" ")[2]
    pairs: dict[str, str] = {}
    text = rest[1:].decode()
    name, _, text = text.partition(" ")
    assert name == "tlsight@32473"
    while True:
        key, _, text = text.partition('="')
        value = ""
        while text[0] != '"':
            assert text[0] != "]"
            if text[0] == "\\":
                assert text[1] in '"\\]'
                text = text[1:]
            value, text = value + text[0], text[1:]
        pairs[key] = value
        text = text[1:]
        if text.startswith("] "):
            return fields, pairs, text[2:].encode()
        assert text.startswith(" ")
        text = text[1:]


@settings(deadline=None, max_examples=60)
@given(hostile_events)
def test_syslog_has_seven_fields_of_ascii_and_structured_data_that_read_back(
    event: EventRecord,
) -> None:
    message = event_syslog(event)
    assert len(message) <= 8192
    fields, pairs, text = syslog_read(message)
    assert len(fields) == 6
    assert all(field and field.isascii() and field.isprintable() for field in fields)
    assert len(fields[2]) <= 255
    assert fields[5] == action(event)
    assert len(fields[5]) <= 32
    assert pairs == facts(event)
    assert text.isascii() or text.startswith(b"\xef\xbb\xbf")
    assert text.decode("utf-8-sig").isprintable()


@pytest.mark.parametrize("name", ["ndjson", "ecs", "ocsf"])
def test_syslog_carries_json_without_a_byte_order_mark_and_never_cut(name: str) -> None:
    event = hostile("ü" * 50, finding(1, padding=9000))
    writes: Callable[[EventRecord], bytes] = form(name)  # type: ignore[arg-type]
    for limit in (1024, 2048, 8192, 1 << 20):
        message = event_syslog(event, writes, limit=limit)
        assert len(message) <= limit
        _, _, text = syslog_read(message)
        assert text.isascii() or text.startswith(b"\xef\xbb\xbf")
        if text.startswith(b"{"):
            json.loads(text)
    assert message.partition(b"] {")[2]
    whole = event_syslog(event, writes, limit=1 << 20)
    assert json.loads(syslog_read(whole)[2]) == json.loads(writes(event))


def test_what_a_limit_leaves_out_goes_in_this_order() -> None:
    event = finding(1, padding=9000)
    left = []
    for limit in (1 << 20, 12_000, 4000, 1024):
        text = syslog_read(event_syslog(event, encode_event, limit=limit))[2]
        if not text.startswith(b"{"):
            left.append("headline")
            continue
        told = decode_event(text)
        left.append("all" if told.observation else "check" if told.check else "finding")
    assert left == ["all", "check", "finding", "headline"]


@settings(deadline=None, max_examples=40)
@given(hostile_events)
def test_ecs_and_ocsf_are_json_of_the_same_event_whatever_a_stranger_says(
    event: EventRecord,
) -> None:
    for write in (encode_ecs, encode_ocsf):
        line = write(event)
        assert b"\n" not in line
        json.loads(line)
    assert event_ecs(event)["event"]["id"] == event.id
    assert event_ocsf(event)["metadata"]["uid"] == event.id


def test_a_finding_is_one_ocsf_finding_from_its_opening_to_its_closing() -> None:
    life = [finding(9), finding(9, "changed"), finding(9, "closed")]
    made = [event_ocsf(event) for event in life]
    assert [one["activity_id"] for one in made] == [1, 2, 3]
    assert [one["type_uid"] for one in made] == [200401, 200402, 200403]
    assert [one["status"] for one in made] == ["New", "In Progress", "Resolved"]
    assert {one["finding_info"]["uid"] for one in made} == {f"{9:032x}"}
    assert [one["severity_id"] for one in made] == [4, 4, 1]
    assert [one["is_alert"] for one in made] == [True, True, False]
    allowed = event_ocsf(structs.replace(life[0], sanctioned=True))
    assert (allowed["status"], allowed["is_alert"], allowed["severity_id"]) == ("Suppressed", False, 1)  # fmt: skip
    kinds = {one["type"] for one in made[0]["observables"]}
    assert kinds == {"Hostname", "IP Address", "Fingerprint"}


def test_addresses_go_where_addresses_belong() -> None:
    event = finding(1, hosts=("[2001:db8::1]:8443",))
    ecs = event_ecs(event)
    assert ecs["destination"] == {"address": "2001:db8::1", "ip": "2001:db8::1", "port": 8443}
    endpoint = event_ocsf(event)["evidences"][0]["dst_endpoint"]
    assert endpoint == {"ip": "2001:db8::1", "port": 8443}


def test_ecs_says_alert_only_while_somebody_should_care() -> None:
    kinds = [event_ecs(event)["event"]["kind"] for event in ALL]
    assert kinds == ["alert", "alert", "event", "alert", "state", "event"]
    allowed = event_ecs(structs.replace(ALL[0], sanctioned=True))["event"]
    assert (allowed["kind"], allowed["type"]) == ("event", ["info", "allowed"])


def test_the_text_form_is_a_line_for_people() -> None:
    assert form("text")(hostile(NASTY)).decode().isprintable()
    assert form("text")(ALL[4]) == b"2026-11-30T12:00:05Z info alive, 0 findings here"


@settings(deadline=None, max_examples=40)
@given(hostile_events)
def test_the_journals_entry_has_only_the_fields_that_were_meant(event: EventRecord) -> None:
    data = entry(event, observation=False)
    names = []
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, _ = line.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            assert rest[8 + size : 9 + size] == b"\n"
            rest = rest[9 + size :]
        names.append(name.decode())
        data = rest
    expected = {f"TLSIGHT_{name.upper().replace('-', '_')}" for name in facts(event)}
    assert set(names) == expected | {
        "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "TLSIGHT_EVENT",
    }  # fmt: skip
    assert len(names) == len(set(names))
