"""Hellos into facts, the same ones read once.

Clients of one kind send the same hello but for the random, the session id, the key shares and the name.
What is left after those are taken out is the key under which the facts are kept. The tables are bounded:
when one is full it is emptied.
"""

from __future__ import annotations

from contextlib import suppress

from detector.capture.connection import HelloFacts, ServerFacts
from detector.errors import WireError
from detector.wire import registry as r
from detector.wire.fingerprints import ja3, ja3s, ja4
from detector.wire.hello import (
    RETRY_RANDOM,
    ClientHello,
    parse_client_hello,
    parse_server_hello,
)
from detector.wire.reader import Reader

_ROOM = 4096
_MOST_EXTENSIONS = 256
# Extensions whose content is the same for every connection of one client.
_TELLING = frozenset(
    (r.SUPPORTED_GROUPS, r.EC_POINT_FORMATS, r.SIGNATURE_ALGORITHMS, r.ALPN, r.SUPPORTED_VERSIONS)
)
_SHARES = (r.KEY_SHARE, r.EARLY_KEY_SHARE)


class Hellos:
    """Facts of hellos, remembered."""

    def __init__(self) -> None:
        self._clients: dict[tuple[object, ...], HelloFacts] = {}
        self._servers: dict[tuple[object, ...], ServerFacts] = {}

    def client(self, body: bytes, transport: str = "t") -> tuple[HelloFacts, str | None]:
        """Facts and server name of a ClientHello. Raises WireError."""
        size = len(body)
        if size < 39:
            raise WireError("ClientHello cut short", size)
        at = 35 + body[34]
        ciphers = at + 2 + (body[at] << 8 | body[at + 1]) if at + 2 <= size else size
        if ciphers >= size:
            raise WireError("cipher suites reach past the hello", at)
        start = ciphers + 1 + body[ciphers] + 2
        # Suites and methods of compression, then what the extensions say.
        kinds: list[bytes] = [body[:2], body[at : start - 2], transport.encode()]
        name: str | None = None
        shares = 0
        here = start
        while here + 4 <= size:
            kind = body[here] << 8 | body[here + 1]
            end = here + 4 + (body[here + 2] << 8 | body[here + 3])
            if end > size:
                raise WireError("extension reaches past the hello", here)
            if kind in _TELLING:
                kinds.append(body[here:end])
            else:
                kinds.append(body[here : here + 2])
                if kind == 0 and name is None:
                    name = _name(body[here + 4 : end])
                elif kind == r.KEY_SHARE:
                    shares = end - here
            here = end
        key = (shares, *kinds)
        found = self._clients.get(key)
        if found is None:
            if len(self._clients) >= _ROOM:
                self._clients.clear()
            found = self._clients[key] = _facts(parse_client_hello(body), transport)
        return found, name

    def server(self, body: bytes) -> tuple[ServerFacts, bool, bytes | None]:
        """Facts of a ServerHello, whether it asks for another hello, and its list of SCTs. Raises WireError."""
        size = len(body)
        if size < 38:
            raise WireError("ServerHello cut short", size)
        early = r.is_early_draft(body[0] << 8 | body[1])
        at = 34 if early else 35 + body[34]
        kinds: list[bytes] = [body[:2], body[at : at + (2 if early else 3)]]
        here = at + (4 if early else 5)
        scts: bytes | None = None
        while here + 4 <= size:
            kind = body[here] << 8 | body[here + 1]
            end = here + 4 + (body[here + 2] << 8 | body[here + 3])
            if kind == r.SIGNED_CERTIFICATE_TIMESTAMP:  # another one for each leaf
                scts = body[here + 4 : end]
                kinds.append(body[here : here + 2])
            else:
                # Of a key share the group counts, not the key.
                kinds.append(body[here : here + 6 if kind in _SHARES else end])
            here = end
        retry = body[2:34] == RETRY_RANDOM
        key = (retry, here == size, *kinds)
        found = self._servers.get(key)
        if found is None:
            hello = parse_server_hello(body)
            if len(self._servers) >= _ROOM:
                self._servers.clear()
            found = self._servers[key] = ServerFacts(
                version=hello.version,
                cipher=hello.cipher,
                group=hello.group,
                alpn=hello.alpn.decode("latin-1") if hello.alpn is not None else None,
                ja3s=ja3s(hello),
                renegotiation=hello.extension(r.RENEGOTIATION_INFO) is not None,
                psk=hello.takes_psk,
            )
        return found, retry, scts


def _facts(hello: ClientHello, transport: str) -> HelloFacts:
    return HelloFacts(
        legacy_version=hello.legacy_version,
        versions=tuple(v for v in hello.versions if not r.is_grease(v)),
        ciphers=tuple(c for c in hello.ciphers if not r.is_grease(c)),
        extensions=tuple(kind for kind, _ in hello.extensions or ()),
        groups=tuple(g for g in hello.groups if not r.is_grease(g)),
        schemes=tuple(s for s in hello.signature_algorithms if not r.is_grease(s)),
        alpn=tuple(name.decode("latin-1") for name in hello.alpn),
        shares=tuple(group for group, _ in hello.key_shares if not r.is_grease(group)),
        ja3=ja3(hello),
        ja4=ja4(hello, transport),
        formats=hello.point_formats,
        compressions=tuple(hello.compression),
    )


def salvaged(body: bytes) -> tuple[HelloFacts, str | None]:
    """What can be read of a ClientHello that makes no sense as a whole, and the name in it. Never raises.

    It has no fingerprints: those are of whole hellos.
    """
    read = Reader(body)
    version = 0
    ciphers: tuple[int, ...] = ()
    kinds: list[int] = []
    name: str | None = None
    with suppress(WireError):
        version = read.uint(2, "version")
        read.take(32, "random")
        read.vector(1, "session id")
        ciphers = read.vector(2, "cipher suites").uint16_list("cipher suites")
        read.vector(1, "compression methods")
        read.uint(2, "extensions length")
        for _ in range(_MOST_EXTENSIONS):
            kind = read.uint(2, "extension")
            kinds.append(kind)
            content = read.vector(2, "extension").rest()
            if kind == r.SERVER_NAME and name is None:
                name = _name(content)
    return HelloFacts(
        legacy_version=version, versions=(), ciphers=tuple(c for c in ciphers if not r.is_grease(c)),
        extensions=tuple(kinds), groups=(), schemes=(), alpn=(), shares=(), ja3="", ja4="",
    ), name  # fmt: skip


def _name(body: bytes) -> str | None:
    """host_name of a server_name extension's content (RFC 6066 section 3)."""
    if len(body) < 5 or body[2] != 0:
        return None
    size = body[3] << 8 | body[4]
    return body[5 : 5 + size].decode("ascii", "backslashreplace") or None
