"""Cases as JUnit's XML, which every build service reads. Pure.

Rules
-----
1. JUnit has no standard. What is written here is what all readers take: Ant's schema, the strictest (windyroad's
   JUnit.xsd), and Jenkins' (xunit-plugin's junit-10.xsd). So times bear no zone and are UTC, and a case that passed
   says nothing of its own: its lines are in the suite's system-out.
2. A case that could not be decided is an error, not a skip: a reader lets a build pass over what was skipped.
3. Names and texts are of unknown origin. What XML 1.0 has no character for (section 2.2) cannot be written even as a
   reference, and one such character makes the whole file unreadable; it becomes a �.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import BinaryIO
from xml.sax.saxutils import escape, quoteattr

from detector.model.harmless import harmless
from detector.report.gate import Case
from detector.version import __version__

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ELEMENTS = {"failed": "failure", "error": "error"}


def write(file: BinaryIO, verb: str, cases: Sequence[Case], *, now: datetime, machine: str) -> None:
    """One suite.

    Args:
        file: where it goes.
        verb: what was run: check, judge, diagnose.
        cases: the targets, in any order.
        now: when the run ended; its beginning is its first case.
        machine: name of this machine.

    """
    began = min((case.at for case in cases), default=now).astimezone(UTC)
    seconds = max(0.0, (now - began).total_seconds())
    failures = sum(case.outcome == "failed" for case in cases)
    errors = sum(case.outcome == "error" for case in cases)
    suite = (
        f'<testsuites>\n<testsuite id="0" package="tlsight" name="tlsight.{verb}"'
        f" hostname={_token(machine) or quoteattr('localhost')}"
        f' timestamp="{began:%Y-%m-%dT%H:%M:%S}" tests="{len(cases)}" failures="{failures}"'
        f' errors="{errors}" time="{seconds:.3f}">\n<properties><property name="version" value="{__version__}"/></properties>\n'
    )
    file.write((_HEAD + suite).encode())
    file.writelines(_case(case, verb).encode() for case in cases)
    file.write(b"<system-out>")
    file.writelines(text.encode() for text in _passed(cases))
    file.write(b"</system-out>\n<system-err/>\n</testsuite>\n</testsuites>\n")


def _case(case: Case, verb: str) -> str:
    head = (
        f'<testcase classname="tlsight.{verb}" name={_token(case.name)} time="{case.seconds:.3f}"'
    )
    element = _ELEMENTS.get(case.outcome)
    if element is None:
        return f"{head}/>\n"
    about = f"message={_attribute(case.message)} type={_attribute(case.kind)}"
    return f"{head}>\n<{element} {about}>{_text(case.text)}</{element}>\n</testcase>\n"


def _passed(cases: Iterable[Case]) -> Iterable[str]:
    return (f"{_text(case.text)}\n" for case in cases if case.outcome == "passed")


def _text(text: str) -> str:
    return escape("\n".join(map(harmless, text.split("\n"))))


def _attribute(text: str) -> str:
    return quoteattr(harmless(text))


def _token(text: str) -> str:
    """An attribute without blanks at its ends or side by side."""
    said = " ".join(harmless(text).split())
    return quoteattr(said) if said else ""
