"""The owner's report as one page that needs nothing else: no script, nothing loaded, for screens and paper."""

from __future__ import annotations

from collections import defaultdict

from addons.bypass.shown import shown
from addons.cli.report import about, amount, counted, decided, ended_by, trail_text, whose
from addons.store.owner_report import OwnerReport, Told
from detector.report.page import Block, Code, Page, TableOf, html, number

# Rules on one page; a browser reads no more.
MOST = 2_000
_WRONG = frozenset(("now-breaks",))


def page(found: OwnerReport) -> str:
    """The page as HTML."""
    trail = found.trail
    blocks = (
        [Block("The trail does not hold", _all(trail.faults), tone="bad")]
        if not trail.holds
        else []
    )
    blocks += [_block(one, found) for one in found.rules[:MOST]]
    notes = [trail_text(found), *trail.notes]
    if len(found.rules) > MOST:
        notes.append(f"{len(found.rules) - MOST} more rules are not shown: --json has all")
    tables = []
    if found.ended:
        rows = tuple(
            (
                one.at[:10], shown(one.how), shown(one.pattern), shown(one.owner or "nobody"),
                shown(f"{one.reason or 'no reason was given'}{ended_by(one)}"),
            )
            for one in found.ended
        )  # fmt: skip
        columns = ("when", "how", "rule", "owner", "")
        title = f"Ended since {found.since}"
        tables.append(TableOf(title, columns, rows, whole=(0, 1), beneath=True))
    return html(
        Page(
            title=shown(whose(found)),
            lead=shown(f"{found.at:%Y-%m-%d %H:%M} UTC, {counted(found)}, {found.store}"),
            figures=_figures(found),
            leading=_owners(found),
            blocks=tuple(blocks),
            tables=tuple(tables),
            notes=_all(notes),
        )
    )


def _figures(found: OwnerReport) -> tuple[tuple[str, str], ...]:
    connections = sum(one.traffic.connections for one in found.rules)
    size = sum(one.traffic.size for one in found.rules)
    return (
        ("rules", number(len(found.rules))),
        ("end soon", number(found.stages.get("expiring", 0))),
        ("have ended", number(found.stages.get("ended", 0))),
        ("connections passed", number(connections)),
        ("passed unseen", amount(size)),
        ("trail", "holds" if found.trail.holds else "does not hold"),
    )


def _owners(found: OwnerReport) -> tuple[TableOf, ...]:
    """Where there are several."""
    of: defaultdict[str, list[Told]] = defaultdict(list)
    for one in found.rules:
        of[one.owner].append(one)
    if len(of) < 2:
        return ()
    rows = tuple(
        (
            shown(owner or "nobody"), number(len(rules)), number(sum(r.stage == "expiring" for r in rules)),
            number(sum(r.traffic.connections for r in rules)), amount(sum(r.traffic.size for r in rules)),
        )
        for owner, rules in of.items()
    )  # fmt: skip
    columns = ("owner", "rules", "end soon", "connections", "passed")
    return (TableOf("Owners", columns, rows, (1, 2, 3, 4), whole=(0,)),)


def _block(one: Told, found: OwnerReport) -> Block:
    trail = [shown(decided(each)) for each in one.decisions]
    if one.left_out:
        trail.append(f"and {one.left_out} earlier entries")
    wrong = one.recheck is not None and one.recheck.state in _WRONG
    return Block(
        shown(f"{one.action} {one.pattern}"),
        tuple(shown(f"{word.capitalize()}: {text}") for word, text in about(one, found.since)),
        codes=(Code("Decisions", "\n".join(trail)),) if trail else (),
        tone="bad" if wrong or one.stage == "ended" or not one.owner else "",
    )


def _all(lines: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return tuple(map(shown, lines))
