"""Who may be a gateway: a file for each one to carry there, and what the centre keeps of all.

The file for the gateway holds its token and the centre's public key: who has it is that gateway. The centre keeps no
token (sealed.py). Both are readable for their owner alone.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from addons.store.private_file import read_private, write_private
from addons.sync.listed import mark_of
from addons.sync.sealed import secret_of
from addons.sync.shelf import GATEWAY_NAME
from detector.agent.membership import Membership
from detector.errors import ConfigError
from detector.knowledge.whole_file import write_whole
from detector.model.no_json import NO_JSON

MAX_GATEWAYS = 200


class Enrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a gateway carries.

    Attributes:
        name: the gateway's.
        key: the centre's public key, raw, in hex.
        token: its own.
        shelf: a folder, the centre's https:// address, or tls:// of a fleet's bus.
        fleet: who the gateway is on that bus.

    """

    name: str
    key: str
    token: str
    shelf: str
    fleet: Membership | None = None

    @property
    def secret(self) -> bytes:
        return secret_of(self.token)


class Enrolled(msgspec.Struct, frozen=True):
    """What the centre keeps of one.

    Attributes:
        secret: in hex.
        site: whose private addresses are of its own; None: they may be those of every gateway without one.

    """

    name: str
    secret: str
    site: str | None = None

    @property
    def key(self) -> bytes:
        return bytes.fromhex(self.secret)

    @property
    def mark(self) -> str:
        return mark_of(self.key)


def enrolled(store: Path) -> dict[str, Enrolled]:
    """All gateways of a centre, by name. Raises StoreError."""
    path = _file(store)
    content = read_private(path)
    try:
        found = [msgspec.json.decode(line, type=Enrolled) for line in (content or b"").splitlines()]
        return {one.name: one for one in found if len(one.key) == 32 and is_name(one.name)}
    except (*NO_JSON, ValueError):
        raise ConfigError(str(path), "is no list of gateways", remedy="enrol them anew") from None


def enrol(store: Path, name: str, site: str | None) -> str:
    """Make a gateway, or give one another token; the token. Raises ConfigError, StoreError."""
    if not is_name(name):
        raise ConfigError(name, "is no name of a gateway", remedy="a-z, 0-9 and -, at most 32")
    if site is not None and not is_name(site):
        raise ConfigError(site, "is no name of a site", remedy="a-z, 0-9 and -, at most 32")
    known = enrolled(store)
    if name not in known and len(known) >= MAX_GATEWAYS:
        raise ConfigError(name, f"there are {MAX_GATEWAYS} gateways already")
    token = secrets.token_urlsafe(32)
    known[name] = Enrolled(name, secret_of(token).hex(), site)
    _write(store, known)
    return token


def revoke(store: Path, name: str) -> None:
    """From now on it is none. Raises ConfigError where it never was one, StoreError."""
    known = enrolled(store)
    if known.pop(name, None) is None:
        raise ConfigError(name, "is no gateway", remedy="tlsight bypass sync status shows them")
    _write(store, known)


def read_enrolment(path: Path) -> Enrolment:
    """What a gateway carries. Raises ConfigError, StoreError."""
    content = read_private(path)
    if content is None:
        remedy = "make it at the centre with tlsight bypass sync enrol NAME --out FILE"
        raise ConfigError(str(path), "is not there", remedy=remedy)
    try:
        found = msgspec.json.decode(content, type=Enrolment)
        good = is_name(found.name) and len(bytes.fromhex(found.key)) == 32 and found.shelf != ""
    except (*NO_JSON, ValueError):
        good = False
    if not good:
        raise ConfigError(str(path), "is no enrolment", remedy="make another one at the centre")
    return found


def write_enrolment(path: Path, one: Enrolment) -> None:
    """For its owner alone. Raises StoreError."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(one)) + b"\n", 0o600)


def is_name(text: str) -> bool:
    """Whether a gateway or a site may be called so."""
    return GATEWAY_NAME.fullmatch(text) is not None


def _write(store: Path, known: dict[str, Enrolled]) -> None:
    lines = [msgspec.json.encode(one) + b"\n" for _, one in sorted(known.items())]
    write_private(_file(store), b"".join(lines), beside=store)


def _file(store: Path) -> Path:
    return store.with_name(f"{store.name}.gateways")
