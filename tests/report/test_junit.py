"""JUnit's XML as readers take it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from detector.report import junit
from detector.report.gate import Case, Outcome

AT = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)


def case(outcome: Outcome = "passed", **changes: object) -> Case:
    fields: dict[str, object] = {
        "name": "example.com:443", "at": AT, "outcome": outcome, "kind": "direct", "message": "m",
        "text": "DIRECT  example.com:443", "seconds": 0.25, "host": "example.com", "port": 443,
    }  # fmt: skip
    return Case(**(fields | changes))  # type: ignore[arg-type]


def written(*cases: Case, machine: str = "builder") -> ET.Element:
    file = BytesIO()
    junit.write(file, "check", cases, now=AT + timedelta(seconds=3), machine=machine)
    return ET.fromstring(file.getvalue())


def test_the_suite_counts_its_cases() -> None:
    (suite,) = written(case(), case("failed"), case("error"), case("error"))
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors")}
    assert counts == {"tests": "4", "failures": "1", "errors": "2"}
    assert (suite.get("hostname"), suite.get("time")) == ("builder", "3.000")


def test_a_failure_says_why_in_its_message_and_in_whole_in_its_text() -> None:
    bad = case("failed", kind="intercepted", message="A CA answers.", text="INTERCEPTED\n  by it")
    (suite,) = written(bad)
    (failure,) = suite.iter("failure")
    assert failure.attrib == {"message": "A CA answers.", "type": "intercepted"}
    assert failure.text == "INTERCEPTED\n  by it"


def test_what_was_not_decided_is_an_error_and_nothing_is_skipped() -> None:
    (suite,) = written(case("error", kind="inconclusive"))
    assert [e.get("type") for e in suite.iter("error")] == ["inconclusive"]
    assert not list(suite.iter("skipped"))


def test_a_passed_case_is_empty_and_its_lines_are_in_the_suite() -> None:
    (suite,) = written(case())
    (passed,) = suite.iter("testcase")
    assert passed.attrib == {
        "classname": "tlsight.check", "name": "example.com:443", "time": "0.250",
    }  # fmt: skip
    assert list(passed) == []
    assert suite.findtext("system-out") == "DIRECT  example.com:443\n"


def test_times_are_utc_without_a_zone() -> None:
    east = AT.astimezone(timezone(timedelta(hours=5)))
    (suite,) = written(case(at=east))
    assert suite.get("timestamp") == "2026-11-30T12:00:00"


def test_an_empty_run_and_a_machine_without_a_name_can_be_read() -> None:
    (suite,) = written(machine=" ")
    assert (suite.get("tests"), suite.get("hostname")) == ("0", "localhost")


@given(st.text(), st.text(), st.text(min_size=1))
def test_any_text_of_a_peer_gives_a_file_that_can_be_read(
    message: str, text: str, name: str
) -> None:
    (suite,) = written(
        case("failed", message=message, text=text, name=name), case(text=text, name=name)
    )
    (failure,) = suite.iter("failure")
    assert (failure.text or "").count("\n") == text.count("\n")
    assert len(list(suite.iter("testcase"))) == 2
