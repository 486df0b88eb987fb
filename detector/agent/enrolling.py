"""How an agent becomes one of a fleet: it makes its key here, shows a one-time token, and gets the fleet's word.

The key is kept before it is shown, so that an answer that was lost is given again to the same key, and to no other.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from detector.agent import subjects
from detector.agent.membership import FILE, Membership, Token, write_membership
from detector.bounded import read_regular
from detector.errors import FetchError, StoreError, WireError
from detector.knowledge.whole_file import write_whole
from detector.model.no_json import NO_JSON
from detector.net.nats_link import Login, dial
from detector.wire.nkey import NKey, claims_of, verify

PENDING = "fleet.key"
_CONTEXT = b"tlsight fleet, an enrolment 1\0"
_ASKED_FOR = 20.0


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked.

    Attributes:
        secret: of the token.
        user: the agent's public NATS key.
        device: its id.
        name: the machine's name, to be shown; may be empty.
        system: e.g. "linux".
        proof: signature with the agent's key, in hex, over the token's name and all of this.

    """

    secret: str
    user: str
    device: str
    name: str
    system: str
    proof: str


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is answered: the fleet's word for the key, or why there is none."""

    jwt: str = ""
    error: str = ""


def asked(token: Token, key: NKey, device: str, name: str, system: str) -> Request:
    """What to ask for with a key. Pure."""
    bare = Request(token.secret, key.public, device, name, system, "")
    return msgspec.structs.replace(bare, proof=key.sign(_text(token.name, bare)).hex())


def is_proved(request: Request, token: str) -> bool:
    """Whether who asks has the key, and asks with this token. Pure."""
    bare = msgspec.structs.replace(request, proof="")
    try:
        return verify(request.user, "user", _text(token, bare), bytes.fromhex(request.proof))
    except (WireError, ValueError):
        return False


async def enrol(token: Token, folder: Path, device: str, name: str, system: str) -> Membership:
    """Ask, and keep what was got in FOLDER/fleet.json. Raises FetchError, StoreError."""
    key = _pending(folder)
    inbox = subjects.inbox(token.name)
    seed = NKey.read(token.seed)
    link = await dial(Login(token.servers, token.ca, token.jwt, seed.sign, inbox, "tlsight enrol"))
    try:
        request = msgspec.json.encode(asked(token, key, device, name, system))
        answer = await link.ask(f"{subjects.ENROL}.{token.name}", request, _ASKED_FOR)
    finally:
        await link.close()
    try:
        reply = msgspec.json.decode(answer, type=Reply)
    except NO_JSON:
        raise FetchError(link.url, "answers with no enrolment") from None
    if reply.error or not _is_ours(reply.jwt, key, device):
        why = (
            "".join(one for one in reply.error if one.isprintable())[:200]
            or "gives a word for another key"
        )
        remedy = "ask the fleet for another token (tlsight fleet token)"
        raise FetchError(link.url, f"does not enrol this agent: {why}", remedy=remedy)
    member = Membership(
        servers=token.servers,
        ca=token.ca,
        signer=token.signer,
        name=device,
        seed=key.seed,
        jwt=reply.jwt,
        salt=token.salt,
    )
    write_whole(folder / FILE, write_membership(member), 0o600)
    (folder / PENDING).unlink(missing_ok=True)
    return member


def _pending(folder: Path) -> NKey:
    path = folder / PENDING
    try:
        return NKey.read(read_regular(path, 256).decode().strip())
    except FileNotFoundError:
        pass
    except (OSError, WireError, UnicodeDecodeError):
        raise StoreError(
            str(path), "holds no key", remedy="remove it: another one is made"
        ) from None
    key = NKey("user", secrets.token_bytes(32))
    write_whole(path, key.seed.encode() + b"\n", 0o600)
    return key


def _is_ours(jwt: str, key: NKey, device: str) -> bool:
    """The server will look at it again; this finds a mistake at once."""
    try:
        body = msgspec.json.decode(_middle(jwt), type=dict[str, object])
        issuer = str(body.get("iss", ""))
        claims = claims_of(jwt, issuer, "account")
    except (*NO_JSON, WireError, ValueError):
        return False
    return claims.get("sub") == key.public and claims.get("name") == device


def _middle(jwt: str) -> bytes:
    import base64

    part = jwt.split(".")[1:2]
    return base64.urlsafe_b64decode(part[0] + "=" * (-len(part[0]) % 4)) if part else b""


def _text(token: str, request: Request) -> bytes:
    return _CONTEXT + token.encode() + b"\0" + msgspec.json.encode(request)
