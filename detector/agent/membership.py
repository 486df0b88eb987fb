"""What an agent carries of its fleet, STATE/fleet.json, and the one-time token that it got it for. Pure.

Both are secrets in the clear, for their owner alone: a token until it is spent, a membership until it is revoked.
"""

from __future__ import annotations

import re

import msgspec

from detector.errors import ConfigError, WireError
from detector.model.no_json import NO_JSON
from detector.wire.nkey import NKey

FILE = "fleet.json"
MAX_FILE = 256 << 10
_SERVER = re.compile(r"(?:tls|nats)://(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}")
_NAME = re.compile(r"[a-z0-9-]{1,64}")


class Membership(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of one user of the bus: an agent, a gateway.

    Attributes:
        format: tlsight.fleet/1.
        servers: tls://HOST:PORT, any of which will do.
        ca: PEM of the only roots that vouch for them; None means the operating system's.
        signer: the fleet's public key for lists and questions, raw, in hex.
        name: who this is: an agent's device id, a gateway's name.
        seed: of its NATS key.
        jwt: the fleet's word for that key.
        salt: of networks' digests, in hex, the same for the whole fleet and nobody else's to know; empty in files that
            were made without one.

    """

    format: str = "tlsight.fleet/1"
    servers: tuple[str, ...]
    ca: str | None = None
    signer: str
    name: str
    seed: str
    jwt: str
    salt: str = ""


class Token(Membership, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Good for being enrolled, once or as often as it says.

    Attributes:
        secret: what is shown for it; the fleet keeps its digest.

    """

    format: str = "tlsight.fleet-token/1"
    secret: str


def read_membership(content: bytes, path: str) -> Membership:
    """Raises ConfigError."""
    return _read(content, path, Membership, "tlsight agent enrol TOKEN makes it")


def read_token(content: bytes, path: str) -> Token:
    """Raises ConfigError."""
    return _read(content, path, Token, "tlsight fleet token --out FILE makes one")


def _read[M: Membership](content: bytes, path: str, kind: type[M], remedy: str) -> M:
    wanted = "tlsight.fleet-token/1" if kind is Token else "tlsight.fleet/1"
    try:
        found = msgspec.json.decode(content, type=kind)
    except NO_JSON:
        found = None
    if found is None or found.format != wanted:
        raise ConfigError(path, f"is no {wanted}", remedy=remedy)
    why = _fault(found)
    if why:
        raise ConfigError(path, why, remedy=remedy)
    return found


def _fault(one: Membership) -> str:
    if not 0 < len(one.servers) <= 16 or not all(map(is_server, one.servers)):
        return "names no servers as tls://HOST:PORT"
    if not _NAME.fullmatch(one.name):
        return "has a name that is none"
    try:
        if NKey.read(one.seed).kind != "user" or len(bytes.fromhex(one.signer)) != 32:
            return "holds a key of another kind"
        if len(bytes.fromhex(one.salt)) not in (0, 32):
            return "holds a salt of another length"
    except (WireError, ValueError):
        return "holds a damaged key"
    return ""


def is_server(url: str) -> bool:
    """Whether it is tls://HOST:PORT."""
    return _SERVER.fullmatch(url) is not None


def write_membership(one: Membership) -> bytes:
    """Its file."""
    return msgspec.json.format(msgspec.json.encode(one)) + b"\n"
