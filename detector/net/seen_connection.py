"""A verified connection of our own as the judge reads it, and one that is shown to somebody before it is used.

Httpcore tells whoever traces a request of each of its steps; one is the end of a TLS handshake. Names of steps begin
with whose they are: "connection" is the server, or the proxy where there is one; the server inside a proxy's tunnel is
"proxy" or "socks".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from detector.errors import TlsightError
from detector.model.observation import Handshake, Observation, Route, Target
from detector.model.targets import normal_host
from detector.net.routes import Proxy
from detector.net.tls_object import sent_chain, suite_in_use


def seen(
    stream: Any, asked: str, port: int | None, proxy: Proxy | None, at: datetime
) -> Observation | None:
    """Of httpcore's stream to the host that was asked; None where it is no TLS."""
    tls = stream.get_extra_info("ssl_object")
    if tls is None:
        return None
    host = normal_host(asked)
    address = stream.get_extra_info("server_addr") if proxy is None else None
    return Observation(
        at=at,
        target=Target(host, port or 443, ip=str(address[0]) if address else None, sni=host),
        route=proxy.route if proxy else Route(),
        chain=sent_chain(tls),
        handshake=Handshake(
            True, tls.version(), suite_in_use(tls), None, tls.selected_alpn_protocol()
        ),
    )


def looking(
    look: Callable[[Observation], None],
    asked: str,
    port: int | None,
    proxy: Proxy | None,
    now: Callable[[], datetime],
) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    """For a request's extension "trace": the connection is closed where `look` raises a TlsightError, which goes on."""

    async def told(step: str, more: dict[str, Any]) -> None:
        of_the_server = step.startswith("connection.") == (proxy is None)
        if not (of_the_server and step.endswith(".start_tls.complete")):
            return
        stream = more["return_value"]
        shown = seen(stream, asked, port, proxy, now())
        if shown is None:
            return
        try:
            look(shown)
        except TlsightError:
            await stream.aclose()
            raise

    return told
