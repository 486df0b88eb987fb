"""What is said beside a connection's first packet."""

from __future__ import annotations

from detector.forensics.judged import JudgedConnection
from detector.model.observation import Cause
from detector.report.pcap_comment import comment, short_comment
from tests.report.test_pcap_zeek import a_connection

UNTRUSTED = Cause("untrusted-root", "server", "fatal", "No public program has\x1b[31m the root.")
OLD = Cause("obsolete-version", "server", "warning", "TLS 1.0.")


def test_verdict_failure_and_the_rest_are_said_once_each() -> None:
    one = JudgedConnection(a_connection(), None, (UNTRUSTED, OLD), None, UNTRUSTED)
    assert comment(one) == (
        "verdict inconclusive; failed: untrusted-root: No public program has�[31m the root;"
        " obsolete-version: TLS 1.0"
    )
    assert short_comment(one) == "verdict inconclusive; failed: untrusted-root"


def test_of_a_connection_that_works_there_is_little_to_say() -> None:
    one = JudgedConnection(a_connection(), None, ())
    assert comment(one) == short_comment(one) == "verdict inconclusive"
