"""Judged targets as metrics: who intercepts, what is wrong, and the labels that dashboards group by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families as read

from detector.agent.exporter import verified
from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Failure, Handshake, Judgement, Observation, Target
from detector.report.probe_metrics import failed, families, succeeded
from detector.report.prometheus import exposition

PKI = LabPki()
GATEWAY = Authority("FGT Gateway CA", organization="Example", profile=False)
NOW = datetime.now(UTC)


def seen(
    chain: Sequence[bytes], host: str = "www.example.com", version: str = "TLSv1.2"
) -> Judgement:
    target = Target(host, 443, ip="93.184.215.14", sni=host)
    done = Handshake(True, version, "TLS_AES_128_GCM_SHA256", "x25519", "h2")
    [found] = judge_all(
        [Observation(NOW, target, handshake=done, chain=tuple(chain), ms={"dns": 2.5})], known()
    )
    return found


def known() -> Knowledge:
    return PKI.knowledge()


def samples(
    judgement: Judgement, *, allow: bool = False
) -> dict[str, list[tuple[dict[str, str], float]]]:
    text = exposition(
        families(judgement, verified(judgement, known()), 0.25, allow_sanctioned=allow)
    )
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in read(text.decode()):
        for one in family.samples:
            found.setdefault(one.name, []).append((one.labels, one.value))
    return found


def test_a_forged_chain_is_no_success_and_names_who_forged_it() -> None:
    forged = seen(GATEWAY.issue("www.example.com").chain)
    assert forged.verdict in ("suspect", "intercepted")
    told = samples(forged)
    assert told["probe_success"] == told["ssl_probe_success"] == [({}, 0)]
    assert [labels["verdict"] for labels, value in told["tlsight_verdict"] if value] == [
        forged.verdict
    ]
    assert len(told["tlsight_verdict"]) == 6
    assert "ssl_verified_cert_not_after" not in told
    assert "probe_ssl_last_chain_expiry_timestamp_seconds" not in told
    assert told["ssl_cert_not_after"][0][0]["issuer_cn"] == "FGT Gateway CA"


def test_a_sanctioned_interceptor_is_a_success_where_it_is_allowed() -> None:
    forged = seen(GATEWAY.issue("www.example.com").chain)
    allowed = replace(forged, sanctioned=True, causes=())
    assert succeeded(allowed, allow_sanctioned=True)
    assert not succeeded(allowed, allow_sanctioned=False)
    assert not succeeded(replace(allowed, sanctioned=False), allow_sanctioned=True)


def test_an_honest_chain_has_every_certificate_once_with_ssl_exporters_labels() -> None:
    leaf = PKI.issue("www.example.com", "alt.example.com", "192.0.2.7")
    told = samples(seen([*leaf.chain, leaf.chain[0]]))
    assert told["probe_success"] == [({}, 1)]
    (labels, after), (above, _) = told["ssl_cert_not_after"]
    assert labels == {
        "serial_no": labels["serial_no"], "issuer_cn": "Lab Public Intermediate", "cn": "www.example.com",
        "dnsnames": ",www.example.com,alt.example.com,", "ips": ",192.0.2.7,", "emails": "", "ou": "",
    }  # fmt: skip
    assert labels["serial_no"].isdigit()
    assert above["cn"] == "Lab Public Intermediate"
    assert [one["chain_no"] for one, _ in told["ssl_verified_cert_not_after"]] == ["0", "0", "0"]
    assert told["probe_ssl_earliest_cert_expiry"] == [({}, after)]
    assert (
        told["probe_tls_version_info"]
        == told["ssl_tls_version_info"]
        == [({"version": "TLS 1.2"}, 1)]
    )
    [(info, _)] = told["probe_ssl_last_chain_info"]
    assert int(info["serialnumber"], 16) == int(labels["serial_no"])
    assert info["subjectalternative"] == "www.example.com,alt.example.com"
    assert told["probe_dns_lookup_time_seconds"] == [({}, 0.0025)]


def test_a_chain_that_nobody_can_read_has_no_certificates_and_harms_nothing() -> None:
    told = samples(seen([b"\x30\x03\x02\x01\x01"]))
    assert told["probe_success"] == [({}, 0)]
    assert "ssl_cert_not_after" not in told


def test_a_target_that_gave_no_handshake_says_why() -> None:
    failure = Failure("tcp", "connection-refused", "refuses the connection")
    [found] = judge_all([Observation(NOW, Target("a.example"), failure=failure)], known())
    told = samples(found)
    assert told["tlsight_failure_info"] == [({"step": "tcp", "cause": "connection-refused"}, 1)]
    assert told["probe_success"] == [({}, 0)]
    assert "probe_ip_protocol" not in told


def test_a_probe_that_ran_out_of_time_has_the_series_that_alerts_ask_for() -> None:
    names = {
        one.name for family in read(exposition(failed(1.5)).decode()) for one in family.samples
    }
    assert names == {
        "probe_success",
        "probe_duration_seconds",
        "ssl_probe_success",
        "ssl_prober",
        "tlsight_verdict",
    }


@pytest.mark.parametrize("version", ["SSLv3", "", "TLSv9"])
def test_a_version_that_is_not_known_is_said_so(version: str) -> None:
    told = samples(seen(PKI.issue("www.example.com").chain, version=version))
    assert told["ssl_tls_version_info"] == [({"version": "unknown"}, 1)]
