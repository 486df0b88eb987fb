"""What a survey of a machine finds, and what the audit says of it, as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

import msgspec

from detector.chain.certificate import Certificate
from detector.known.knowledge import Knowledge
from detector.model.programs import Reads, Unsafe
from detector.model.recorded import Recorded

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("note", "warning", "error")


class Root(msgspec.Struct, frozen=True):
    """One certificate that a store trusts.

    Attributes:
        alias: how the store calls it.
        added: since when it is there, as far as the store or a file's time tells.
        usages: what the store trusts it for, in the store's own words; "" when it does not say.

    """

    certificate: Certificate
    alias: str = ""
    added: datetime | None = None
    usages: str = ""


class Place(msgspec.Struct, frozen=True):
    """One place where trust is decided.

    Attributes:
        kind: os, nss, java, python, node, file, policy, windows, macos.
        used_by: the programs that go by it, for a person.
        trouble: why it could not be read whole, None when it could.

    """

    kind: str
    path: str
    roots: tuple[Root, ...] = ()
    used_by: str = ""
    trouble: str | None = None


class Setting(msgspec.Struct, frozen=True):
    """Something that redirects or weakens trust.

    Attributes:
        key: "env:SSL_CERT_FILE", "npmrc:cafile", "git:http.sslcainfo" and the like.
        where: the file it stands in, or "environment".
        missing: it names a file or folder that is not there.
        line: of the file, counted from one.
        names: the file or folder that it names, "" where its value is none.
        scope: for whom it is set, where that is not everybody: a host, a profile, a service.

    """

    key: str
    value: str
    where: str
    missing: bool = False
    line: int | None = None
    names: str = ""
    scope: str = ""

    @property
    def place(self) -> str:
        """Where it stands, with the line."""
        return self.where if self.line is None else f"{self.where}:{self.line}"


class Survey(msgspec.Struct, frozen=True):
    """Everything that was found on a machine.

    Attributes:
        installed: ids of programs that are there.

    """

    at: datetime
    places: tuple[Place, ...]
    settings: tuple[Setting, ...]
    installed: frozenset[str]


class Finding(msgspec.Struct, frozen=True):
    """One thing to look at.

    Attributes:
        id: stable identifier of the rule.
        path: the file, or "environment".
        sha256: of the certificate it is about, None for settings.
        line: of the file, for settings.

    """

    id: str
    level: Level
    text: str
    remedy: str
    path: str
    sha256: str | None = None
    line: int | None = None


class SettingUse(msgspec.Struct, frozen=True):
    """A setting that has, or would have, a say in what a program reads.

    Attributes:
        effect: replaces, adds or switches.
        counts: whether it does; `why` says what else is stronger.
        store: where a switch leads to.
        keeps, leaves_folder: as in the program's row.
        of: the program whose setting it is: the one asked about, or one beneath it.

    """

    setting: Setting
    effect: str
    counts: bool
    why: str
    store: str
    of: str
    keeps: bool = False
    leaves_folder: bool = False


class StoreChoice(msgspec.Struct, frozen=True):
    """What a program reads, and why.

    Attributes:
        default: what it reads where nothing is set; None where nobody knows.
        uses: settings, the strongest first.

    """

    default: Reads | None
    uses: tuple[SettingUse, ...]


class ToolTrust(msgspec.Struct, frozen=True):
    """What one tool goes by here.

    Attributes:
        because: the setting that decided, or "default".
        adds: files that are trusted as well.

    """

    tool: str
    path: str
    because: str
    adds: tuple[str, ...] = ()


class TrustKnowledge(msgspec.Struct, frozen=True):
    """What the rules compare with.

    Attributes:
        public: names of roots that a public program has or had, by SHA-256.
        unsafe: what turns verification off, by the setting's key.

    """

    known: Knowledge
    public: Mapping[str, str]
    today: date
    unsafe: Mapping[str, tuple[Unsafe, ...]] = {}


class TrustAudit(Recorded, msgspec.Struct, frozen=True):
    """What a machine trusts.

    Attributes:
        survey: every place where trust is decided, with its roots, and the settings.
        findings: what stands out, the worst first.
        tools: which file each tool goes by.
        public: SHA-256 of the roots that a public program has or had.

    """

    survey: Survey
    findings: tuple[Finding, ...]
    tools: tuple[ToolTrust, ...]
    public: frozenset[str]
