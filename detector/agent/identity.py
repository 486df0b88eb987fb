"""Who this device is: an id that says nothing of it, and the salt under which networks are digested.

Both are drawn once and kept in a file of their own beside the state: a state that is damaged and made anew is still of
the same device, whose findings have the same ids. A device that is enrolled in a fleet is who the fleet says, and
shares the fleet's salt, so that two machines in one place can be told to be in one place. Who does not have it cannot
try addresses against a digest: a gateway's has no more than 2^24 of a maker. A membership without one counts from the
fleet's public key, which keeps nobody from that who knows it: enrol again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec

from detector.bounded import read_regular
from detector.knowledge.whole_file import write_whole
from detector.model.no_json import NO_JSON

FILE = "device.json"
FLEET = "fleet.json"
_MAX_FILE = 256 << 10
_ID = re.compile(r"[0-9a-f]{32}")
_SALT = b"tlsight network salt"
_SALT_SIZE = 32


class Identity(msgspec.Struct, frozen=True):
    """Who.

    Attributes:
        device: 32 hex digits.
        salt: of networks' digests.

    """

    device: str
    salt: bytes


class _Fleet(msgspec.Struct, frozen=True):
    """What of a membership concerns who we are."""

    name: str
    signer: str
    salt: str = ""


def identity(folder: Path, draw: Callable[[int], bytes]) -> Identity:
    """Of the device whose state lies in `folder`; drawn and kept where there is none. `draw` gives random bytes.

    Raises StoreError where it cannot be kept.
    """
    path = folder / FILE
    found = kept(folder)
    if found is None:
        found = Identity(draw(16).hex(), draw(32))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, msgspec.json.encode(found) + b"\n", 0o600)
    fleet = _read(folder / FLEET, _Fleet)
    if fleet is not None and _ID.fullmatch(fleet.name):
        return Identity(fleet.name, _salt(fleet))
    return found


def _salt(fleet: _Fleet) -> bytes:
    with suppress(ValueError):
        if len(given := bytes.fromhex(fleet.salt)) == _SALT_SIZE:
            return given
    return sha256(_SALT + fleet.signer.encode()).digest()


def kept(folder: Path) -> Identity | None:
    """The one that is kept in `folder`; None where there is none that can be read."""
    found = _read(folder / FILE, Identity)
    return found if found is not None and _ID.fullmatch(found.device) and found.salt else None


def _read[T](path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(read_regular(path, _MAX_FILE), type=kind)
    except (OSError, *NO_JSON):
        return None
