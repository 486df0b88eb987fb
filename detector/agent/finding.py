"""A finding as the agent keeps it, and what one judged target says about findings. Pure.

A finding is about who stands in between, not about a host: its subject is the issuer's key, else the issuer's name,
else, where nobody is named or the certificate is for another name, the host. Its id is a digest of the device, the
network, the kind at its opening and the subject; it keeps that id until it closes, also where suspicion becomes proof.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec

from detector.model.observation import Judgement
from detector.model.targets import socket_text
from detector.report.event_json import FindingKind, FindingRecord, NetworkRecord

Standing = Literal["shows", "fine", "silent"]
KEPT_HOSTS = 8
MAX_KNOWN = 2000
_DIGEST = 8
# Rows of the verdict table whose suspicion is about the issuer; every other one is about the host.
_ABOUT_ISSUER = ("left-over",)


class KeptHost(msgspec.Struct, frozen=True):
    """A host on which a finding was seen.

    Attributes:
        host: host:port.
        at: when it last showed the finding.
        asked: when it was last asked.
        standing: what it said when it last gave an answer to judge.
        sanctioned: the policy allows the interceptor there.

    """

    host: str
    at: datetime
    asked: datetime
    standing: Literal["shows", "fine"] = "shows"
    sanctioned: bool = False


class Held(msgspec.Struct, frozen=True):
    """A finding, with what it takes to tell when it changes or ends.

    Attributes:
        record: as events show it.
        network: where it holds; None for the machine's own, and where the network is not known.
        issuer: name of who intercepts.
        about: the sink, for findings of that kind; of the machine's trust, what is said of it.
        hosts: some of those it was seen on, the latest first, at most KEPT_HOSTS.
        known: digests of all of them, up to MAX_KNOWN; beyond that the count stands still.
        gone: runs in a row that asked its hosts and did not see it.
        weaker: runs in a row that saw it, and proof nowhere.
        returns: how often it came back soon after it had closed: it closes ever more slowly.
        closed: it is not open any more, since then; kept for a day, so that what comes back is known again.

    """

    record: FindingRecord
    network: NetworkRecord | None = None
    issuer: str = ""
    product: str | None = None
    engine: str | None = None
    sanctioned: bool = False
    about: str = ""
    hosts: tuple[KeptHost, ...] = ()
    known: bytes = b""
    gone: int = 0
    weaker: int = 0
    returns: int = 0
    closed: datetime | None = None

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def who(self) -> str:
        """Who intercepts, as far as it is known; of the machine's trust, what is said of it."""
        said = self.about if self.record.kind == "trust" else ""
        return self.product or self.engine or self.issuer or said

    @property
    def is_open(self) -> bool:
        return self.closed is None

    @property
    def place(self) -> str:
        """Id of its network; empty for the machine's own findings, and where the network is not known."""
        return self.network.id if self.network is not None else ""


class Sight(msgspec.Struct, frozen=True):
    """One judged target.

    Attributes:
        standing: shows a finding, is fine, or said nothing that can be judged.
        kind: of the finding it shows.

    """

    host: str
    standing: Standing
    judgement: Judgement
    kind: FindingKind = "suspect"
    subject: str = ""
    issuer: str = ""
    product: str | None = None
    engine: str | None = None
    sanctioned: bool = False


def sight(judgement: Judgement) -> Sight:
    """What a judgement says about findings."""
    target = judgement.observation.target
    host = socket_text(target.host, target.port)
    if judgement.verdict == "inconclusive":
        return Sight(host, "silent", judgement)
    if judgement.verdict not in ("intercepted", "suspect"):
        return Sight(host, "fine", judgement)
    who = judgement.interceptor
    proven = judgement.verdict == "intercepted"
    if who is None or not (proven or judgement.decided_by in _ABOUT_ISSUER):
        return Sight(host, "shows", judgement, "suspect", f"host:{host}")
    return Sight(
        host, "shows", judgement, "interception" if proven else "suspect",
        _subject(who.issuer_spki_sha256, who.issuer, host), who.issuer, who.product, who.engine,
        judgement.sanctioned,
    )  # fmt: skip


def _subject(spki: str | None, issuer: str, host: str) -> str:
    if spki:
        return f"spki:{spki}"
    return f"issuer:{issuer}" if issuer else f"host:{host}"


def finding_id(device: str, network: str, kind: FindingKind, subject: str) -> str:
    """32 hex digits."""
    text = msgspec.json.encode((device, network, kind, subject))
    return sha256(text).hexdigest()[:32]


def with_host(known: bytes, host: str) -> bytes:
    """The digests of hosts, with one more."""
    digest = sha256(host.encode()).digest()[:_DIGEST]
    whole = len(known) // _DIGEST
    if whole >= MAX_KNOWN or any(
        known[at : at + _DIGEST] == digest for at in range(0, len(known), _DIGEST)
    ):
        return known
    return known + digest


def count_of(known: bytes) -> int:
    """How many hosts."""
    return len(known) // _DIGEST


def magnitude(hosts: int) -> int:
    """What is worth telling of a growing number: one, a few, tens, hundreds, thousands."""
    return 0 if hosts < 2 else len(str(hosts))
