"""One followed connection for a program: schema tlsight.pcap-connection/1."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from detector.capture.connection import Sender
from detector.capture.following import Followed
from detector.capture.steps import Step
from detector.forensics.judged import JudgedConnection
from detector.forensics.observed import moment
from detector.report.pcap_json import PcapRecord, pcap_record


class StepRecord(msgspec.Struct, frozen=True):
    """Something that one side said, or several of a kind in a row.

    `at` is when it was complete, `ms` the same in milliseconds after the connection's first packet, `packet` the
    place in the file of the packet that completed it; `until` and `last_packet` are the last one's of several.
    `size` are the message's bytes, or the records' content.
    """

    at: datetime
    ms: float
    packet: int
    sender: Sender
    what: str
    size: int
    count: int
    until: datetime
    last_packet: int


class PcapConnectionRecord(msgspec.Struct, frozen=True):
    """One connection in detail; `connection` is what `tlsight pcap --json` says of it.

    `ms` are milliseconds where it was captured: "rtt" of TCP's three-way handshake, of which "rtt-server" is beyond
    the capture and "rtt-client" before it; "first-byte" from the ClientHello to what the server said next; "answer"
    from the client's first data to what the server said next, in TLS 1.3 maybe a session ticket. `retransmitted`
    are packets of each side that came again or filled a hole late, `overtaken` those that came out of order.
    `left_out` counts the steps in the middle of a long connection.
    """

    schema: Literal["tlsight.pcap-connection/1"]
    connection: PcapRecord
    display_filter: str
    packets: int
    first_packet: int
    last_packet: int
    bytes: dict[Sender, int]
    retransmitted: dict[Sender, int]
    overtaken: dict[Sender, int]
    ms: dict[str, float]
    steps: list[StepRecord]
    left_out: int


def connection_record(told: JudgedConnection, found: Followed) -> PcapConnectionRecord:
    """The object of one followed connection."""
    first = told.connection.first
    return PcapConnectionRecord(
        schema="tlsight.pcap-connection/1",
        connection=pcap_record(told),
        display_filter=found.display_filter,
        packets=found.packets,
        first_packet=found.first_packet,
        last_packet=found.last_packet,
        bytes=found.bytes,
        retransmitted=found.retransmitted,
        overtaken=found.overtaken,
        ms=found.ms,
        steps=[_step(step, first) for step in found.steps],
        left_out=found.left_out,
    )


def _step(step: Step, first: float) -> StepRecord:
    return StepRecord(
        at=moment(step.at),
        ms=round((step.at - first) * 1000, 3),
        packet=step.packet,
        sender=step.sender,
        what=step.what,
        size=step.size,
        count=step.count,
        until=moment(step.until),
        last_packet=step.last_packet,
    )
