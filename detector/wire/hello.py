"""ClientHello, ServerHello and HelloRetryRequest (RFC 8446 section 4.1, RFC 5246 section 7.4.1).

All extensions are kept, in order, as (type, bytes): typed views are computed from them, so that
parse followed by build gives the same bytes back, GREASE and unknown extensions included.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from detector.errors import WireError
from detector.wire import registry as r
from detector.wire.reader import Reader
from detector.wire.records import HANDSHAKE, encode_message, encode_record

MAX_EXTENSIONS = 256
# SHA-256 of "HelloRetryRequest": a ServerHello with this random is one (RFC 8446 section 4.1.3).
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
# The end of the random of a server that could have done better (RFC 8446 section 4.1.3).
DOWNGRADE_MARKS = (b"DOWNGRD\x01", b"DOWNGRD\x00")

Extension = tuple[int, bytes]


class ClientHello(msgspec.Struct, frozen=True):
    """What a client offers. Integers are code points as on the wire, GREASE included."""

    legacy_version: int
    random: bytes
    session_id: bytes
    ciphers: tuple[int, ...]
    compression: bytes
    extensions: tuple[Extension, ...] | None  # None: the block itself is absent

    def extension(self, kind: int) -> bytes | None:
        return _find(self.extensions, kind)

    @property
    def sni(self) -> str | None:
        """The host name of the server_name extension (RFC 6066 section 3), as sent."""
        body = self.extension(r.SERVER_NAME)
        if not body:
            return None
        names = Reader(body).vector(2, "server name list")
        while names.left:
            kind = names.uint(1, "name type")
            name = names.vector(2, "server name").rest()
            if kind == 0:
                return name.decode("ascii", "backslashreplace")
        return None

    @property
    def alpn(self) -> tuple[bytes, ...]:
        body = self.extension(r.ALPN)
        return _alpn(body) if body is not None else ()

    @property
    def versions(self) -> tuple[int, ...]:
        """supported_versions, or the legacy version alone when absent."""
        body = self.extension(r.SUPPORTED_VERSIONS)
        if body is None:
            return (self.legacy_version,)
        return Reader(body).vector(1, "supported_versions").uint16_list("supported_versions")

    @property
    def groups(self) -> tuple[int, ...]:
        return self._uint16_vector(r.SUPPORTED_GROUPS, "supported_groups")

    @property
    def signature_algorithms(self) -> tuple[int, ...]:
        return self._uint16_vector(r.SIGNATURE_ALGORITHMS, "signature_algorithms")

    @property
    def point_formats(self) -> tuple[int, ...]:
        body = self.extension(r.EC_POINT_FORMATS)
        return tuple(Reader(body).vector(1, "ec_point_formats").rest()) if body else ()

    @property
    def key_shares(self) -> tuple[tuple[int, bytes], ...]:
        """(group, key) pairs of key_share."""
        body = self.extension(r.KEY_SHARE)
        if body is None:
            return ()
        shares = Reader(body).vector(2, "key_share")
        found: list[tuple[int, bytes]] = []
        while shares.left:
            group = shares.uint(2, "key_share group")
            found.append((group, shares.vector(2, "key_share key").rest()))
        return tuple(found)

    @property
    def ech(self) -> str | None:
        """Kind of Encrypted ClientHello: "outer", "inner" or None. GREASE ECH looks like "outer"."""
        body = self.extension(r.ENCRYPTED_CLIENT_HELLO)
        if not body:
            return None
        return {0: "outer", 1: "inner"}.get(body[0])

    def _uint16_vector(self, kind: int, what: str) -> tuple[int, ...]:
        body = self.extension(kind)
        return Reader(body).vector(2, what).uint16_list(what) if body else ()


class ServerHello(msgspec.Struct, frozen=True):
    """What the server chose; a HelloRetryRequest when `is_retry`."""

    legacy_version: int
    random: bytes
    session_id: bytes
    cipher: int
    compression: int
    extensions: tuple[Extension, ...] | None

    def extension(self, kind: int) -> bytes | None:
        return _find(self.extensions, kind)

    @property
    def is_retry(self) -> bool:
        return self.random == RETRY_RANDOM

    @property
    def marks_downgrade(self) -> bool:
        """The server knows TLS 1.3 and was not offered it (RFC 8446 section 4.1.3), or so it saw."""
        return self.random[-8:] in DOWNGRADE_MARKS

    @property
    def takes_psk(self) -> bool:
        """It goes on from a secret that both had: a session before, mostly (RFC 8446 section 4.2.11)."""
        return self.extension(r.PRE_SHARED_KEY) is not None

    @property
    def version(self) -> int:
        body = self.extension(r.SUPPORTED_VERSIONS)
        return self.legacy_version if body is None else Reader(body).uint(2, "selected version")

    @property
    def group(self) -> int | None:
        """The key share's group; in a retry, the group the server asks for."""
        body = self.extension(r.KEY_SHARE)
        if body is None and self.version != 0x0304 and r.is_tls13(self.version):
            body = self.extension(r.EARLY_KEY_SHARE)
        return None if body is None else Reader(body).uint(2, "selected group")

    @property
    def alpn(self) -> bytes | None:
        body = self.extension(r.ALPN)
        if body is None:
            return None
        names = _alpn(body)
        return names[0] if names else None


def parse_client_hello(body: bytes, base: int = 0) -> ClientHello:
    """A ClientHello's handshake body. Raises WireError with the offset in `body` plus `base`."""
    read = Reader(body, base)
    version = read.uint(2, "legacy version")
    random = read.take(32, "random")
    session = read.vector(1, "session id").rest()
    ciphers = read.vector(2, "cipher suites").uint16_list("cipher suites")
    compression = read.vector(1, "compression methods").rest()
    return ClientHello(version, random, session, ciphers, compression, _extensions(read))


def parse_server_hello(body: bytes, base: int = 0) -> ServerHello:
    """A ServerHello's or HelloRetryRequest's handshake body. Raises WireError.

    The typed views are checked here: those of a hello that was read never raise.
    """
    read = Reader(body, base)
    version = read.uint(2, "legacy version")
    random = read.take(32, "random")
    early = r.is_early_draft(version)
    session = b"" if early else read.vector(1, "session id").rest()
    cipher = read.uint(2, "cipher suite")
    compression = 0 if early else read.uint(1, "compression method")
    found = ServerHello(version, random, session, cipher, compression, _extensions(read))
    _ = (found.version, found.group, found.alpn)
    return found


def chosen_alpn(body: bytes) -> bytes | None:
    """The protocol in EncryptedExtensions (RFC 8446 section 4.3.1), None for none. Raises WireError."""
    read = Reader(body).vector(2, "encrypted extensions")
    found: bytes | None = None
    while read.left:
        kind = read.uint(2, "extension type")
        value = read.vector(2, "extension")
        if kind == r.ALPN:
            found = value.vector(2, "ALPN list").vector(1, "ALPN name").rest()
    return found


def build_client_hello(hello: ClientHello) -> bytes:
    """The handshake body of `hello`."""
    return (
        hello.legacy_version.to_bytes(2, "big")
        + hello.random
        + _vector(1, hello.session_id)
        + _vector(2, b"".join(c.to_bytes(2, "big") for c in hello.ciphers))
        + _vector(1, hello.compression)
        + _build_extensions(hello.extensions)
    )


def build_server_hello(hello: ServerHello) -> bytes:
    """The handshake body of `hello`."""
    early = r.is_early_draft(hello.legacy_version)
    return (
        hello.legacy_version.to_bytes(2, "big")
        + hello.random
        + (b"" if early else _vector(1, hello.session_id))
        + hello.cipher.to_bytes(2, "big")
        + (b"" if early else bytes((hello.compression,)))
        + _build_extensions(hello.extensions)
    )


def client_hello_record(hello: ClientHello, version: int = 0x0301) -> bytes:
    """A ClientHello as a client puts it on the wire, record header included."""
    body = build_client_hello(hello)
    return encode_record(HANDSHAKE, encode_message(r.CLIENT_HELLO, body), version)


# Builders of the extensions a hello of our own carries.


def server_name(host: str) -> Extension:
    return r.SERVER_NAME, _vector(2, b"\x00" + _vector(2, host.encode("ascii")))


def alpn(protocols: Sequence[str]) -> Extension:
    return r.ALPN, _vector(2, b"".join(_vector(1, p.encode()) for p in protocols))


def supported_versions(versions: Sequence[int]) -> Extension:
    return r.SUPPORTED_VERSIONS, _vector(1, _uint16s(versions))


def supported_groups(groups: Sequence[int]) -> Extension:
    return r.SUPPORTED_GROUPS, _vector(2, _uint16s(groups))


def signature_algorithms(schemes: Sequence[int]) -> Extension:
    return r.SIGNATURE_ALGORITHMS, _vector(2, _uint16s(schemes))


def signature_algorithms_cert(schemes: Sequence[int]) -> Extension:
    return r.SIGNATURE_ALGORITHMS_CERT, _vector(2, _uint16s(schemes))


def key_share(shares: Sequence[tuple[int, bytes]]) -> Extension:
    body = b"".join(group.to_bytes(2, "big") + _vector(2, key) for group, key in shares)
    return r.KEY_SHARE, _vector(2, body)


def status_request() -> Extension:
    """Ask for a stapled OCSP response (RFC 6066 section 8)."""
    return r.STATUS_REQUEST, b"\x01\x00\x00\x00\x00"


def ec_point_formats() -> Extension:
    return r.EC_POINT_FORMATS, b"\x01\x00"


def _find(extensions: tuple[Extension, ...] | None, kind: int) -> bytes | None:
    for found, body in extensions or ():
        if found == kind:
            return body
    return None


def _alpn(body: bytes) -> tuple[bytes, ...]:
    read = Reader(body).vector(2, "ALPN list")
    names: list[bytes] = []
    while read.left:
        names.append(read.vector(1, "ALPN name").rest())
    return tuple(names)


def _extensions(read: Reader) -> tuple[Extension, ...] | None:
    if not read.left:
        return None
    block = read.vector(2, "extensions")
    read.done("hello")
    found: list[Extension] = []
    while block.left:
        if len(found) == MAX_EXTENSIONS:
            raise WireError(f"more than {MAX_EXTENSIONS} extensions", block.base + block.at)
        kind = block.uint(2, "extension type")
        found.append((kind, block.vector(2, f"extension {kind}").rest()))
    return tuple(found)


def _build_extensions(extensions: tuple[Extension, ...] | None) -> bytes:
    if extensions is None:
        return b""
    return _vector(2, b"".join(k.to_bytes(2, "big") + _vector(2, b) for k, b in extensions))


def _uint16s(values: Sequence[int]) -> bytes:
    return b"".join(v.to_bytes(2, "big") for v in values)


def _vector(length_size: int, data: bytes) -> bytes:
    return len(data).to_bytes(length_size, "big") + data
