"""Diagnoses as JSON, as a ladder, as a trace."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from detector.lab.case import Case
from detector.lab.cases import case
from detector.lab.world import open_world
from detector.model.inquiry import Diagnosis, Trial
from detector.model.targets import parse_target
from detector.net.probe import ProbeOptions
from detector.report.diagnose_json import encode
from detector.report.diagnose_text import render
from detector.report.diagnose_trace import trace
from detector.runs.diagnose import Investigation


def found(name: str, folder: Path, *, suites: bool = False) -> Diagnosis:
    async def run() -> Diagnosis:
        one = case(name)
        assert isinstance(one, Case)
        async with open_world(folder) as pki, one.make(pki) as server:
            target = parse_target(f"{one.host}:{server.port}")
            how = Investigation(ProbeOptions(timeout=20), suites=suites)
            return await how.of(target, pki.knowledge())

    return asyncio.run(run())


def shown(diagnosis: Diagnosis) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(render(diagnosis))
    return console.export_text()


def test_the_record_keeps_the_contract(tmp_path: Path) -> None:
    record = json.loads(encode(found("expired", tmp_path)))
    assert record["schema"] == "tlsight.diagnose/1"
    assert [step["step"] for step in record["steps"]][:3] == ["dns", "tcp", "proxy"]
    cause = record["causes"][0]
    assert cause["id"] == "certificate-expired"
    assert set(cause) >= {"severity", "party", "text", "evidence", "fix", "references", "confirm"}
    assert set(cause["fix"][0]) == {"party", "text", "config"}
    assert record["verdict"]["schema"] == "tlsight.check/1"
    assert record["trials"]["plain"]["outcome"] == "answered"


def test_the_ladder_has_ticks_a_broken_rung_the_cause_and_the_lines(tmp_path: Path) -> None:
    text = shown(found("expired", tmp_path))
    assert "BROKEN" in text
    assert "✓ server-hello" in text
    assert "✗ certificate" in text
    assert "finished" not in text  # it was not reached
    assert "(certificate-expired)" in text
    assert "ssl_certificate_key KEY;" in text
    assert "to be sure" in text


def test_suites_are_shown_with_their_grade(tmp_path: Path) -> None:
    text = shown(found("static-rsa", tmp_path, suites=True))
    assert "TLSv1.2" in text
    assert "dated TLS_RSA_WITH_AES_128_GCM_SHA256 Mozilla old" in " ".join(text.split())


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("healthy", ["> ClientHello", "< EncryptedExtensions", "< CertificateVerify", "JA4 t13"]),
        ("healthy-1.2", ["< ServerKeyExchange", "< ServerHelloDone", "signed with ecdsa"]),
        ("short-dh", ["Diffie-Hellman prime of 1024 bits"]),
    ],
)
def test_the_trace_has_every_message_decoded(name: str, lines: list[str], tmp_path: Path) -> None:
    trials = found(name, tmp_path).inquiry.trials
    text = "\n".join(line for trial in trials.values() for line in trace(trial))
    for line in lines:
        assert line in text


def test_a_message_that_cannot_be_read_is_said_to_be_so() -> None:
    broken = Trial(
        "plain", "malformed", messages=((2, b"x"), (11, b"x"), (99, b"")), sent=b"abcdef"
    )
    text = "\n".join(trace(broken))
    assert text.count("cannot be read") >= 2
    assert "message 99" in text


def test_a_hostile_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    from msgspec import structs

    from detector.model.inquiry import FoundCause, Step

    diagnosis = found("healthy", tmp_path)
    evil = "\x1b]0;owned\x07[red]x[/]"
    hostile = structs.replace(
        diagnosis,
        steps=(Step("certificate", "ok", None, evil),),
        causes=(FoundCause("self-signed", "server", "error", evil, (evil,), (), (), evil),),
    )
    text = shown(hostile)
    assert "\x1b]0" not in text
    assert "[red]x[/]" in text
