"""Events to a real receiver of OpenTelemetry, oteltap, and to servers that answer as receivers do in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings

from detector.agent.sinks import Surroundings
from detector.agent.sinks.otlp import Settings, open_sink
from tests.agent.sample_events import finding, heartbeat, notice
from tests.live.programs import free_port
from tests.live.waiting import PATIENCE

pytestmark = pytest.mark.live


def test_findings_arrive_as_logs_and_heartbeats_as_metrics(tmp_path: Path) -> None:
    logs, metrics = asyncio.run(exchange(tmp_path))
    assert [one.event_name for one in logs] == [
        "tlsight.interception-opened",
        "tlsight.notice-started",
    ]
    told = {one.key: one.value for one in logs[0].attributes}
    assert told["server.address"].string_value == "www.example.com"
    assert told["server.port"].int_value == 443
    assert told["tls.server.issuer"].string_value == told["tlsight.issuer"].string_value
    assert logs[0].severity_text == "ERROR"
    by_name = {one.name: one for one in metrics}
    assert by_name["tlsight.agent.uptime"].gauge.data_points[0].as_double == 180.0
    assert by_name["tlsight.agent.events.lost"].sum.is_monotonic


async def exchange(folder: Path) -> tuple[list[LogRecord], list[Metric]]:
    """What a receiver got of a finding, a notice and a heartbeat."""
    logs: list[LogRecord] = []
    metrics: list[Metric] = []
    port = free_port()
    async with receiving(port) as tap:
        reading = asyncio.gather(
            gathered(tap.stream_logs(), logs, 2), gathered(tap.stream_metrics(), metrics, 9)
        )
        await asyncio.sleep(0)
        sink = open_sink(Settings(url=f"http://127.0.0.1:{port}", in_clear=True), around(folder))
        await sink.send([finding(1), heartbeat(3), notice(2)])
        await sink.close()
        async with asyncio.timeout(PATIENCE):
            await reading
    return logs, metrics


@asynccontextmanager
async def receiving(port: int) -> AsyncIterator[OtelTapHttpProtobufReceiver]:
    async with OtelTapHttpProtobufReceiver(
        OtelTapHttpProtobufReceiverSettings(http_port=port)
    ) as tap:
        yield tap


async def gathered[T](stream: AsyncIterator[T], kept: list[T], count: int) -> None:
    async for one in stream:
        kept.append(one)
        if len(kept) == count:
            return


def around(folder: Path) -> Surroundings:
    return Surroundings(
        device="d" * 32,
        state=folder,
        now=lambda: datetime(2026, 11, 30, 12, tzinfo=UTC),
        say=lambda _: None,
    )
