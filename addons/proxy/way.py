"""Where a connection of mitmproxy's would go, who chose that, and how to send it elsewhere."""

from __future__ import annotations

from mitmproxy import connection
from mitmproxy.proxy.context import Context

from addons.bypass.binding import Claim
from addons.bypass.matcher import name_of
from detector.chain.names import as_address


class Way:
    """Of one context whose server's address is known.

    Attributes:
        host, port: what was asked for, a name or an address.
        asked: the host where it is a name, in the rules' own form.
        address: where the connection goes, as far as this proxy knows.
        upstream: another proxy connects, and resolves names.

    """

    def __init__(self, context: Context) -> None:
        server = context.server
        assert server.address is not None
        self._context = context
        self.host: str = server.address[0]
        self.port: int = server.address[1]
        self.asked = name_of(self.host)
        self.upstream = server.via is not None or context.client.proxy_mode.type_name == "upstream"
        connected = server.peername[0] if server.peername and not self.upstream else None
        self.address: str | None = connected or (self.host if as_address(self.host) else None)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def claim(self, sni: str | None) -> Claim:
        """What the client says, with a name in the rules' own form."""
        return Claim(sni, self.asked, self.address, self._is_movable(), self.upstream)

    def go_to(self, host: str) -> connection.Server | None:
        """Send it there, and nothing has been relayed yet; the connection that is open and of no use any more."""
        server = self._context.server
        if server.timestamp_start is None:
            server.address = (host, self.port)
            return None
        if server.address is not None and server.peername and server.peername[0] == host:
            return None
        self._context.server = connection.Server(
            address=(host, self.port), transport_protocol=server.transport_protocol
        )
        return server

    def _is_movable(self) -> bool:
        if self._context.client.proxy_mode.type_name == "reverse":
            return False  # its administrator said where
        # The tunnel of a proxy upstream belongs to the connection that asked for it.
        return not (self.upstream and self._context.server.timestamp_start is not None)
