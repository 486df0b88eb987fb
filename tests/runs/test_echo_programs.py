"""Programs of this machine are chosen by name and say their answer out of whatever they print."""

from __future__ import annotations

import asyncio

import pytest

from detector.errors import ConfigError
from detector.net.echoed import EchoServer
from detector.runs.echo_programs import PROGRAMS, _json, chosen, running


def test_all_are_those_that_are_installed() -> None:
    assert set(chosen("all")) <= set(PROGRAMS)
    assert chosen("python, python") == ("python",)


def test_a_name_that_is_none_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="'wget' is none of curl, openssl, python, chromium"):
        chosen("curl,wget")


@pytest.mark.parametrize(
    "said",
    [
        b'{"a":1}',
        b'HTTP/1.1 200 OK\r\nServer: {x}\r\n\r\n{"a":1}',
        b'<html><head></head><body><pre style="x">{"a":1}</pre></body></html>\n',
    ],
)
def test_the_answer_is_found_whatever_stands_around(said: bytes) -> None:
    assert _json(said) == b'{"a":1}'


def test_a_program_that_gets_no_answer_prints_nothing_and_ends() -> None:
    server = EchoServer("echo.test", 443, None)
    for name in ("curl", "openssl", "python"):
        assert asyncio.run(running(name, server)(9, "/x")) == b""
