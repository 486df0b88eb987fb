import io
from collections import Counter
from typing import Any

from rich.console import Console

from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Failure, Judgement
from detector.report.check_text import network_reason, render, summary
from tests.conftest import Observe


def shown(judgement: Judgement, *, verbose: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(render(judgement, verbose))
    return out.getvalue()


def test_the_verdict_comes_first_then_what_decided(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    seen = [observe(h, (corporate.issue(h).der, corporate.der)) for h in ("a.com", "github.com")]
    lines = shown(judge_all(seen, known)[0]).splitlines()
    assert lines[0].startswith("INTERCEPTED   a.com:443  by an unknown interceptor")
    assert lines[1].strip() == "Intercepted: a private CA answers for a public name."
    assert "The same private issuer also serves github.com." in lines[2]
    assert len([line for line in lines if "✗" in line]) <= 3


def test_verbose_adds_the_chain_and_the_handshake(
    pki: LabPki, known: Knowledge, observe: Observe
) -> None:
    (found,) = judge_all([observe("a.com", pki.issue("a.com"), ms={"tls": 2.5})], known)
    brief, full = shown(found), shown(found, verbose=True)
    assert "TLSv1.3" not in brief
    assert "TLSv1.3, TLS_AES_128_GCM_SHA256, x25519, ALPN h2" in full
    assert "tls 2.5" in full
    assert "CN=a.com" in full


def test_a_peer_can_neither_style_nor_steer_the_terminal(
    known: Knowledge, observe: Observe
) -> None:
    evil = Authority("[red]\x1b[2J\u202eevil")
    (found,) = judge_all([observe("a.com", [evil.der])], known)
    text = shown(found, verbose=True)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]" in text


def test_only_failures_of_this_machines_network_are_one_for_all(observe: Observe) -> None:
    def reason(**how: Any) -> str | None:
        failure = Failure(cause="connection-timeout", text="h:1 failed", **how)
        return network_reason(observe("a.com", (), handshake=None, failure=failure))

    assert (
        reason(step="tcp", why="Network is unreachable")
        == "none can be reached: Network is unreachable"
    )
    assert reason(step="dns", why="no server") == "none of the names resolves: no server"
    assert reason(step="tcp", dialled="proxy") == "h:1 failed"
    assert reason(step="tcp", how="silence") is None
    assert reason(step="tls", why="x") is None
    assert network_reason(observe("a.com", ())) is None


def test_the_last_line_counts_the_worst_first() -> None:
    text = summary(Counter(direct=3, intercepted=1, suspect=2)).plain
    assert text == "6 targets: 1 intercepted, 2 suspect, 3 direct"
