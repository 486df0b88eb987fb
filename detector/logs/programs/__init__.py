"""One module a program. The order is that in which a line is tried: those that claim the least come last."""

from __future__ import annotations

from importlib import import_module

from detector.logs.program import Program

NAMES: tuple[str, ...] = (
    "nginx", "apache", "haproxy", "stunnel", "postfix", "dovecot", "exim", "postgresql", "mysql",
    "squid", "mitmproxy", "lighttpd", "envoy", "caddy", "traefik", "openvpn", "go", "java", "node",
)  # fmt: skip


def program(name: str) -> Program:
    """One of NAMES."""
    found: Program = import_module(f"detector.logs.programs.{name}").PROGRAM
    return found


def all_programs() -> tuple[Program, ...]:
    return tuple(program(name) for name in NAMES)
