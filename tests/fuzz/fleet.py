"""Targets of what a fleet and its agents read of each other."""

from __future__ import annotations

import atexit
import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import msgspec

from addons.fleet import rows
from addons.fleet.accounts import PLACES, FleetKeys, user_token
from addons.fleet.enrolling import Enroller
from addons.fleet.members import Members
from addons.fleet.rights import Place
from addons.fleet.taking import Refused, take
from addons.sync.nats_shelf import blob_of, head_of, value_of
from detector.agent.enrolling import asked
from detector.agent.membership import (
    Membership,
    Token,
    read_membership,
    read_token,
    write_membership,
)
from detector.agent.questions import Question, read_sheet, write_sheet
from detector.agent.signed import public_signer, seal, signer_of, unseal
from detector.errors import ConfigError
from detector.report.event_json import (
    DeviceRecord,
    EventRecord,
    FindingRecord,
    HeartbeatRecord,
    NetworkRecord,
    VersionsRecord,
    encode_event,
)
from detector.wire.nkey import NKey, claims_of
from tests.fuzz.target import Target

_NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
_SECRET = "11" * 32
_SIGNER = public_signer(_SECRET)
_OPERATOR, _ACCOUNT = NKey("operator", b"\1" * 32), NKey("account", b"\2" * 32)
_USER = NKey("user", b"\3" * 32)
_PLACES: dict[Place, str] = dict.fromkeys(PLACES, _ACCOUNT.seed)
_KEYS = FleetKeys(_OPERATOR.seed, _ACCOUNT.seed, _PLACES, {"agent": _ACCOUNT.seed}, _SECRET)
_JWT = user_token(_KEYS, "agent", _USER.public, "a" * 32, 1)
_MEMBER = Membership(
    servers=("tls://fleet.example:4222",), signer=_SIGNER, name="a" * 32, seed=_USER.seed, jwt=_JWT
)
_TOKEN = Token(
    servers=_MEMBER.servers,
    signer=_SIGNER,
    name="b" * 16,
    seed=_USER.seed,
    jwt=_JWT,
    secret="s" * 43,
)
_LIST = seal("canaries", 1, _NOW, _NOW + timedelta(days=1), b"a.example\n" * 9, signer_of(_SECRET))


_DEVICE, _VERSIONS = DeviceRecord("d" * 32, "laptop", "linux"), VersionsRecord("1.0", "t")
_BEAT = EventRecord(
    "tlsight.event/1", "e" * 32, "heartbeat", _NOW, _DEVICE, _VERSIONS, network=NetworkRecord("n"),
    heartbeat=HeartbeatRecord(1.0, 900.0, ("f",), lists={"canaries": 1}),
)  # fmt: skip
_OPENED = EventRecord(
    "tlsight.event/1", "e" * 32, "opened", _NOW, _DEVICE, _VERSIONS,
    finding=FindingRecord("f", "interception", "spki:00", _NOW, _NOW, ("www.example.com:443",), 1),
)  # fmt: skip


def targets() -> dict[str, Target]:
    """By name."""
    return {
        "nats-seed": Target(_seed, (_USER.seed.encode(), _ACCOUNT.seed.encode())),
        "nats-token": Target(_token, (_JWT.encode(),)),
        "fleet-membership": Target(
            _membership, (write_membership(_MEMBER), write_membership(_TOKEN))
        ),
        "fleet-list": Target(_list, (_LIST,)),
        "fleet-questions": Target(
            _questions, (write_sheet((Question("c" * 32, "host.example", 443, _NOW),)),)
        ),
        "fleet-enrolment": Target(
            _enrolment,
            (msgspec.json.encode(asked(_TOKEN, _USER, "a" * 32, "laptop", "linux")),),
        ),
        "fleet-event": Target(_event, (encode_event(_OPENED), encode_event(_BEAT))),
        "fleet-shelf": Target(_shelf, (value_of(b"a rule\n" * 99)[0],)),
    }


def _event(data: bytes) -> None:
    """What an agent says is refused with a reason of ours, or becomes rows that both databases take."""
    found = take(f"tlsight.event.{'d' * 32}", data, _NOW, timedelta(days=90))
    if isinstance(found, Refused):
        assert found.why
        return
    kept = rows.kept(found, ("www.example.com",))
    for row in (kept.agent, kept.event, kept.finding, kept.network, kept.answer, *kept.stand):
        for value in (row or ())[:-1]:
            assert (
                value is None
                or isinstance(value, int)
                or (len(value) <= 80_000 and "\0" not in value)
            )  # type: ignore[arg-type, operator]
    rows.statements([kept], [])


def _seed(data: bytes) -> None:
    """A NATS seed that is read is written as it was."""
    text = data.decode("utf-8", "replace")
    assert NKey.read(text).seed == text


def _token(data: bytes) -> None:
    """A token holds only where its issuer signed it, whatever it says."""
    text = data.decode("utf-8", "replace")
    assert claims_of(text, _ACCOUNT.public, "account")["name"] == "a" * 32


def _membership(data: bytes) -> None:
    """A file that is taken names servers and a key that can be used."""
    for read in (read_membership, read_token):
        try:
            found = read(data, "it")
        except ConfigError:
            continue
        assert found.servers
        assert NKey.read(found.seed).kind == "user"


def _list(data: bytes) -> None:
    """What is unsealed is what was signed."""
    found = unseal("canaries", data, _SIGNER)
    assert (found.serial, found.content) == (1, b"a.example\n" * 9)


def _questions(data: bytes) -> None:
    """A question names a host and a port, and an end."""
    for one in read_sheet(data):
        assert 0 < one.port < 65536
        assert one.until.tzinfo is not None
        assert "/" not in one.host


def _enrolment(data: bytes) -> None:
    """Who asks gets an answer, and nobody is enrolled without a token that was made."""
    answer = _enroller().answer("b" * 16, data)
    assert answer.error
    assert not answer.jwt


def _shelf(data: bytes) -> None:
    """A blob is what was laid there, or refused."""
    head, found = head_of("it", "centre/head", data)
    if head.size <= 1 << 20 and not head.parts:
        blob = blob_of("it", "centre/head", head, found)
        assert hashlib.sha256(blob).hexdigest() == head.digest


@cache
def _enroller() -> Enroller:
    folder = Path(mkdtemp())
    atexit.register(rmtree, folder, ignore_errors=True)
    members = Members(folder / "members.sqlite3")
    return Enroller(_KEYS, members, lambda: _NOW, lambda: None, lambda text: None)
