"""Tokens of a fleet: who vouches for whom. Pure; the time is an argument, in seconds since 1970.

Theory of operation
-------------------
The operator's key signs four accounts: SYSTEM, through which the running server is told of a changed account; FLEET,
which holds streams and buckets; FIELD and CENTRE, whose users are all others, and which import from FLEET what these
may do (addons.fleet.rights says why). An account's own key signs nobody: for each role it names a key, with the role's
rights, and that key signs users. A user's token holds a name and a public key, no rights. Tokens do not end by
themselves; an agent that is revoked is written into its account's token with the time from which on its tokens are
good again, and that is what the server looks at when one connects and at once when the token is replaced.

FLEET exports one service, `>`, and not one for each subject: an answer that comes out of an export is not let into
the same one again, which is how the server ends circles, and here what keeps an answer from being a request.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import get_args

import msgspec

from addons.fleet.rights import RIGHTS, Place, Role, imported
from detector.wire.nkey import NKey, signed_token

_UNBOUND = {"subs": -1, "data": -1, "payload": -1}
_ACCOUNT = {
    **_UNBOUND, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": 0,
}  # fmt: skip
PLACES: tuple[Place, ...] = get_args(Place)
_JETSTREAM = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}


class FleetKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seeds of all that vouch for somebody; who has them is the fleet.

    Attributes:
        operator: of the accounts.
        system: account through which the server is steered.
        accounts: all others, by their place.
        roles: of each role's users.
        signer: of lists and questions: a raw Ed25519 key, in hex. None of NATS': who breaks into the server cannot
            sign a list, and agents need not know how the server is run.

    """

    operator: str
    system: str
    accounts: dict[Place, str]
    roles: dict[Role, str]
    signer: str


def operator_token(keys: FleetKeys, now: int) -> str:
    """What the server trusts."""
    operator, system = NKey.read(keys.operator), NKey.read(keys.system)
    body = {"type": "operator", "version": 2, "system_account": system.public}
    return _token(operator, operator.public, "tlsight", body, now)


def system_token(keys: FleetKeys, now: int) -> str:
    """Of the account through which the server is steered."""
    body = {"type": "account", "version": 2, "limits": _ACCOUNT}
    return _token(NKey.read(keys.operator), NKey.read(keys.system).public, "SYSTEM", body, now)


def account_tokens(keys: FleetKeys, revoked: Mapping[str, int], now: int) -> dict[str, str]:
    """Of all other accounts, by their public keys, FLEET's first.

    Args:
        keys: the fleet's.
        revoked: by a user's public key, the second up to which its tokens are void.
        now: seconds since 1970.

    """
    return {public_of(keys, place): _account(keys, place, revoked, now) for place in PLACES}


def public_of(keys: FleetKeys, place: Place) -> str:
    """An account's public key."""
    return NKey.read(keys.accounts[place]).public


def user_token(
    keys: FleetKeys, role: Role, public: str, name: str, now: int, until: int | None = None
) -> str:
    """Of one user.

    Args:
        keys: the fleet's.
        role: what it may do.
        public: its own key.
        name: what its rights are about; the rights' templates hold it.
        now: seconds since 1970.
        until: when it ends; None for never.

    """
    body = {"type": "user", "version": 2, "issuer_account": public_of(keys, RIGHTS[role].place)}
    return _token(NKey.read(keys.roles[role]), public, name, body, now, until)


def system_user_token(keys: FleetKeys, public: str, now: int) -> str:
    """Of the one who steers the server."""
    body = {"type": "user", "version": 2, **_UNBOUND}
    return _token(NKey.read(keys.system), public, "keeper", body, now)


def _account(keys: FleetKeys, place: Place, revoked: Mapping[str, int], now: int) -> str:
    fleet = public_of(keys, "fleet")
    body: dict[str, object] = {
        "type": "account",
        "version": 2,
        "limits": {**_ACCOUNT, **(_JETSTREAM if place == "fleet" else {})},
        "signing_keys": [
            _role(role, NKey.read(seed))
            for role, seed in keys.roles.items()
            if RIGHTS[role].place == place
        ],
        "revocations": dict(revoked),
    }
    if place == "fleet":
        body["exports"] = [
            {"name": "all", "subject": ">", "type": kind} for kind in ("service", "stream")
        ]
    else:
        services, streams = imported(place)
        body["imports"] = [
            {"name": one, "subject": one, "account": fleet, "type": kind}
            for kind, some in (("service", services), ("stream", streams))
            for one in some
        ]
    return _token(NKey.read(keys.operator), public_of(keys, place), place.upper(), body, now)


def _role(role: Role, key: NKey) -> dict[str, object]:
    rights = RIGHTS[role]
    return {
        "kind": "user_scope",
        "key": key.public,
        "role": role,
        "template": {
            "pub": {"allow": list(rights.publish)},
            "sub": {"allow": list(rights.subscribe)},
            "subs": rights.subscriptions,
            "data": -1,
            "payload": rights.payload,
            "allowed_connection_types": ["STANDARD"],
        },
    }


def _token(
    issuer: NKey,
    subject: str,
    name: str,
    body: dict[str, object],
    now: int,
    until: int | None = None,
) -> str:
    claims: dict[str, object] = {"iat": now, "name": name, "sub": subject, "nats": body}
    if until is not None:
        claims["exp"] = until
    digest = hashlib.sha512(msgspec.json.encode(claims)).digest()[:32]
    claims["jti"] = base64.b32encode(digest).decode().rstrip("=")
    return signed_token(claims, issuer)
