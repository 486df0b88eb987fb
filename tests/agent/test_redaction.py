"""What of a user's hosts leaves the machine: nothing that names them, and all that does not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from detector.agent.redaction import redact
from detector.report.event_json import EventRecord, encode_event, headline, severity
from tests.agent.told import HOST, ISSUER, check, event

KEY = b"k" * 32
TOLD = frozenset(("www.google.com", "intranet.corp.example:8443"))
PUBLIC = "www.google.com"


def everywhere(one: EventRecord) -> str:
    return encode_event(one).decode()


@pytest.mark.parametrize(
    "seen",
    [
        event(),
        event(of="suspect", subject=f"host:{HOST}:443"),
        event(subject=f"issuer:CN={HOST}", seen=check(issuer=f"CN={HOST}")),
        event(subject="issuer:CN=*.private.example", seen=check(issuer="CN=*.private.example,O=x")),
        event("changed", changes=("2 hosts", f"{HOST}:443", f"also on ({HOST})", "on other.private.example")),
        event(hosts=(f"{HOST}:443", f"{PUBLIC}:443")),
    ],
    ids=("by a CA", "about the host", "by itself", "by its owner's CA", "changed", "mixed"),
)  # fmt: skip
def test_no_name_address_or_digest_of_it_is_left_anywhere(seen: EventRecord) -> None:
    text = everywhere(redact(seen, TOLD, KEY)).lower()
    for secret in ("private.example", "clinic", "192.0.2.9", "a" * 64, "b" * 64):
        assert secret not in text


def test_who_intercepts_how_it_was_judged_and_on_how_many_hosts_stays() -> None:
    seen = event(
        hosts=(f"{HOST}:443", "b.private.example:443", f"{PUBLIC}:443"), changes=("now proven",)
    )
    told = redact(seen, TOLD, KEY)
    assert told.finding is not None
    assert told.check is not None
    assert told.check.interceptor is not None
    assert (told.finding.id, told.finding.subject) == ("f" * 32, "spki:" + "c" * 64)
    assert (told.finding.hosts, told.finding.host_count) == ((f"{PUBLIC}:443",), 3)
    assert told.check.interceptor.issuer == ISSUER
    assert (told.check.verdict, [one.id for one in told.check.evidence]) == (
        "intercepted",
        ["path-private"],
    )
    assert told.changes == ("now proven",)
    assert severity(told) == "high"
    assert ISSUER in headline(told)


def test_what_names_only_what_may_be_told_is_told_as_it_is() -> None:
    seen = event(hosts=(f"{PUBLIC}:443",), seen=check(PUBLIC), changes=(f"also on {PUBLIC}",))
    assert redact(seen, TOLD, KEY) == seen


def test_another_port_of_a_told_host_is_not_told() -> None:
    seen = event(hosts=("intranet.corp.example:9443", "intranet.corp.example:8443"))
    told = redact(seen, TOLD, KEY)
    assert told.finding is not None
    assert told.finding.hosts == ("intranet.corp.example:8443",)


def test_an_id_made_of_a_name_is_the_same_each_time_and_another_on_another_device() -> None:
    seen = event(of="suspect", subject=f"host:{HOST}:443")
    first, again, other = (redact(seen, TOLD, key).finding for key in (KEY, KEY, b"x" * 32))
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.id == again.id
    assert len({first.id, other.id, "f" * 32}) == 3


def test_an_answer_about_a_private_host_is_as_bare() -> None:
    text = everywhere(redact(replace(event(), kind="answer", finding=None), TOLD, KEY))
    assert "private.example" not in text
