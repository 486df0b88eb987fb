"""What comes with each extra of the distribution: the modules to look for, and what is lacking without them."""

from __future__ import annotations

EXTRAS: dict[str, tuple[tuple[str, ...], str]] = {
    "proxy": (("mitmproxy",), "tlsight bypass run and bypass prove"),
    "review": (
        (
            "argon2", "icalendar", "prometheus_client", "python_multipart", "starlette", "uvicorn",
        ),
        "tlsight bypass serve and bypass user",
    ),
    "agent": (("jeepney", "nats"), "the agent's notifications, and its fleet"),
    "fleet": (("asyncpg", "nats"), "tlsight fleet"),
    "pac": (("pypac",), "proxies of a PAC file"),
    "quic": (("aioquic",), "HTTP/3 in check --other-ways"),
    "recover": (("gmpy2",), "check --recover"),
    "plot": (("matplotlib",), "--plot of logs and pcap"),
    "grade": (("tlslite", "OpenSSL"), "lab servers of SSL 3.0 and RC4, renegotiation"),
    "mcp": (("mcp",), "tlsight for coding agents"),
}  # fmt: skip
