"""What comes after the handshake: an answer, quiet, a late alert."""

from __future__ import annotations

import asyncio
import ssl

from detector.lab.origin import Origin, server_context
from detector.lab.peers import Refusing
from detector.lab.pki import LabPki
from detector.model.inquiry import Application
from detector.model.targets import parse_target
from detector.net.application import conversation_for, question_to, request_for
from detector.net.probe import ProbeOptions, ProbeRun


def heard(server: object, request: bytes, seconds: float = 20.0) -> Application | None:
    async def run() -> Application | None:
        async with server as started:  # type: ignore[attr-defined]
            options = ProbeOptions(
                timeout=20, connect_to=("127.0.0.1", started.port), request=request,
                listen=seconds, alpn=("http/1.1",),
            )  # fmt: skip
            run = ProbeRun(parse_target("a.com"), options)
            stream = await run.dial()
            await run.shake_hands(stream)
            stream.close()
            return run.application

    return asyncio.run(run())


def test_an_answer_is_heard(pki: LabPki) -> None:
    found = heard(Origin({"a.com": pki.issue("a.com")}), request_for("a.com", 443))
    assert found is not None
    assert found.outcome == "answered"
    assert found.data.startswith(b"HTTP/1.1 200 OK")


def test_a_server_that_waits_is_quiet(pki: LabPki) -> None:
    found = heard(Origin({"a.com": pki.issue("a.com")}), b"", 0.3)
    assert found is not None
    assert found.outcome == "quiet"


def test_a_late_refusal_is_heard_as_its_alert(pki: LabPki) -> None:
    def ask(context: ssl.SSLContext) -> None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=pki.root.pem)

    context = server_context(pki.issue("a.com"), ask)
    found = heard(Refusing(context), request_for("a.com", 443))
    assert found is not None
    assert (found.outcome, found.alert) == ("alert", 116)


def test_the_question_names_the_host_as_rfc_9110_wants() -> None:
    assert b"Host: a.com\r\n" in request_for("a.com", 443)
    assert b"Host: [::1]:8443\r\n" in request_for("::1", 8443)
    assert request_for("a.com", 443).startswith(b"HEAD / HTTP/1.1\r\n")


def test_each_target_is_asked_in_its_own_words() -> None:
    assert question_to(parse_target("a.com")).startswith(b"HEAD / HTTP/1.1\r\n")
    assert question_to(parse_target("https://a.com/b%20c/d e?secret=1#f")).startswith(
        b"HEAD /b%20c/d%20e HTTP/1.1\r\n"
    )
    assert question_to(parse_target("https://a.com/a\r\nX: y")).count(b"\r\n") == 5
    assert question_to(parse_target("rediss://a.com:8443")) == b"PING\r\n"
    assert question_to(parse_target("a.com:5432")) == b""
    assert question_to(parse_target("smtp://a.com")) == b""


def test_http2_is_spoken_where_it_was_agreed_on() -> None:
    target = parse_target("a.com")
    question = question_to(target)
    assert conversation_for(target, "h2", question).opening().startswith(b"PRI * HTTP/2.0")
    assert conversation_for(target, "http/1.1", question).opening() == question
    assert conversation_for(target, "h2", b"").opening() == b""


def test_an_answer_without_the_end_of_its_head_is_kept(pki: LabPki) -> None:
    """A web server that says a line and closes has answered."""
    server = Refusing(server_context(pki.issue("a.com")), b"HTTP/1.1 200 OK\r\n")
    found = heard(server, request_for("a.com", 443))
    assert found is not None
    assert (found.outcome, found.data) == ("answered", b"HTTP/1.1 200 OK\r\n")
