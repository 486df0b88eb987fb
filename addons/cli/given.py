"""What the verbs of `tlsight bypass` are given, and how they open what it names."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from detector.cli.options import Option

if TYPE_CHECKING:
    from datetime import date, datetime

    from addons.bypass.explained import Explained
    from addons.bypass.matcher import Arrival, Matcher
    from addons.bypass.remark import Remark
    from addons.bypass.rule import Rule
    from addons.store.bypass_store import BypassStore

Rules = Annotated[
    Path | None,
    Option(
        "--rules",
        help="TOML file of rules kept by hand, beside those of the store; tlsight/bypass.toml in the XDG config folder when it is there.",
        envvar="TLSIGHT_BYPASS_RULES",
    ),
]
Store = Annotated[
    Path | None,
    Option(
        "--store",
        help="SQLite file; when left out bypass.sqlite3 in STATE_DIRECTORY, the XDG state folder or /var/lib/tlsight.",
        envvar="TLSIGHT_BYPASS_STORE",
    ),
]
Port = Annotated[int | None, Option(min=1, max=65535, help="The server's port; 443 when left out.")]
# A century: what lies further from today may be no date.
MOST_DAYS = 36_500
Expires = Annotated[
    str,
    Option(
        help="Last day, 2027-06-30 or 90d from today, that day included; or 2h, 30m, 2026-12-01T18:00Z."
    ),
]
Force = Annotated[
    bool,
    Option(
        "--force",
        help="Also what lint calls an error: names of strangers, of canaries, of fronts that hide others.",
    ),
]
Client = Annotated[str | None, Option(help="The client's address.")]
Address = Annotated[str | None, Option(help="The server's address, for CIDR rules.")]
Why = Annotated[str, Option("--reason", help="Why.")]


def store_path(store: Path | None) -> Path:
    import os

    from addons.store.whereabouts import whereabouts

    if store is not None:
        return store
    found = whereabouts(os.environ)
    if warning := found.warning():
        _tell_once(warning)
    return found.path


def open_store(store: Path | None) -> BypassStore:
    """The store, for the user who runs the command, to decide something. Raises StoreError."""
    from addons.store.bypass_store import BypassStore
    from detector import clock

    return BypassStore(store_path(store), clock.now, user())


def read_store(store: Path | None) -> BypassStore:
    """The store, to look at: nothing is written, and one that nobody has used yet is empty.

    Raises StoreError, also for one that is named and is not there: an empty list in its place would be wrong.
    """
    from addons.store.bypass_store import BypassStore
    from detector import clock

    return BypassStore(store_path(store), clock.now, read_only=True, or_empty=store is None)


def user() -> str:
    """Who decides: who logged in, as far as the kernel bears it out."""
    import os

    from addons.store.actor import user as who

    return who(os.environ)


def rules_in_force(rules: Path | None, store: Path | None) -> list[Rule]:
    """Rules of the file and of the store. Raises ConfigError, StoreError."""
    own = file_rules(rules)
    with read_store(store) as opened:
        return [*own, *(one.rule for one in opened.rules())]


def approved(rules: Path | None, store: Path | None) -> list[Rule]:
    """As `rules_in_force`, without trials, which are told: nobody has decided on them."""
    found = file_rules(rules)
    with read_store(store) as opened:
        for one in opened.rules():
            if one.state == "approved":
                found.append(one.rule)
            else:
                tell(f"left out {one.rule.pattern}: on {one.state}, not approved")
    return found


def file_rules(rules: Path | None) -> list[Rule]:
    """Rules of the file alone. Raises ConfigError."""
    from addons.bypass.rule import load_rules

    path = rules_path(rules)
    return list(load_rules(path)) if path is not None else []


class Layers(NamedTuple):
    """What a proxy has in force.

    Attributes:
        own: rules of the file and of the store.
        beneath: those of feeds.

    """

    own: list[Rule]
    beneath: list[Rule]

    def matcher(self) -> Matcher:
        """As the proxy asks them."""
        from addons.bypass.matcher import Matcher

        return Matcher(self.own, self.beneath)

    def feed_of(self, rule: Rule) -> str:
        """Feed, source and edition of a rule; empty for one's own."""
        return rule.evidence if any(rule is one for one in self.beneath) else ""


def layers(rules: Path | None, store: Path | None) -> Layers:
    """All that is in force. Raises ConfigError, StoreError."""
    own = file_rules(rules)
    with read_store(store) as opened:
        return Layers([*own, *(one.rule for one in opened.rules())], opened.feeds.rules())


def beneath(store: Path | None) -> list[Rule]:
    """What feeds have in force. Raises StoreError."""
    with read_store(store) as opened:
        return opened.feeds.rules()


def rules_path(rules: Path | None) -> Path | None:
    """The file that is named, or the usual one where there is one."""
    import os

    if rules is not None:
        return rules
    from detector.knowledge.folders import config_folder

    path = config_folder(os.environ) / "bypass.toml"
    return path if path.exists() else None


def decided(matcher: Matcher, connection: Arrival) -> Explained:
    """As the proxy decides, by the same code."""
    from addons.bypass.explained import explained

    return explained(matcher, connection, now())


def defend(rule: Rule, *, force: bool) -> None:
    """Refuse a rule that must not pass by accident. Raises ConfigError."""
    from addons.bypass.guarded import guarded
    from addons.bypass.safety import unsafe
    from detector.errors import ConfigError

    found = [] if force else [one.text for one in unsafe(rule, guarded())]
    if found:
        why = " ".join(found).rstrip(".")
        raise ConfigError(rule.pattern, why, remedy="--force where that is meant")


def warn(rule: Rule, opened: BypassStore) -> None:
    """What lint says of a rule that was just made, on stderr."""
    from addons.bypass.guarded import guarded
    from addons.bypass.lint import lint

    rules = [one.rule for one in opened.rules()]
    for finding in [*lint(rules, now(), guarded=guarded()), *hidden(rules, opened)]:
        if finding.rule.pattern == rule.pattern:  # the store adds the evidence to what was approved
            tell(f"{finding.severity}: {finding.text} ({finding.id})")


def hidden(rules: list[Rule], opened: BypassStore) -> list[Remark]:
    """What passes unseen besides, because a certificate covers it, too."""
    from addons.bypass.coverage import remarks

    return remarks(rules, opened.leaves.all(), opened.traffic.hosts(), now())


def record(rule: Rule) -> dict[str, object]:
    return {
        "pattern": rule.pattern, "action": rule.action, "reason": rule.reason, "owner": rule.owner,
        "ticket": rule.ticket, "evidence": rule.evidence, "created": rule.created,
        "expires": rule.expires, "bind": rule.bind,
    }  # fmt: skip


def now() -> datetime:
    from detector import clock

    return clock.now()


def today() -> date:
    return now().date()


def say(text: str) -> None:
    """A line on stdout, whatever is in the text."""
    from addons.bypass.shown import shown

    print(shown(text))


def tell(text: str) -> None:
    """A line on stderr, likewise."""
    from detector.cli.ending import say as on_stderr

    on_stderr(text)


@cache
def _tell_once(text: str) -> None:
    """As `tell`; a command may ask for the store more than once."""
    tell(text)


def print_json(record: object) -> None:
    """An object a line; what a terminal would obey is escaped."""
    import msgspec

    from addons.bypass.shown import shown_json
    from detector.cli.streams import write_file

    write_file(shown_json(msgspec.json.encode(record)) + b"\n")
