"""Lists of rules that somebody else keeps: which edition is in force, what it may say, what a change of it means.

Rules
-----
1. A feed's rules are a layer beneath one's own (matcher.py): any rule of one's own that applies comes first.
2. What is fetched waits. It is in force once a person accepted it; `auto` accepts by itself what widens nothing
   beyond its bounds, and what is the same rule by rule.
3. An edition that is older than the last good one, or another one under the same number, is refused. Where an
   earlier edition said its number, so do all later ones.
4. No feed passes public suffixes, whole fronts, names that hide others, wide ranges or any host, and none says
   that its names need no proof: such rows are left out and told.
5. A list is fresh while its source goes on saying what is in force. One that is older than `max_age` is stale; with
   `when_stale` "end" its rules end then, each with a moment of its own, as a rule ends that a person made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from addons.bypass.lint import lint
from addons.bypass.reach import covers, end_moment, has_ended, meets, overlap, rank
from addons.bypass.rule import Rule, RuleRow, kept_rule, settled
from addons.bypass.safety import Guarded
from detector.chain.names import is_public_suffix
from detector.errors import ConfigError

WhenStale = Literal["keep", "end"]
# What tells that an edition is later than another: a number in the list, the publisher's version service, the
# signature's comment, or the time that the server says.
Numbering = Literal["list", "version", "signature", "http"]
MAX_ROWS = 50_000
MAX_BYTES = 16 << 20
MOST_REFUSED = 200
# Findings of lint that keep a row of a feed out; all its errors do, but for these.
_REFUSED = frozenset(("wide-range", "any-host", "any-client", "loose-regex", "unbound"))
_HARMLESS = frozenset(("expired", "duplicate", "contradiction"))
# Wider ranges than these wait for a person.
_NARROW = {4: 24, 6: 56}


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person decided of a feed.

    Attributes:
        source: https URL, absolute path, or "shipped" for names in our own table.
        form: how it is written: "toml", "m365", "list", or another program's language.
        owner: who answers for its rules.
        key: public key of its detached signature; None where its publisher signs nothing.
        auto: how many names may be new in a change that is accepted by itself; None for no change at all.
        max_age: days after which it is stale.
        when_stale: whether its rules end then.
        shared: whether names are meant below which a service's customers have theirs (.sharepoint.com).

    """

    source: str
    form: str
    owner: str = ""
    key: str | None = None
    auto: int | None = None
    max_age: int = 30
    when_stale: WhenStale = "keep"
    shared: bool = False


class Left(msgspec.Struct, frozen=True):
    """An entry of a list that became no rule, and why."""

    entry: str
    why: str


class Edition(msgspec.Struct, frozen=True, omit_defaults=True):
    """One state of a list.

    Attributes:
        digest: SHA-256 of its bytes, hex.
        fetched: when.
        count: how many rules it holds.
        number: grows from edition to edition; None where nothing says it.
        numbering: what says it.
        etag, modified: to ask whether there is another one.
        signed: what its signature says of itself; None where there is none.
        left: entries that became no rule, the first of them.
        more_left: how many there are besides.
        again: it must be asked for even where the source says that it is the same.

    """

    digest: str
    fetched: datetime
    count: int
    number: int | None = None
    numbering: Numbering | None = None
    etag: str | None = None
    modified: str | None = None
    signed: str | None = None
    left: tuple[Left, ...] = ()
    more_left: int = 0
    again: bool = False


class Feed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a feed.

    Attributes:
        accepted: the edition in force.
        waiting: a later one that nobody has accepted.
        confirmed: when its source last said what is in force.
        tried: when it was last asked.
        trouble: why that brought nothing, empty where it did.

    """

    settings: Settings
    accepted: Edition | None = None
    waiting: Edition | None = None
    confirmed: datetime | None = None
    tried: datetime | None = None
    trouble: str = ""


class Difference(msgspec.Struct, frozen=True):
    """Rules of one edition beside those of another; of changed ones the latter.

    Attributes:
        changed: the same pattern does something else.
        reworded: it does the same, explained in other words.

    """

    added: tuple[RuleRow, ...] = ()
    removed: tuple[RuleRow, ...] = ()
    changed: tuple[RuleRow, ...] = ()
    reworded: tuple[RuleRow, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.reworded)

    @property
    def counts(self) -> dict[str, int]:
        """By what happened."""
        return {
            "added": len(self.added), "removed": len(self.removed), "changed": len(self.changed),
            "reworded": len(self.reworded),
        }  # fmt: skip


def admitted(
    rows: Iterable[RuleRow], now: datetime, guarded: Guarded, *, shared: bool = False
) -> tuple[tuple[RuleRow, ...], list[Left]]:
    """The rows that a feed may have, each pattern once, and those it may not. Raises ConfigError for too many.

    With `shared` it may have names below which a service's customers have theirs.
    """
    kept: dict[str, tuple[Rule, RuleRow]] = {}
    left: list[Left] = []
    for given in rows:
        row = settled(given)
        rule = kept_rule(row)
        if rule.pattern in kept:
            if kept[rule.pattern][0].action != rule.action:
                left.append(Left(rule.pattern, "the list says it twice, and not the same"))
            continue
        kept[rule.pattern] = rule, row
        if len(kept) > MAX_ROWS:
            raise ConfigError("feed", f"more than {MAX_ROWS:,} rules")
    rules = [rule for rule, _ in kept.values()]
    for remark in lint(rules, now, guarded=guarded):
        if shared and remark.id == "shared-names":
            continue
        refused = remark.id in _REFUSED or (
            remark.severity == "error" and remark.id not in _HARMLESS
        )
        if refused and kept.pop(remark.rule.pattern, None) is not None:
            left.append(Left(remark.rule.pattern, remark.text))
    return tuple(row for _, row in kept.values()), left


def difference(before: Iterable[RuleRow], after: Iterable[RuleRow]) -> Difference:
    """What `after` changes; rows are those of one pattern each."""
    old = {kept_rule(row).pattern: row for row in before}
    new = {kept_rule(row).pattern: row for row in after}
    return Difference(
        tuple(row for pattern, row in new.items() if pattern not in old),
        tuple(row for pattern, row in old.items() if pattern not in new),
        *_changed(old, new),
    )


def _changed(
    old: Mapping[str, RuleRow], new: Mapping[str, RuleRow]
) -> tuple[tuple[RuleRow, ...], tuple[RuleRow, ...]]:
    both = [(old[pattern], row) for pattern, row in new.items() if pattern in old]
    same = [(_wordless(one) == _wordless(row), row) for one, row in both if one != row]
    return tuple(row for is_same, row in same if not is_same), tuple(
        row for is_same, row in same if is_same
    )


def _wordless(row: RuleRow) -> RuleRow:
    """What a row does."""
    return msgspec.structs.replace(row, reason="", owner="", ticket="", evidence="", created=None)


def why_a_person(change: Difference, before: int, most: int | None) -> str | None:
    """Why a change is not accepted by itself; None where it is.

    Args:
        change: what it would do.
        before: how many rules are in force.
        most: names that may be new; None where nothing is accepted by itself.

    """
    if not change:
        return None
    if most is None:
        return "changes wait for a person"
    if before == 0:
        return "the first edition waits for a person"
    if len(change.added) > most:
        return f"{len(change.added)} rules are new, and at most {most} are accepted by themselves"
    for row in change.added:
        if row.action == "pass" and (why := _wide(row)) is not None:
            return f"{kept_rule(row).pattern} is new and {why}"
    for row in change.changed:
        return f"{kept_rule(row).pattern} says something else"
    for row in change.removed:
        if row.action != "pass":
            return f"{kept_rule(row).pattern}, which says {row.action}, is gone"
    if len(change.removed) * 2 > before:
        return f"{len(change.removed)} of {before} rules are gone"
    return None


def why_refused(edition: Edition, last: Edition | None) -> str | None:
    """Why an edition is older than the last that was accepted, or none at all; None where it may follow it.

    One that only waits does not count: a number that nobody accepted keeps none of the true ones out.
    """
    if last is None or last.number is None or last.digest == edition.digest:
        return None
    same = edition.numbering == last.numbering
    if not same and last.numbering in ("list", "signature"):
        return f"it does not say its number, and the last good list is number {last.number}"
    if not same or edition.number is None:
        return None
    if edition.number < last.number:
        return f"it is number {edition.number}, older than the last good list, number {last.number}"
    if edition.number == last.number and last.numbering != "http":
        return f"it is another list under the same number {last.number}"
    return None


def stale_since(feed: Feed) -> datetime | None:
    """When it became stale, or will; None where nothing is in force."""
    if feed.accepted is None:
        return None
    confirmed = feed.confirmed or feed.accepted.fetched
    return confirmed + timedelta(days=feed.settings.max_age)


def is_stale(feed: Feed, now: datetime) -> bool:
    """Whether its source has not confirmed for too long what is in force."""
    since = stale_since(feed)
    return since is not None and since <= now


def rules_of(name: str, feed: Feed, rows: Iterable[RuleRow]) -> list[Rule]:
    """The rules that a feed has in force, each of which names it."""
    settings, edition = feed.settings, feed.accepted
    if edition is None:
        return []
    end = stale_since(feed) if settings.when_stale == "end" else None
    end = end.replace(microsecond=0) if end is not None else None
    evidence = f"feed {name}, {shown_source(settings)}, {said(edition)}"
    found: list[Rule] = []
    for row in rows:
        rule = kept_rule(row)
        own = end_moment(rule)
        expires = rule.expires if end is None or (own is not None and own < end) else end
        reason = f"feed {name}: {rule.reason}" if rule.reason else f"feed {name}"
        owner = rule.owner or settings.owner
        about = {"reason": reason, "owner": owner, "evidence": evidence, "expires": expires}
        found.append(msgspec.structs.replace(rule, **about, created=None))
    return found


def shown_source(settings: Settings) -> str:
    """Its source as others may read it: a URL's query may be a secret."""
    return settings.source.partition("?")[0]


def said(edition: Edition) -> str:
    """Which one it is, in words."""
    number = f"number {edition.number}, " if edition.number is not None else ""
    return f"{number}of {edition.fetched:%Y-%m-%d}, SHA-256 {edition.digest[:16]}"


def remarks(feeds: Mapping[str, Feed], now: datetime) -> Iterator[tuple[str, str, str]]:
    """What stands out: the feed's name, a stable id and a sentence."""
    for name, feed in feeds.items():
        if is_stale(feed, now):
            since = stale_since(feed)
            ends = ", and its rules have ended" if feed.settings.when_stale == "end" else ""
            yield (
                name,
                "feed-stale",
                f"Nobody has confirmed it since {feed.confirmed:%Y-%m-%d}: stale since {since:%Y-%m-%d}{ends}.",
            )
        if feed.waiting is not None:
            text = (
                f"An edition of {feed.waiting.count} rules waits: tlsight bypass feed diff {name}."
            )
            yield name, "feed-waiting", text
        if feed.trouble:
            yield name, "feed-trouble", f"The last update brought nothing: {feed.trouble}"


def state_of(feed: Feed, rows: Iterable[RuleRow], waiting: Iterable[RuleRow] = ()) -> str:
    """A digest of a feed as the trail keeps it: all but when it was last asked, and what was wrong then."""
    decided = msgspec.structs.replace(feed, tried=None, trouble="")
    said = {
        "feed": msgspec.to_builtins(decided),
        "rows": [msgspec.to_builtins(row) for row in rows],
        "waiting": [msgspec.to_builtins(row) for row in waiting],
    }
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def flattened(
    own: Sequence[Rule], beneath: Sequence[Rule], now: datetime
) -> tuple[list[Rule], list[Rule]]:
    """Both layers as one list in which the most specific rule comes first, and rules it cannot hold.

    A list elsewhere has no layers. What would come before a rule of one's own that keeps inspecting, or blocks, is
    left out: its hosts are inspected there. What one's own rules decide already is left out without a word. Rules
    that have ended are there no more, and decide nothing.
    """
    upper = [rule for rule in own if not has_ended(rule, now)]
    found, refused = list(upper), []
    keeping = [rule for rule in upper if rule.action != "pass"]
    # One that passes up to a moment, which most lists cannot say, takes no inspecting away that holds longer.
    lasting = [
        one for one in upper if one.action != "pass" or not isinstance(one.expires, datetime)
    ]
    for rule in beneath:
        if has_ended(rule, now):
            continue
        deciding = upper if rule.action == "pass" else lasting
        if any(covers(one, rule) for one in deciding):
            continue
        if rule.action == "pass" and any(_before(rule, one) for one in keeping):
            refused.append(rule)
        else:
            found.append(rule)
    return found, refused


def _before(rule: Rule, own: Rule) -> bool:
    """Whether a flat list would ask a feed's rule first about something that is one's own to decide."""
    if not overlap(rule, own):
        return False
    ranges = (rule.network is None) != (own.network is None)
    if not ranges and rule.network is None and not meets(rule, own):
        return False
    return rank(rule) < rank(own)


def _wide(row: RuleRow) -> str | None:
    rule = kept_rule(row)
    if rule.regex is not None:
        return "a regex"
    if rule.network is not None and rule.network.prefixlen < _NARROW[rule.network.version]:
        return "a wide range"
    name = rule.suffix or rule.wildcard
    if name is not None and is_public_suffix(name.partition(".")[2]):
        return "a whole domain"
    return None
