"""A resolver that takes questions and answers none, in a network of its own: no verb waits longer than it was told."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from detector import clock
from tests.cli.conftest import Run

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts in a namespace of its own"),
]

_SILENT = """
import pathlib, socket, sys, time
takes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
for number, one in enumerate(takes, 1):
    one.bind((f"127.0.0.{number}", 53))
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""
# Seconds until getaddrinfo gives up: each of the three servers is asked once.
_SYSTEMS = 90


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        (("check", "--no-history"), "dns-failure, network acts"),
        (("diagnose", "--no-history"), "No answer within 1 s"),
        (("trust", "why", "curl"), "no answer within 1 s"),
        (("agent", "nagios"), "no answer within 1 s"),
    ],
    ids=["check", "diagnose", "trust why", "agent nagios"],
)
def test_a_verb_does_not_wait_for_threads_that_still_ask(
    verb: tuple[str, ...], said: str, tlsight: Run, tmp_path: Path
) -> None:
    ready, nameservers = tmp_path / "ready", tmp_path / "resolv.conf"
    servers = "".join(f"nameserver 127.0.0.{number}\n" for number in (1, 2, 3))
    nameservers.write_text(f"{servers}options timeout:{_SYSTEMS // 3} attempts:1\n")
    (tmp_path / "silent.py").write_text(_SILENT)
    script = (
        f"ip link set lo up; mount --bind {nameservers} /etc/resolv.conf; "
        f'"{sys.executable}" {tmp_path}/silent.py {ready} & '
        f"until [ -e {ready} ]; do sleep 0.05; done; "
        '"$@"; code=$?; kill $!; exit $code'
    )
    begun = clock.stopwatch()
    done = tlsight(
        *verb, "--timeout", "1", "a.example",
        prefix=("unshare", "-n", "-m", "sh", "-c", script, "sh"), COLUMNS="300",
    )  # fmt: skip
    assert said in done.stdout + done.stderr
    assert clock.stopwatch() - begun < _SYSTEMS / 2
