"""Protocols by port and by scheme, and the words that they are asked in."""

from __future__ import annotations

import pytest

from detector.model.applications import SCHEMES, question_for, spoken_at
from detector.model.targets import parse_target


@pytest.mark.parametrize(
    ("port", "protocol"),
    [(443, "http"), (8443, "http"), (6379, "redis"), (636, "ldap"), (27017, "mongodb")],
)
def test_a_port_tells_the_protocol_and_http_is_what_is_left(port: int, protocol: str) -> None:
    assert spoken_at(port) == protocol


def test_no_database_is_asked_in_http() -> None:
    assert question_for("redis") == b"PING\r\n"
    assert question_for("postgres") == question_for("mongodb") == question_for("smtp") == b""


def test_the_ldap_question_is_a_well_formed_search_of_the_root() -> None:
    question = question_for("ldap")
    assert question[:2] == bytes((0x30, len(question) - 2))
    assert question[5] == 0x63  # [APPLICATION 3] SearchRequest
    assert question[6] == len(question) - 7
    assert b"objectClass" in question


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_says_the_protocol_whatever_the_port(scheme: str) -> None:
    protocol, port = SCHEMES[scheme]
    target = parse_target(f"{scheme}://a.com")
    assert (target.protocol, target.port) == (protocol, port)
    assert parse_target(f"{scheme}://a.com:6379").protocol == protocol
