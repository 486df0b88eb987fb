"""The rungs: in the order of the handshake, one broken, the rest not reached."""

from __future__ import annotations

from detector.causes.clues import Claim
from detector.causes.find import find_causes
from detector.judging.ladder import STEPS, ladder
from detector.lab.pki import LabPki
from detector.model.inquiry import Application, Inquiry
from detector.model.observation import Failure, ProxyAnswer, Route, Target
from tests.causes.conftest import MakeClues, clues, lab_known
from tests.conftest import Observe

__all__ = ["clues", "lab_known"]


def statuses(steps: object) -> str:
    return " ".join(f"{s.step}={s.status}" for s in steps)  # type: ignore[attr-defined]


def test_the_first_broken_rung_ends_the_ladder(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    seen = clues(Inquiry(observe("a.com", pki.issue("a.com"), ms={"dns": 0.1})))
    causes = {
        "certificate-expired": Claim("error", "It is old."),
        "ct-policy": Claim("warning", "x"),
    }
    steps = ladder(seen, causes)
    assert tuple(step.step for step in steps) == STEPS
    assert statuses(steps) == (
        "dns=ok tcp=ok proxy=skipped client-hello=ok server-hello=ok certificate=failed"
        " key-exchange=skipped finished=skipped application=skipped"
    )
    assert next(step.text for step in steps if step.status == "failed") == "It is old."


def test_what_differs_between_versions_is_said(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    from dataclasses import replace

    seen = observe("a.com", pki.issue("a.com"))
    assert seen.handshake is not None
    old = replace(seen, handshake=replace(seen.handshake, version="TLSv1.2"))
    answer = Application("answered", b"HTTP/1.1 200 OK\r\n\r\n", ms=2.0)
    for observation, first in ((seen, "the server's first"), (old, "ours first")):
        steps = ladder(clues(Inquiry(observation, application=answer)), {})
        texts = {step.step: step.text for step in steps}
        assert texts["finished"].startswith(first)
        assert texts["application"] == "it answers HTTP/1.1 200 OK"


def test_no_name_is_said_to_be_resolved_where_none_was(
    clues: MakeClues, pki: LabPki, observe: Observe
) -> None:
    from dataclasses import replace

    seen = observe("a.com", pki.issue("a.com"))
    given = replace(seen.target, ip="127.0.0.1", pinned_address=True, dialled="127.0.0.1:34703")
    address = Target("192.0.2.1", 8443, ip="192.0.2.1")
    captured = Target("a.com", 443, ip="192.0.2.1")
    asked = {"dns": 0.1}
    for target, ms, why, connected in (
        (given, asked, "not asked: the address was given", "connected to 127.0.0.1:34703"),
        (address, asked, "an address already", "connected to port 8443"),
        (captured, {}, "not asked", "connected to port 443"),
    ):
        dns, tcp, *_ = ladder(clues(Inquiry(replace(seen, target=target, ms=ms))), {})
        assert (dns.status, dns.ms, dns.text) == ("skipped", None, why)
        assert (tcp.status, tcp.text) == ("ok", connected)


def test_a_cut_is_on_the_rung_where_it_happened(clues: MakeClues, observe: Observe) -> None:
    reset = Failure("tls", "connection-reset", "reset")
    for data, step in ((b"", "client-hello"), (b"\x16", "server-hello")):
        seen = observe("a.com", (), handshake=None, failure=reset, server_bytes=data)
        steps = ladder(clues(Inquiry(seen)), {"connection-reset": Claim("error", "Reset.")})
        assert [s.step for s in steps if s.status == "failed"] == [step]


def test_what_a_proxy_tells_of_the_server_breaks_on_the_proxys_rung(
    clues: MakeClues, observe: Observe
) -> None:
    for cause in ("dns-failure", "connection-refused", "connection-timeout", "connection-reset"):
        failure = Failure("proxy", cause, "it failed", dialled="proxy", proxy=ProxyAnswer("name"))
        route = Route("http-connect", "p.net:3128")
        seen = observe("a.com", (), handshake=None, route=route, failure=failure)
        found = clues(Inquiry(seen))
        steps = {step.step: step.status for step in ladder(found, find_causes(found))}
        assert (steps["tcp"], steps["proxy"]) == ("ok", "failed"), cause


def test_the_ways_that_were_passed_over_are_told(clues: MakeClues, observe: Observe) -> None:
    route = Route("http-connect", "b:1", tls=True, tried=("a:1 (it is down)",))
    found = clues(Inquiry(observe("a.com", (), route=route)))
    texts = {step.step: step.text for step in ladder(found, {})}
    assert texts["proxy"] == "b:1 opened a tunnel, in TLS; before it, a:1 (it is down)"
