"""From findings of one moment to episodes that begin and end: what a person is told, once.

Rules
-----
1. One cause is one episode: all hosts of a rule, all of a change of the proxy's CA; a host of its own where nothing
   changed, and all such hosts together from MANY on, when something larger is broken.
2. An episode opens with its first finding. It is told again when its hosts or clients have doubled.
3. It closes when each of its hosts is let through, or mended: in its latest hour no more fail than did before; or
   quiet: nothing has failed there for QUIET. A night without traffic closes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from addons.bypass.breaking import Breaking, Party, What, passes
from addons.bypass.tally import FAILED, TOOK, UNITS, Count

Event = Literal["opened", "changed", "closed"]
MANY = 10
QUIET = timedelta(hours=24)
_LATEST = timedelta(hours=1)
# Hosts remembered of one episode, and named to whoever is told.
MAX_HOSTS, _NAMED = 500, 20
_EVERYTHING = "*"


class Episode(msgspec.Struct, frozen=True):
    """Something that breaks, from its first finding on.

    Attributes:
        id: stays the same until it is closed.
        key: the cause; no two open episodes share one.
        hosts: by name, the share of failures that it had before; the first MAX_HOSTS.
        clients: the most that failed at one host; `told` as many hosts and clients as were told last.
        closed: when, and `why`.

    """

    id: str
    key: str
    changed: What
    subject: str
    since: datetime
    opened: datetime
    hosts: dict[str, float]
    clients: int
    proven: int
    party: Party
    remedy: str
    text: str
    told: tuple[int, int] = (0, 0)
    closed: datetime | None = None
    why: str = ""


class Step(msgspec.Struct, frozen=True):
    """An episode as it is from now on; without an event nobody is told."""

    episode: Episode
    event: Event | None


def steps(
    opened: Iterable[Episode],
    found: Sequence[Breaking],
    counts: Sequence[Count],
    decides: Callable[[str], tuple[str, str] | None],
    now: datetime,
    fresh: Callable[[], str],
) -> list[Step]:
    """What changes.

    Args:
        opened: the episodes that are open.
        found: what breaks now.
        counts: of all hosts of open episodes, as far as there are any.
        decides: the rule that decides on a host now, as `Seen.decides`.
        now: the time.
        fresh: makes an id.

    """
    there = {one.key: one for one in opened}
    groups = _grouped(found, there)
    by_host: dict[str, list[Count]] = {}
    for one in counts:
        by_host.setdefault(one.host, []).append(one)
    result = [
        _opened(key, group, now, fresh()) for key, group in groups.items() if key not in there
    ]
    for key, episode in there.items():
        grown = _grown(episode, groups.get(key, ()))
        breaking = {one.host for one in groups.get(key, ())}
        over = {
            host: why
            for host, share in grown.hosts.items()
            if host not in breaking
            and (why := _over(share, by_host.get(host, ()), now, decides(host)))
        }
        if len(over) == len(grown.hosts):
            why = ", ".join(sorted(set(over.values())))
            result.append(Step(msgspec.structs.replace(grown, closed=now, why=why), "closed"))
            continue
        left = {host: share for host, share in grown.hosts.items() if host not in over}
        grown = msgspec.structs.replace(grown, hosts=left)
        if len(left) >= 2 * episode.told[0] or grown.clients >= 2 * episode.told[1]:
            result.append(Step(_told(grown), "changed"))
        elif grown != episode:
            result.append(Step(grown, None))
    return result


def message(episode: Episode, event: Event, at: datetime) -> dict[str, object]:
    """What a webhook is told. `text` is what Slack and its like show, as they want it: without markup."""
    hosts = list(episode.hosts)
    named = ", ".join(hosts[:5]) + (f" and {len(hosts) - 5} more" if len(hosts) > 5 else "")
    words = {"opened": "breaks", "changed": "breaks more widely", "closed": "no longer breaks"}
    text = f"tlsight: {named} {words[event]}"
    text += f": {episode.why}" if event == "closed" else f": {episode.text}. {episode.remedy}"
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, escaped)
    return {
        "schema": "tlsight.breaking/1", "id": episode.id, "event": event, "at": at,
        "since": episode.since, "opened": episode.opened, "closed": episode.closed,
        "changed": episode.changed, "subject": episode.subject, "hosts": hosts[:_NAMED],
        "host_count": len(hosts), "clients": episode.clients, "proven": episode.proven,
        "party": episode.party, "remedy": episode.remedy, "text": text,
    }  # fmt: skip


def gauges(opened: Iterable[Episode]) -> Mapping[tuple[What, Party], tuple[int, int]]:
    """Open episodes and their hosts, by what changed and who must act: for metrics, which name no host."""
    found: dict[tuple[What, Party], tuple[int, int]] = {}
    for one in opened:
        episodes, hosts = found.get((one.changed, one.party), (0, 0))
        found[one.changed, one.party] = (episodes + 1, hosts + len(one.hosts))
    return found


def _grouped(found: Iterable[Breaking], there: Mapping[str, Episode]) -> dict[str, list[Breaking]]:
    groups: dict[str, list[Breaking]] = {}
    alone: list[Breaking] = []
    for one in found:
        if one.changed == "nothing":
            alone.append(one)
        else:
            groups.setdefault(f"{one.changed} {one.subject}", []).append(one)
    own = [one for one in alone if f"host {one.host}" in there]
    others = [one for one in alone if f"host {one.host}" not in there]
    groups.update({f"host {one.host}": [one] for one in own})
    if _EVERYTHING in there or len(others) >= MANY:
        groups.update({_EVERYTHING: others} if others else {})
    else:
        groups.update({f"host {one.host}": [one] for one in others})
    return groups


def _opened(key: str, group: Sequence[Breaking], now: datetime, name: str) -> Step:
    first = max(group, key=lambda one: one.count)
    text = first.text
    if key == _EVERYTHING:
        text = f"{len(group)} hosts at once, of which {first.host}: {text}"
    hosts = {one.host: one.before.value for one in group[:MAX_HOSTS]}
    episode = Episode(
        name, key, first.changed, first.subject, min(one.since for one in group), now, hosts,
        first.count, first.proven, first.party, first.remedy, text,
    )  # fmt: skip
    return Step(_told(episode), "opened")


def _told(episode: Episode) -> Episode:
    return msgspec.structs.replace(episode, told=(len(episode.hosts), episode.clients))


def _grown(episode: Episode, group: Sequence[Breaking]) -> Episode:
    if not group:
        return episode
    hosts = dict(episode.hosts)
    for one in group:
        if one.host in hosts or len(hosts) < MAX_HOSTS:
            hosts.setdefault(one.host, one.before.value)
    first = max(group, key=lambda one: one.count)
    more = first.count > episode.clients
    return msgspec.structs.replace(
        episode,
        hosts=hosts,
        clients=max(episode.clients, first.count),
        proven=max(episode.proven, first.proven),
        text=first.text if more and episode.key != _EVERYTHING else episode.text,
    )


def _over(
    before: float, counts: Sequence[Count], now: datetime, decides: tuple[str, str] | None
) -> str | None:
    """Why a host breaks no more, None while it does."""
    if passes(decides):
        return "let through"
    failed = [one.slot for one in counts if one.kind in FAILED]
    if not failed or now - max(failed) > QUIET:
        return "quiet"
    newest = max(one.slot for one in counts)
    bad = good = 0
    for one in counts:
        if one.slot > newest - _LATEST and one.client:
            taken = min(one.number, UNITS)
            bad += taken if one.kind in FAILED else 0
            good += taken if one.kind in TOOK else 0
    mended = good >= UNITS and bad / (bad + good) <= 2 * before + 0.05
    return "mended" if mended else None
