"""`tlsight bypass report`: an owner's exceptions for who has to answer for them, or has to audit them.

Output
------
With --json one object, schema tlsight.bypass-report/1 (`addons.store.owner_report.OwnerReport`); fields may be added.
Text and page are made from the same values. Exit codes: 1 the trail does not hold, 0 it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from addons.cli import given
from detector.cli import exit_codes
from detector.cli.options import Option, Verbs
from detector.cli.output import Json

if TYPE_CHECKING:
    from datetime import date, datetime

    from addons.bypass.biography import Decision
    from addons.store.owner_report import Gone, OwnerReport, Told


def report(
    owner: Annotated[
        str | None, Option(help="Whose rules; '' for those of nobody. All when left out.")
    ] = None,
    since: Annotated[
        str, Option(help="What passed and ended since then: 2026-09-01, or 90d.")
    ] = "90d",
    html: Annotated[
        Path | None,
        Option("--html", help="Write a page that needs nothing else to this file."),
    ] = None,
    rules: given.Rules = None,
    store: given.Store = None,
    json: Json = False,
) -> int:
    """Say of each rule what it lets through, why, how much, since when, until when, and who decided it.

    Exit codes: 0, or 1 where the audit trail that it rests on does not hold.
    """
    from addons.cli.life import kept_rules
    from addons.store.owner_report import owner_report
    from detector.runs.overwriting import refuse_overwriting

    path = given.store_path(store)
    refuse_overwriting({"--html": html}, [path, *([rules] if rules is not None else [])])
    begin = _since(since, given.now())
    with given.read_store(store) as opened:
        kept = kept_rules(rules, opened)
        found = owner_report(opened, kept, given.now(), begin, owner)
    if html is not None:
        from addons.cli.report_page import page
        from detector.knowledge.whole_file import write_whole

        write_whole(html, page(found).encode())
    if json:
        given.print_json(found)
    elif html is None:
        for line in _lines(found):
            given.say(line)
    return exit_codes.CLEAN if found.trail.holds else exit_codes.FOUND


def whose(found: OwnerReport) -> str:
    """The title."""
    if found.owner is None:
        return "Exceptions from inspection, all owners"
    return f"Exceptions from inspection owned by {found.owner or 'nobody'}"


def counted(found: OwnerReport) -> str:
    """How many rules are in which stage."""
    told = ", ".join(f"{count} {stage}" for stage, count in found.stages.items())
    rules = "1 rule" if len(found.rules) == 1 else f"{len(found.rules):,} rules"
    return rules + (f": {told}" if told else "")


def about(one: Told, since: date) -> Iterator[tuple[str, str]]:
    """What there is to say of a rule: a word and a line each."""
    yield "why", one.reason or "no reason was given"
    if one.ticket:
        yield "ticket", one.ticket
    if one.evidence:
        yield "evidence", one.evidence
    yield "owner", one.owner or "nobody"
    made = f"made {one.created}, " if one.created is not None else ""
    yield "time", made + one.end
    if one.idle is not None:
        yield "idle", f"not in force: {one.idle}"
    yield "traffic", _traffic(one, since)
    if one.traffic.hosts:
        busiest = (f"{h.host} ({h.connections:,}, {amount(h.size)})" for h in one.traffic.hosts)
        yield "busiest", ", ".join(busiest)
    if one.recheck is not None:
        yield "recheck", f"{one.recheck.at.date()}: {one.recheck.state}: {one.recheck.text}"
    elif not one.by_hand and one.action == "pass":
        yield "recheck", "never: tlsight bypass recheck"
    yield "approved", _approved(one)


def decided(one: Decision) -> str:
    """A decision in one line, its digest last."""
    what = f"{one.action}, {one.state}" if one.state in ("draft", "trial", "gone") else one.action
    why = f" ({one.why})" if one.why else ""
    return f"{one.number} {one.at} {who(one)}: {what}{why}; {one.digest}"


def ended_by(one: Gone) -> str:
    """Who did it and in which entry, empty where a rule came to its own end."""
    return f"; by {one.by}, entry {one.number}" if one.number is not None else ""


def who(one: Decision) -> str:
    """Who decided, with what the kernel said of him."""
    if one.uid is None:
        return one.by
    account = f" {one.account}" if one.account and one.account != one.by else ""
    return f"{one.by} (uid {one.uid}{account})"


def amount(size: int) -> str:
    """Bytes as a person reads them."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _approved(one: Told) -> str:
    if one.by_hand:
        return "by hand in a file: the trail says nothing of it"
    found = one.approved
    if found is None:
        return "by nobody: it waits" if one.stage == "draft" else "by no entry that says so"
    at = f"{found.at[:16].replace('T', ' ')} UTC"
    return f"by {who(found)} on {at}, entry {found.number} ({found.action})"


def _traffic(one: Told, since: date) -> str:
    seen = one.traffic
    if not seen.in_all:
        return "nothing passed"
    lately = f"{seen.connections:,} connections, {amount(seen.size)} since {since}"
    return f"{lately}; {seen.in_all:,} in all, from {seen.first} to {seen.last}"


def _lines(found: OwnerReport) -> Iterator[str]:
    yield f"{whose(found)}, {found.at.isoformat()}"
    yield f"{counted(found)}; {found.store}"
    for one in found.rules:
        yield ""
        yield f"{one.action} {one.pattern}"
        for word, text in about(one, found.since):
            yield f"  {word:9} {text}"
        for decision in one.decisions:
            yield f"  {'trail':9} {decided(decision)}"
        if one.left_out:
            yield f"  {'trail':9} and {one.left_out} earlier entries"
    if found.ended:
        yield ""
        yield f"ended since {found.since}"
    for gone in found.ended:
        whose_it_was = f"({gone.owner or 'nobody'}: {gone.reason})"
        yield f"  {gone.at[:10]} {gone.how:14} {gone.pattern} {whose_it_was}{ended_by(gone)}"
    yield ""
    yield f"trail     {trail_text(found)}"
    for text in (*found.trail.faults, *found.trail.notes):
        yield f"          {text}"


def trail_text(found: OwnerReport) -> str:
    """Whether it holds, and its head."""
    told = found.trail
    state = "It holds" if told.holds else "It does NOT hold"
    return f"{state}: entries: {told.entries}; the last digest is {told.head}"


def _since(text: str, now: datetime) -> date:
    """A day, or so long before now. Raises ConfigError."""
    from datetime import date as day

    from addons.bypass.pattern import span

    try:
        return day.fromisoformat(text)
    except ValueError:
        return (now - span(text, "--since")).date()


def register(app: Verbs) -> None:
    app.command("report")(report)
