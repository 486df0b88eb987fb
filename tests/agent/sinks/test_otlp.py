"""Events by OTLP: what each answer means, and whose headers go with them. A real receiver is in tests/live."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from detector.agent.sinks import RefusedError, SinkError, Surroundings
from detector.agent.sinks.otlp import Settings, headers_of, open_sink
from detector.errors import ConfigError
from detector.report.event_json import EventRecord
from tests.agent.sample_events import NOON, finding, heartbeat, notice
from tests.agent.sinks.test_http import Receiver


def send(
    receiver: Receiver, batches: Sequence[Sequence[EventRecord]], folder: Path, **more: object
) -> tuple[list[SinkError | None], list[str]]:
    """What each batch came to, and what was said."""
    said: list[str] = []
    found: list[SinkError | None] = []

    async def work() -> None:
        url = f"http://127.0.0.1:{receiver.port}/otlp/"
        chosen = msgspec.convert({"url": url, "in-clear": True, **more}, Settings)
        sink = open_sink(chosen, Surroundings("d" * 32, folder, lambda: NOON, said.append))
        for batch in batches:
            try:
                await sink.send(batch)
                found.append(None)
            except SinkError as error:
                found.append(error)
        await sink.close()

    asyncio.run(receiver.serve(work))
    return found, said


def numbers(body: bytes) -> list[int]:
    """Which events are in a request of logs."""
    read = ExportLogsServiceRequest.FromString(body)
    return [
        int(one.value.string_value, 16)
        for record in read.resource_logs[0].scope_logs[0].log_records
        for one in record.attributes
        if one.key == "log.record.uid"
    ]


def test_findings_go_to_logs_first_and_heartbeats_to_metrics(tmp_path: Path) -> None:
    receiver = Receiver(lambda _: (200, "", b""))
    assert send(receiver, [[heartbeat(1), finding(2), notice(3)]], tmp_path, gzip=True) == (
        [None],
        [],
    )
    assert [head.split()[1] for head in receiver.heads] == ["/otlp/v1/logs", "/otlp/v1/metrics"]
    assert all("Content-Type: application/x-protobuf" in head for head in receiver.heads)
    logs, metrics = map(gzip.decompress, receiver.bodies)
    assert numbers(logs) == [2, 3]
    assert len(ExportMetricsServiceRequest.FromString(metrics).resource_metrics) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_be_tried_again_is_and_the_receivers_time_is_kept(
    tmp_path: Path, status: int
) -> None:
    receiver = Receiver(lambda _: (status, "Retry-After: 7\r\n", b""))
    [error], _ = send(receiver, [[finding(1)]], tmp_path)
    assert type(error) is SinkError
    assert error.after == 7
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_answer_about_settings_keeps_the_events(tmp_path: Path, status: int) -> None:
    receiver = Receiver(lambda _: (status, "", b""))
    [error], _ = send(receiver, [[finding(1), finding(2)]], tmp_path)
    assert type(error) is SinkError
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize("status", [400, 413, 500])
def test_the_one_event_that_is_never_taken_is_found_and_the_others_are_delivered(
    tmp_path: Path, status: int
) -> None:
    receiver = Receiver(lambda body: (status if 3 in numbers(body) else 200, "", b""))
    (first, error), _ = send(receiver, [[finding(9)], [finding(n) for n in (1, 2, 3, 4)]], tmp_path)
    assert first is None
    assert isinstance(error, RefusedError)
    assert error.places == (2,)
    assert [numbers(body) for body in receiver.bodies[1:]] == [
        [1, 2, 3, 4],
        [1, 2],
        [3, 4],
        [3],
        [4],
    ]


def test_a_server_that_never_took_anything_refuses_nothing_for_good(tmp_path: Path) -> None:
    receiver = Receiver(lambda _: (400, "", b""))
    [error], _ = send(receiver, [[finding(1)]], tmp_path)
    assert type(error) is SinkError


def test_what_was_rejected_of_a_batch_that_was_taken_is_said_and_not_sent_again(
    tmp_path: Path,
) -> None:
    answer = ExportLogsServiceResponse()
    answer.partial_success.rejected_log_records = 1
    answer.partial_success.error_message = "too old\x1b[2J"
    receiver = Receiver(lambda _: (200, "", answer.SerializeToString()))
    found, said = send(receiver, [[finding(1), finding(2)]], tmp_path)
    assert found == [None]
    assert len(receiver.bodies) == 1
    [line] = said
    assert line.endswith("rejected 1 of 2: too old�[2J")


def test_an_answer_of_200_that_is_no_protobuf_is_one_of_200(tmp_path: Path) -> None:
    assert send(Receiver(lambda _: (200, "", b"<html>ok")), [[finding(1)]], tmp_path) == (
        [None],
        [],
    )


def test_headers_come_from_a_file_and_may_be_renewed(tmp_path: Path) -> None:
    path = tmp_path / "headers"
    path.write_text("# ours\nX-Api-Key: one two\n\nX-Tenant: a\n")
    path.chmod(0o600)
    receiver = Receiver(lambda _: (200, "", b""))
    send(receiver, [[finding(1)]], tmp_path, **{"headers-file": str(path)})
    assert "X-Api-Key: one two\r\n" in receiver.heads[0]
    assert "X-Tenant: a\r\n" in receiver.heads[0]


@pytest.mark.parametrize(
    "text",
    [
        "no colon\n",
        "A b: c\n",
        "Host: other\n",
        "content-length: 1\n",
        "X: \x01\n",
        "X: é\n",
        ": x\n",
    ],
)
def test_a_header_that_is_none_is_refused_with_its_line_and_without_its_value(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "headers"
    path.write_text("X: secret\n" + text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        headers_of(path)
    assert caught.value.line == 2
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://collector.example:4318",
        "https://u:p@c.example",
        "ftp://c.example",
        "https://c.example/?a=b",
    ],
)
def test_an_address_that_gives_events_away_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        open_sink(Settings(url=url), Surroundings("d" * 32, tmp_path, lambda: NOON, print))


def test_settings_are_strict() -> None:
    with pytest.raises(msgspec.ValidationError, match="insecure"):
        msgspec.convert({"url": "https://c.example", "insecure": True}, Settings)
