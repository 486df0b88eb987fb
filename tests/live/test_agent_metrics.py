"""What Prometheus' users have already, against `tlsight agent exporter`: their exporter, their server, their queries.

The queries are those of public dashboards and alert rules for blackbox_exporter (Grafana 13659 and 7587, awesome-prometheus-
alerts, blackbox-exporter-mixin) and ssl_exporter (Grafana 11279, its own dashboard).
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
from prometheus_client.parser import text_string_to_metric_families as read

from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from tests.cli.conftest import Run, running
from tests.live.monitors import Agent, Blackbox, Exporter, Prometheus, get
from tests.live.programs import find
from tests.live.waiting import until

pytestmark = pytest.mark.live

# Of both, with what a dashboard puts in for its variables; each has to find the good target's series.
QUERIES = (
    'probe_success{instance=~"localhost:.*",job="ssl"} == 1',
    "avg_over_time(probe_success[1h]) * 100",
    "probe_duration_seconds < 10",
    "probe_dns_lookup_time_seconds",
    "avg_over_time(probe_duration_seconds[1m]) < 10",
    "(probe_ssl_earliest_cert_expiry - time()) / 86400 > 30",
    'probe_ssl_earliest_cert_expiry{job="ssl"} - time() > 86400 * 7',
    "last_over_time(probe_ssl_earliest_cert_expiry[10m]) - time() > 0",
    "probe_ssl_last_chain_expiry_timestamp_seconds - time() > 0",
    'probe_ssl_last_chain_info{subject=~"CN=.*"} * on (instance) group_right probe_ssl_earliest_cert_expiry',
    'probe_tls_version_info{version="TLS 1.3"}',
    'count(max(ssl_cert_not_after{instance=~".+",job=~".+"}) by (issuer_cn,serial_no))',
    '((ssl_cert_not_after{instance=~".+",job=~".+"} - time())/24/60/60) > 1',
    'ssl_verified_cert_not_after{chain_no="0"} - time() > 86400 * 7',
    'ssl_probe_success{instance=~".+",job=~".+"} == 1',
    'min(ssl_verified_cert_not_after{dnsnames=~".*,localhost,.*"}) by (instance)',
    'tlsight_verdict{verdict="consistent"} == 1',
    'tlsight_findings{job="tlsight"} >= 0 or tlsight_agent_state_readable == 0',
)
BAD = (
    'probe_success{job="ssl"} == 0',
    "ssl_probe_success == 0",
    'tlsight_verdict{verdict!="consistent"} == 1',
)

_STEP = 60  # seconds that a module waits for each answer


Started = tuple[Exporter, str, str]


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """One that may dial loopback, a target with a good chain, and one under a CA that nobody knows."""
    tmp_path = tmp_path_factory.mktemp("exporter")
    pki = LabPki()
    (tmp_path / "root.pem").write_text(pki.root.pem)
    modules = tmp_path / "modules.toml"
    modules.write_text(
        '[[module]]\nname = "tls"\ninner = true\n[[module]]\nname = "outer"\n'
        f'[[module]]\nname = "patient"\ninner = true\ntimeout = {_STEP}\n'
    )
    modules.chmod(0o600)
    good, bad = pki.issue("localhost"), Authority("Somebody's CA", profile=False).issue("localhost")
    words = ("--roots", tmp_path / "root.pem", "--modules", modules)
    with (
        running(Origin({"localhost": good})) as fine,
        running(Origin({"localhost": bad})) as forged,
        Exporter(tmp_path / "exporter", *words) as started,
    ):
        yield started, f"localhost:{fine.port}", f"localhost:{forged.port}"


def test_every_series_of_blackbox_exporter_is_there_with_its_labels_and_its_value(
    exporter: Started, tmp_path: Path
) -> None:
    ours_at, good, bad = exporter
    with Blackbox(tmp_path / "blackbox", ours_at.folder.parent / "root.pem") as blackbox:
        for target in (good, bad):
            theirs, ours = series(blackbox.probe(target)), series(ours_at.probe(target))
            for name, labels, value in theirs:
                same = [one for one in ours if one[0] == name and labels.items() <= one[1].items()]
                assert same, (target, name, labels)
                if not name.endswith("_seconds") or "timestamp" in name:
                    assert same[0][2] == value, (target, name)


def test_promtool_finds_nothing_against_what_is_answered(exporter: Started) -> None:
    started, good, bad = exporter
    own = get(f"http://127.0.0.1:{started.port}/metrics")
    for text in (started.probe(good), started.probe(bad), own):
        done = subprocess.run(
            [find("promtool"), "check", "metrics"],
            input=text,
            text=True,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_queries_of_public_dashboards_find_their_series_in_debians_prometheus(
    exporter: Started, tmp_path: Path
) -> None:
    started, good, bad = exporter
    with Prometheus(tmp_path / "prometheus", started.port, good, bad) as server:
        until(
            lambda: len(server.query("probe_success")) == 2 and server.query("tlsight_build_info"),
            "the first scrape", server.said,
        )  # fmt: skip
        for query in QUERIES:
            found = server.query(query)
            assert found, query
        for query in BAD:
            assert {one["metric"]["instance"] for one in server.query(query)} == {bad}, query
        assert not server.query("up == 0")


def test_a_name_that_leads_to_loopback_is_not_dialled_for_others(exporter: Started) -> None:
    started, good, _ = exporter
    found = {name: value for name, _, value in series(started.probe(good, "outer"))}
    assert found["probe_success"] == found["ssl_probe_success"] == 0
    assert "probe_ssl_earliest_cert_expiry" not in found


def test_a_scrape_is_answered_within_its_own_time(exporter: Started) -> None:
    started, _, _ = exporter
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        text = started.probe(
            f"localhost:{silent.getsockname()[1]}", "patient", X_Prometheus_Scrape_Timeout_Seconds="1"
        )  # fmt: skip
    assert time.monotonic() - begun < _STEP / 2
    assert ("probe_success", {}, 0) in series(text)


def test_wrong_questions_are_refused_with_their_reason(exporter: Started) -> None:
    started, good, _ = exporter
    at = f"http://127.0.0.1:{started.port}/probe"
    for words, code in (("", 400), ("?target=a%20b", 400), (f"?target={good}&module=no", 400)):
        assert status(at + words) == code, words
    assert status(f"{at}?target={good}", Host="attacker.example") == 421
    assert status(f"{at}?target={good}", Sec_Fetch_Site="cross-site") == 403


def status(url: str, **headers: str) -> int:
    with pytest.raises(HTTPError) as caught:
        get(url, **headers)
    caught.value.close()
    return caught.value.code


def test_an_agent_serves_its_own_budget_and_life(tmp_path: Path) -> None:
    pki = LabPki()
    (tmp_path / "root.pem").write_text(pki.root.pem)
    with (
        running(Origin({"localhost": pki.issue("localhost")})) as origin,
        Agent(tmp_path / "agent", tmp_path / "root.pem", f"localhost:{origin.port}") as agent,
    ):
        told: dict[str, float] = {}

        def lives() -> bool:
            text = get(f"http://127.0.0.1:{agent.port}/metrics")
            told.update({name: value for name, _, value in series(text)})
            return "tlsight_agent_uptime_seconds" in told

        until(lives, "its own series", agent.said)
    assert told["tlsight_agent_state_readable"] == 1
    assert told["tlsight_agent_budget_memory_bytes"] == 80_000_000
    assert told["tlsight_agent_memory_bytes"] > 0
    assert told["tlsight_events_lost_total"] == 0


def test_nagios_negate_takes_the_plug_ins_word(tlsight: Run, tmp_path: Path) -> None:
    pki = LabPki()
    (tmp_path / "root.pem").write_text(pki.root.pem)
    negate = os.environ.get("NAGIOS_NEGATE", "/usr/lib/nagios/plugins/negate")
    roots = ("agent", "nagios", "--roots", tmp_path / "root.pem")
    alone = ("env",)
    with running(Origin({"localhost": pki.issue("localhost")})) as origin:
        plain = tlsight(*roots, f"localhost:{origin.port}", prefix=alone)
        turned = tlsight(*roots, f"localhost:{origin.port}", prefix=(negate, "-s"))
        late = tlsight(*roots, "-c", "1000:", f"localhost:{origin.port}", prefix=alone)
    assert plain.returncode == 0, plain.stdout
    assert plain.stdout.startswith("TLS OK - 1 of 1 fine: consistent | 'time'=")
    assert turned.returncode == 2
    assert turned.stdout.startswith("TLS CRITICAL - 1 of 1 fine")
    assert late.returncode == 2
    assert "expires in" in late.stdout
    assert "'days_left'" in late.stdout
    assert late.stdout.rstrip().endswith(";;1000:")
    assert len(late.stdout.splitlines()) == 1


def series(text: str) -> list[tuple[str, dict[str, str], float]]:
    return [
        (one.name, dict(one.labels), one.value) for family in read(text) for one in family.samples
    ]
