import io
import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console

from detector.chain.certificate import read_certificate
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Failure, Judgement
from detector.report.check_text import network_reason, render, summary
from detector.report.said import Said
from detector.runs.saved import load_observations
from tests.conftest import Observe
from tests.report.telling import plain, told_twice

FORGED = Path(__file__).parents[1] / "data" / "forged_chains.ndjson"


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
    assert lines[1].strip() == "A private CA answers for a public name."
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


def test_digests_are_short_where_something_is_wrong_and_whole_when_asked_for(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    leaf = corporate.issue("github.com")
    (found,) = judge_all([observe("github.com", (leaf.der, corporate.der))], known)
    of_leaf = sha256(leaf.der).hexdigest()
    key = read_certificate(corporate.der).spki_sha256
    brief, full = " ".join(shown(found).split()), shown(found, verbose=True)
    assert f"leaf {of_leaf[:16]}…, its issuer's key {key[:16]}…" in brief
    assert (of_leaf in brief, of_leaf in full, key in full) == (False, True, True)


def test_what_was_told_of_one_host_is_not_told_again_of_the_next(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    seen = [observe(h, (corporate.issue(h).der, corporate.der)) for h in ("a.com", "github.com")]
    said = Said()
    text = plain(*(render(one, said=said) for one in judge_all(seen, known)))
    assert told_twice(text) == []
    assert text.count("INTERCEPTED") == 2
    assert told_twice(plain(*map(render, judge_all(seen, known))))


def test_a_run_over_recorded_interceptors_tells_nothing_twice(
    known: Knowledge, tmp_path: Path
) -> None:
    saved = tmp_path / "saved.ndjson"
    rows = FORGED.read_text().splitlines()
    saved.write_text("".join(json.dumps(json.loads(row)["observation"]) + "\n" for row in rows))
    seen = load_observations(saved)
    said = Said()
    text = plain(*(render(one, said=said) for one in judge_all(seen, known)))
    assert told_twice(text) == []
    assert text.count("(engine-match, ") > 20


def test_a_target_without_a_handshake_is_told_in_one_line(
    observe: Observe, known: Knowledge
) -> None:
    failure = Failure("tcp", "connection-refused", "a.com:443 refuses the connection")
    (found,) = judge_all([observe("a.com", (), handshake=None, failure=failure)], known)
    assert plain(render(found)).splitlines()[0] == (
        "INCONCLUSIVE  a.com:443  a.com:443 refuses the connection"
        " (connection-refused, server acts)"
    )


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
