"""`trust why` for a program (JSON, schema tlsight.trust-why/1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from detector.auditing.audit import secrets_out
from detector.auditing.model import Setting
from detector.auditing.why import StoreRead, TrustWhy
from detector.model.programs import Shell


class UseRecord(msgspec.Struct, frozen=True):
    """A setting that has, or would have, a say.

    Attributes:
        effect: replaces, adds or switches.
        why: what is stronger, where it does not count.
        of: the program whose setting it is.

    """

    setting: Setting
    effect: str
    counts: bool
    why: str
    of: str


class FixRecord(msgspec.Struct, frozen=True):
    """One way to add the root. `lines` are by shell: sh, powershell, dockerfile, systemd, ci."""

    lines: Mapping[Shell, str]
    file: str
    text: str


class TrustWhyRecord(msgspec.Struct, frozen=True):
    """Which store one program reads, and why.

    Attributes:
        ask: whom to ask before anything is trusted.
        version: "" where it is not known.
        default: what it reads where nothing is set.
        root: subject and SHA-256 of the root that was looked for; "" where none was.
        holds: whether a store that it reads holds it; null where that is not known.
        refused: why the program refuses it all the same.
        unsafe: settings that turn verification off.

    """

    program: str
    name: str
    version: str
    ask: str
    beneath: tuple[str, ...]
    default: str
    settings: tuple[UseRecord, ...]
    stores: tuple[StoreRead, ...]
    root: str
    root_sha256: str
    holds: bool | None
    refused: tuple[str, ...]
    unsafe: tuple[Setting, ...]
    fixes: tuple[FixRecord, ...]
    check: str
    schema: Literal["tlsight.trust-why/1"] = "tlsight.trust-why/1"


def why_record(done: TrustWhy) -> TrustWhyRecord:
    """The answer as the JSON contract has it."""
    default = done.choice.default
    ca = done.sought.ca
    return TrustWhyRecord(
        program=done.program,
        name=done.name,
        version=done.version,
        ask=done.ask,
        beneath=done.beneath,
        default=default.text if default else "",
        settings=tuple(
            UseRecord(secrets_out(use.setting), use.effect, use.counts, use.why, use.of)
            for use in done.choice.uses
        ),
        stores=done.stores,
        root=done.sought.name,
        root_sha256=ca.sha256 if ca else "",
        holds=done.holds,
        refused=done.refused,
        unsafe=tuple(map(secrets_out, done.unsafe)),
        fixes=tuple(FixRecord(fix.lines, fix.file, fix.text) for fix in done.fixes),
        check=done.check,
    )
