"""Envoy's and Istio's access logs: response flags and transport failure reasons, text and JSON."""

from __future__ import annotations

import re

from detector.logs.pieces import PEER_PORT, in_order, last, maybe, maybe_last, then
from detector.logs.program import BlindSpot, LineRow, Program

PROGRAM = Program(
    name="envoy",
    title="Envoy, Istio",
    marks=(
        re.compile(rb"TLS_error:"),
        re.compile(rb"transport_failure_reason"),
        re.compile(rb"^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] \"[^\"]*\" \d+ [A-Z,-]+ "),
    ),
    rows=(
        LineRow(
            b"downstream_transport_failure_reason",
            in_order(
                rb"(?=" + last(rb"\"downstream_remote_address\": ?\"" + PEER_PORT) + rb")?",
                rb"(?=" + last(rb"\"requested_server_name\": ?\"(?P<name>[^\"]*+)") + rb")?",
                last(rb"\"downstream_transport_failure_reason\": ?\"(?P<reason>[^\"]{4,}+)"),
            ),
        ),
        LineRow(
            b"TLS_error:",
            in_order(
                then(rb"(?P<reason>TLS_error:[^\"]*+)"),
                maybe(rb"\"" + PEER_PORT + rb"\" (?P<name>\S++)", before=rb"$"),
            ),
            upstream=True,
        ),
        LineRow(
            b"filter_chain_not_found",
            in_order(
                then(rb"(?P<reason>filter_chain_not_found)"),
                maybe_last(rb" " + PEER_PORT + rb" (?P<name>\S++) \S++$"),
            ),
        ),
    ),
    blind=(
        BlindSpot(
            (b"downstream_transport_failure_reason",),
            "The default access log has failures of upstreams only.",
            "access_log json_format: downstream_transport_failure_reason:"
            ' "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%"',
            r"DOWNSTREAM_TRANSPORT_FAILURE_REASON",
        ),
    ),
    config_marks=r"(?m)^[ \t]*static_resources:|filter_chains:|\"filter_chains\"",
)
