"""Connections judged: whose User-Agent a hello is held against."""

from __future__ import annotations

from detector.capture.connection import Connection
from detector.forensics.judged import ConnectionJudge
from detector.knowledge.browser_hellos import browser_hellos
from detector.lab.pki import LabPki
from tests.forensics.measured_hellos import measured_hellos

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
PROGRAM = next(row for row in measured_hellos() if row.name == "squid").facts


def opinion(port: int, *, completed: bool) -> str | None:
    """Of a hello of squid's, where the access log has Chrome at 192.0.2.7, port 5000, and at 192.0.2.8."""
    c = Connection(
        client=f"192.0.2.{7 if port else 8}", client_port=port or 6000, server="192.0.2.1", server_port=443,
        first=1.0, last=2.0, hello=PROGRAM, completed=completed,
    )  # fmt: skip
    agents = {("192.0.2.7", 5000): CHROME, ("192.0.2.8", 0): CHROME}
    (told,) = ConnectionJudge(LabPki().knowledge(), browser_hellos(), agents).tell([c])
    return told.opinion.interception if told.opinion is not None else None


def test_a_user_agent_is_that_of_the_connection_whose_port_the_log_has() -> None:
    assert opinion(5000, completed=False) == "likely"
    assert opinion(5001, completed=True) == "unknown"


def test_a_user_agent_of_an_address_is_not_that_of_who_came_to_no_request() -> None:
    """A health check, or another machine behind the same address, that the log knows nothing of."""
    assert opinion(0, completed=True) == "likely"
    assert opinion(0, completed=False) == "unknown"
