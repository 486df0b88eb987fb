"""Users whom a reverse proxy in front of the page has logged in, and names in a header.

Rules
-----
1. A header is believed only where it was configured, the connection comes from an address that was configured, and
   the request carries the secret that the two share. An address alone is no proof: other programs run there.
2. A header that somebody else sends is no request to ignore but one to refuse: he tries to be somebody.
3. A header that is there twice, or that names nobody that a person may be called, is refused as well: proxies and
   servers do not agree on which of two counts.
4. A role is the highest of the groups that have one. Who has none is refused; without a header of roles the file of
   users says it, and else everybody looks on.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from pathlib import Path
from typing import Protocol

from starlette.requests import Request

from addons.review.people import ROLES, Person, Role, is_name
from addons.store.private_file import read_private
from detector.errors import ConfigError

PROOF_HEADER = "x-tlsight-proxy-secret"
_MIN_SECRET, _MOST_ROLES = 16, 1_000
_TOKEN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _HasRole(Protocol):
    @property
    def role(self) -> Role: ...


class Known(Protocol):
    """A file of users."""

    def get(self, name: str) -> _HasRole | None:
        """Somebody of that name."""
        ...


class StrangerError(Exception):
    """A header that this one may not send, or that says nothing; has the reason."""


@dataclass(frozen=True)
class Forwarded:
    """What is believed of whom.

    Attributes:
        user_header: names the user.
        role_header: lists groups or roles, with commas between; None for none.
        sources: addresses of the reverse proxy.
        secret: what it sends as PROOF_HEADER.
        roles: by group; the roles' own names mean themselves.

    """

    user_header: str
    role_header: str | None
    sources: tuple[Network, ...]
    secret: str = field(repr=False)
    roles: Mapping[str, Role] = field(default_factory=dict)
    chance: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def person(self, request: Request, known: Known | None) -> Person | None:
        """Whom the request speaks for; None where it names nobody. Raises StrangerError."""
        names = request.headers.getlist(self.user_header)
        groups = request.headers.getlist(self.role_header) if self.role_header else []
        shown = request.headers.getlist(PROOF_HEADER)
        if not names and not groups and not shown:
            return None
        peer = request.client.host if request.client is not None else ""
        if not self.is_source(peer):
            raise StrangerError("a header that only the reverse proxy may send")
        if len(shown) != 1 or not compare_digest(
            shown[0].encode("latin-1", "replace"), self.secret.encode()
        ):
            raise StrangerError("a reverse proxy without the secret")
        if not names:
            return None  # nobody has logged in there; its login page, say
        if len(names) != 1 or not is_name(names[0].strip()):
            raise StrangerError("no user's name")
        name = names[0].strip()
        role = self._role(name, groups, known)
        if role is None:
            raise StrangerError("a user without a role here")
        return Person(name, role, f"page: named by the reverse proxy {peer}")

    def is_source(self, host: str) -> bool:
        """Whether a connection from there may name users."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in one for one in self.sources)

    def csrf(self, person: Person) -> str:
        """The token of this person's forms; he has no session of ours to keep one in."""
        text = f"{person.name}\0{person.role}".encode()
        return hmac.digest(self.chance, text, hashlib.sha256).hex()

    def _role(self, name: str, groups: list[str], known: Known | None) -> Role | None:
        if self.role_header is None:
            user = known.get(name) if known is not None else None
            return user.role if user is not None else "viewer"
        own: dict[str, Role] = {one: one for one in ROLES}
        given = [one.strip() for one in ",".join(groups).split(",", _MOST_ROLES)]
        held = [found for one in given if (found := self.roles.get(one) or own.get(one))]
        return max(held, key=ROLES.index) if held else None


def forwarded(
    user_header: str | None,
    role_header: str | None,
    sources: list[str],
    secret: Path | None,
    groups: list[str],
) -> Forwarded | None:
    """From options of a command; None where no header was configured. Raises ConfigError, StoreError.

    Args:
        user_header: the header's name.
        role_header: that of the groups.
        sources: addresses or networks.
        secret: a private file.
        groups: words as "netops=admin".

    """
    if user_header is None:
        if role_header or sources or secret or groups:
            raise ConfigError("--user-header", "is missing", remedy="it names the header")
        return None
    if not sources or secret is None:
        why = "anybody could send it"
        remedy = "give --from-proxy with the proxy's address and --proxy-secret with a file"
        raise ConfigError("--user-header", why, remedy=remedy)
    names = [_header(one) for one in (user_header, role_header) if one is not None]
    if len({*names, PROOF_HEADER}) != len(names) + 1:
        raise ConfigError("--role-header", "is the same as another header")
    return Forwarded(
        names[0],
        names[1] if role_header is not None else None,
        tuple(map(_network, sources)),
        _secret(secret),
        dict(map(_group, groups)),
    )


def _header(text: str) -> str:
    name = text.lower()
    if not name or not set(name) <= _TOKEN:
        why = f"{text!r} is no header's name of letters, digits and hyphens"
        raise ConfigError("--user-header", why)
    if name in ("cookie", "authorization", "host", "origin", "content-length"):
        raise ConfigError("--user-header", f"{text} means something else")
    return name


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ConfigError("--from-proxy", f"{text!r} is no address or network") from None


def _group(text: str) -> tuple[str, Role]:
    group, _, role = text.rpartition("=")
    known = next((one for one in ROLES if one == role), None)
    if not group or known is None:
        why = f"{text!r} is no GROUP=ROLE; a role is {', '.join(ROLES)}"
        raise ConfigError("--group", why)
    return group, known


def _secret(path: Path) -> str:
    content = read_private(path)
    text = (content or b"").decode("latin-1").strip()
    if len(text) < _MIN_SECRET or not text.isascii() or not text.isprintable():
        why = f"holds no secret of {_MIN_SECRET} printable characters or more"
        remedy = f"openssl rand -hex 32 > {path}; chmod 600 {path}"
        raise ConfigError(str(path), why, remedy=remedy)
    return text
