"""`tlsight bypass audit`: who decided what, and whether somebody changed the trail or the rules behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.options import Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from addons.bypass.audit import AuditEntry

audit = Verbs(
    no_args_is_help=True,
    help="Who decided what, and whether the trail, or the rules behind it, were changed.",
)
Head = Annotated[str | None, Option(help="A digest printed earlier, which must be in the trail.")]
Log = Annotated[
    Path | None, Option(help="A syslog that was told of heads: each must be in the trail.")
]
Keys = Annotated[
    list[str] | None,
    Option("--key", help="A public key that may have signed, beside the store's own."),
]


@audit.command("list")
def audit_list(store: given.Store = None, json: Json = False) -> int:
    """List the decisions, the first first."""
    with given.read_store(store) as opened:
        for entry in opened.audit():
            if json:
                given.print_json(entry)
            else:
                by = f"{entry.by:16} {_uid(entry):12}"
                given.say(f"{entry.number:5} {entry.at} {by} {entry.action:10} {entry.subject}")
    return exit_codes.CLEAN


@audit.command("verify")
def audit_verify(
    head: Head = None,
    log: Log = None,
    key: Keys = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Exit with 0 when nothing was changed, cut off or added, neither in the trail nor in the rules."""
    import os

    from addons.store.auditing import audited, left_behind
    from addons.store.seal import seal_of
    from detector import clock

    path = given.store_path(store)
    with _lines(log) as lines:
        if not path.exists() and (gone := left_behind(seal_of(path, os.environ), path, lines)):
            given.say(gone[0])
            return exit_codes.FOUND
        with given.read_store(path) as opened:
            heads = (head,) if head is not None else ()
            found = audited(opened, clock.now(), keys=tuple(key or ()), heads=heads, log=lines)
    if json:
        given.print_json(found)
        return exit_codes.FOUND if found.faults else exit_codes.CLEAN
    for text in (*found.faults, *found.notes):
        given.say(text)
    if found.faults:
        return exit_codes.FOUND
    given.say(f"{found.entries} entries hold; the last digest is {found.head}")
    return exit_codes.CLEAN


@audit.command("accept")
def audit_accept(
    reason: Annotated[str, Option(help="Why it is as it is: a backup was put back.")],
    store: given.Store = None,
) -> int:
    """Take the trail and the rules as they are; what verify had found stays in the trail."""
    from addons.store.auditing import audited
    from detector import clock

    with given.open_store(store) as opened:
        faults = audited(opened, clock.now()).faults
        opened.accept(reason, faults)
    for text in faults:
        given.say(f"accepted: {text}")
    return exit_codes.CLEAN


@audit.command("send")
def audit_send(store: given.Store = None) -> int:
    """Tell the syslog of TLSIGHT_BYPASS_SYSLOG of the last head once more, as a timer may do daily."""
    import os

    from addons.bypass.audit import Head as AuditHead
    from addons.store.syslog import SYSLOG_VARIABLE, syslog_of
    from detector.errors import ConfigError, StoreError

    syslog = syslog_of(os.environ)
    if syslog is None:
        remedy = f"set {SYSLOG_VARIABLE} to unix:/dev/log, udp://HOST:514 or tcp://HOST:601"
        raise ConfigError("bypass audit send", "no syslog is named", remedy=remedy)
    with given.read_store(store) as opened:
        last = next(opened.trail.entries(last=1), None)
        key = opened.trail.seal.public_key()
        if last is None or last.signature is None or key is None:
            raise StoreError(str(opened.path), "has no signed entry yet")
        head = AuditHead(last.number, last.digest, key, last.signature)
        syslog.send(head, last, opened.path)
    given.say(f"sent entry {last.number}")
    return exit_codes.CLEAN


def register(app: Verbs) -> None:
    app.add_command(audit, "audit")


def _uid(entry: AuditEntry) -> str:
    """What the kernel said, and what sudo's variable claims."""
    if entry.who is None:
        return ""
    import msgspec

    from addons.bypass.audit import Actor

    try:
        who = msgspec.json.decode(entry.who, type=Actor)
    except msgspec.MsgspecError:
        return "uid ?"
    uid = "" if who.uid is None else f"uid {who.uid}"
    name = f" {who.user}" if who.user and who.user != entry.by else ""
    sudo = f" (sudo claims {who.sudo_uid})" if who.sudo_uid else ""
    login = f" [{who.login}]" if who.login else ""
    return f"{uid}{name}{sudo}{login}"


@contextmanager
def _lines(path: Path | None) -> Iterator[Iterable[str]]:
    """Raises ConfigError."""
    from detector.cli.way import bounded_lines
    from detector.errors import ConfigError

    if path is None:
        yield ()
        return
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield bounded_lines(file, str(path))
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
