"""What is hidden: by the configuration in force, or by how the log looks."""

from __future__ import annotations

import pytest

from detector.logs.blind import blind_spots, program_of_config
from detector.logs.programs import all_programs, program
from tests.logs.reader import reader


def seen(text: str, form: str) -> object:
    import io

    made = reader(form)
    list(made.events(io.BytesIO(text.encode()).read))
    return made.seen


QUIET = "2026/11/24 00:00:00 [error] 1#1: *1 open() failed\n"
CONFIGS = {
    "nginx": ("server_name a;\nerror_log /var/log/nginx/e.log{};", "", " info"),
    "apache": ("SSLEngine on\nLogLevel warn{}", "", " ssl:info"),
    "haproxy": ("frontend f\n  bind :443\n{}", "", '  error-log-format "%[ssl_fc_err_str]"'),
    "caddy": ("tls internal\n{}", "", "debug"),
    "dovecot": ("ssl_cert = <x\nverbose_ssl = {}", "no", "yes"),
    "postgresql": ("ssl_cert_file = 'x'\nlog_connections = {}", "off", "on"),
    "squid": ("http_port 3128\n{}", "", "logformat t %err_detail"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_the_configuration_decides(name: str) -> None:
    text, hides, shows = CONFIGS[name]
    there = seen("x\n", name)
    assert program_of_config(text.format(shows)) == program(name)
    (spot,) = blind_spots(there, {name: text.format(hides)})  # type: ignore[arg-type]
    assert spot.certain
    assert spot.directive
    assert blind_spots(there, {name: text.format(shows)}) == []  # type: ignore[arg-type]


def test_without_a_configuration_the_log_has_to_tell() -> None:
    (spot,) = blind_spots(seen(QUIET, "nginx"), {})  # type: ignore[arg-type]
    assert not spot.certain
    assert blind_spots(seen(QUIET.replace("error", "info"), "nginx"), {}) == []  # type: ignore[arg-type]


def test_every_directive_is_what_its_own_expression_looks_for() -> None:
    import re

    shown = {"caddy": "debug", "traefik": "--log.level=DEBUG"}
    for one in all_programs():
        for spot in one.blind:
            line = shown.get(one.name, spot.directive)
            assert not spot.config or re.search(spot.config, line), one.name
