"""What is written as OTLP, read by OpenTelemetry's own classes."""

from __future__ import annotations

import pytest
from msgspec import structs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from detector.errors import WireError
from detector.report.event_json import DeviceRecord, SinkRecord, decode_event, headline
from detector.report.event_otlp import is_metric, logs_request, metrics_request, partial_success
from tests.agent.sample_events import NOON, finding, heartbeat, notice

NOON_NS = int(NOON.timestamp()) * 10**9


def test_a_finding_is_a_record_that_says_what_was_found_where_and_by_whom() -> None:
    event = structs.replace(
        finding(1, hosts=("www.example.com:443", "b.example:443")), sanctioned=True
    )
    [record] = records(logs_request([event]))
    told = named(record.attributes)
    assert record.event_name == "tlsight.interception-opened"
    assert record.body.string_value == headline(event)
    assert record.time_unix_nano == record.observed_time_unix_nano
    assert record.time_unix_nano // 10**9 == int(event.at.timestamp())
    assert (record.severity_number, record.severity_text) == (9, "INFO")  # sanctioned
    assert told["log.record.uid"].string_value == event.id
    assert told["server.address"].string_value == "www.example.com"
    assert told["server.port"].int_value == 443
    assert told["network.peer.address"].string_value == "93.184.215.14"
    assert told["tls.protocol.version"].string_value == "1.3"
    assert told["tls.server.hash.sha256"].string_value == event.check.chain[0].sha256.upper()  # type: ignore[union-attr]
    assert told["tlsight.sanctioned"].bool_value is True
    assert told["tlsight.hosts"].int_value == 2
    seen_on = told["tlsight.seen_on"].array_value.values
    assert [one.string_value for one in seen_on] == ["www.example.com:443", "b.example:443"]


def test_the_whole_event_but_its_observation_is_in_the_record() -> None:
    event = finding(1)
    [record] = records(logs_request([event]))
    kept = decode_event(named(record.attributes)["tlsight.event"].string_value.encode())
    assert event.observation is not None
    assert kept == structs.replace(event, observation=None)


def test_severities_are_those_of_opentelemetry() -> None:
    found = records(
        logs_request([finding(1), finding(2, what="suspect"), notice(3), finding(4, "closed")])
    )
    assert [one.severity_text for one in found] == ["ERROR", "WARN", "INFO2", "INFO"]
    assert [one.severity_number for one in found] == [17, 13, 10, 9]


def test_the_resource_is_the_agent_by_the_semantic_conventions() -> None:
    read = ExportLogsServiceRequest.FromString(logs_request([notice(1), notice(2)]))
    [resource] = read.resource_logs
    told = {name: value.string_value for name, value in named(resource.resource.attributes).items()}
    assert told == {
        "service.name": "tlsight-agent", "service.version": "1.2.3", "service.instance.id": "d" * 32,
        "host.id": "d" * 32, "host.name": "laptop-7", "os.type": "linux", "tlsight.tables": "t" * 64,
    }  # fmt: skip
    assert resource.scope_logs[0].scope.name == "tlsight.agent"
    assert len(resource.scope_logs[0].log_records) == 2


def test_a_machines_name_that_is_kept_back_is_not_told() -> None:
    event = structs.replace(notice(1), device=DeviceRecord("e" * 32))
    read = ExportLogsServiceRequest.FromString(logs_request([event]))
    assert "host.name" not in named(read.resource_logs[0].resource.attributes)


def test_agents_of_two_versions_are_two_resources() -> None:
    other = structs.replace(notice(2), device=DeviceRecord("e" * 32))
    read = ExportLogsServiceRequest.FromString(logs_request([notice(1), other]))
    assert len(read.resource_logs) == 2


def test_a_heartbeat_is_metrics_with_units() -> None:
    event = heartbeat(2)
    beat = structs.replace(
        event.heartbeat, cpu=1.25, sent=1 << 40, here=("a", "b"), lost=3,  # type: ignore[type-var]
        sinks=(SinkRecord("file", 0), SinkRecord("http", 7)),
    )  # fmt: skip
    read = ExportMetricsServiceRequest.FromString(
        metrics_request([structs.replace(event, heartbeat=beat)])
    )
    found = {one.name: one for one in read.resource_metrics[0].scope_metrics[0].metrics}
    cpu = found["tlsight.agent.heartbeat.cpu"]
    assert (cpu.unit, cpu.gauge.data_points[0].as_double) == ("s", 1.25)
    assert found["tlsight.agent.heartbeat.traffic"].gauge.data_points[0].as_int == 1 << 40
    assert found["tlsight.agent.findings.here"].gauge.data_points[0].as_int == 2
    waiting = found["tlsight.agent.sink.waiting"].gauge.data_points
    assert {p.attributes[0].value.string_value: p.as_int for p in waiting} == {"file": 0, "http": 7}
    lost = found["tlsight.agent.events.lost"].sum
    assert (lost.is_monotonic, lost.aggregation_temporality, lost.data_points[0].as_int) == (
        True,
        2,
        3,
    )
    assert {p.time_unix_nano // 10**9 for p in waiting} == {int(event.at.timestamp())}


def test_heartbeats_alone_are_metrics() -> None:
    assert [is_metric(one) for one in (heartbeat(1), notice(2), finding(3))] == [True, False, False]


def test_text_of_any_script_and_length_survives() -> None:
    event = structs.replace(
        finding(1, hosts=("x" * 300, "日本.example:443")), changes=("\x1b[31m\U0001f600",)
    )
    [record] = records(logs_request([event]))
    seen_on = named(record.attributes)["tlsight.seen_on"].array_value.values
    assert [one.string_value for one in seen_on] == ["x" * 300, "日本.example:443"]


def test_partial_success_is_read() -> None:
    answer = ExportLogsServiceResponse()
    answer.partial_success.rejected_log_records = 70_000
    answer.partial_success.error_message = "too old"
    assert partial_success(answer.SerializeToString()) == (70_000, "too old")
    assert partial_success(b"") == (0, "")


@pytest.mark.parametrize(
    "answer", [b"\xff" * 11, b"\x0a\x05abc", b"\x0b", b"\x0a", b"<html>", b'{"partialSuccess":{}}']
)
def test_an_answer_that_is_none_is_an_error_of_ours(answer: bytes) -> None:
    with pytest.raises(WireError):
        partial_success(answer)


def records(request: bytes) -> list[LogRecord]:
    read = ExportLogsServiceRequest.FromString(request)
    return [one for r in read.resource_logs for s in r.scope_logs for one in s.log_records]


def named(pairs: list[KeyValue]) -> dict[str, AnyValue]:
    found = {one.key: one.value for one in pairs}
    assert len(found) == len(pairs), "a name is there twice"
    return found
