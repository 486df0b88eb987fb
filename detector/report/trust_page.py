"""The trust audit as a page: who can intercept first, then what stands out with file and line, then every place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from detector.auditing.model import LEVELS, Finding
from detector.report.page import Block, Page, Point, TableOf, number, shown
from detector.report.palette import TONE_OF
from detector.report.trust_json import RULES, RootRecord, TrustRecord

# Findings that say that somebody can read what is sent.
_INTERCEPTION = frozenset(("interceptor-root", "published-key", "keys-logged"))
_MARKS = {"error": "✗", "warning": "!", "note": "·"}
_CARDS, _ROWS, _CELL = 500, 10_000, 400


def trust_page(found: TrustRecord, again: str = "tlsight trust") -> Page:
    """What the page says; `again` is the command that looks at the same."""
    groups = _groups(found.findings)
    levels = Counter(group[0].level for group in groups)
    roots = {root.sha256 for place in found.places for root in place.roots if not root.public}
    notes = [] if groups else ["Nothing stands out."]
    if len(groups) > _CARDS:
        notes.append(f"{len(groups) - _CARDS:,} more findings have no card here: --json has all.")
    return Page(
        title="What this machine trusts",
        lead=f"{len(found.places):,} stores and {len(found.settings):,} settings, {found.at:%Y-%m-%d %H:%M:%S} UTC",
        figures=(
            ("stores", number(len(found.places))),
            ("roots not public", number(len(roots))),
            *((f"{level}s", number(levels[level])) for level in reversed(LEVELS)),
        ),
        first=_first(groups),
        leading=(_findings(groups),) if groups else (),
        blocks=tuple(_cards(groups[:_CARDS], found)),
        blocks_title="Each finding",
        tables=tuple(_tables(found)),
        notes=(*notes, f"Looks at the same again: {shown(again, 4_000)}"),
    )


def _groups(findings: Sequence[Finding]) -> list[list[Finding]]:
    """One finding with every place it is true of; interception first, then by level."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        found.setdefault((one.id, one.text), []).append(one)

    def order(group: list[Finding]) -> tuple[bool, int]:
        return group[0].id not in _INTERCEPTION, -LEVELS.index(group[0].level)

    return sorted(found.values(), key=order)


def _first(groups: list[list[Finding]]) -> tuple[Block, ...]:
    between = [group for group in groups if _opens(group[0])]
    if not between:
        return ()
    return (
        Block(
            "Somebody can read what is sent from here",
            lines=("Who holds these keys can stand in between, and no program here would say so.",),
            tone="intercepted",
            points=tuple(Point("✗", shown(group[0].text), "intercepted") for group in between[:20]),
        ),
    )


def _opens(one: Finding) -> bool:
    """It lets somebody in, and nobody has declared that he may."""
    return one.id in _INTERCEPTION and one.level != "note"


def _findings(groups: list[list[Finding]]) -> TableOf:
    rows = tuple(
        (
            group[0].level, shown(group[0].text, _CELL), shown(_where(group[0])), _more(group),
            group[0].id,
        )
        for group in groups[:_ROWS]
    )  # fmt: skip
    anchors = tuple(f"finding-{place}" if place < _CARDS else "" for place in range(len(rows)))
    columns = ("level", "what stands out", "where", "more places", "rule")
    return TableOf("What stands out", columns, rows, (3,), whole=(0, 4), head=1, anchors=anchors)


def _cards(groups: list[list[Finding]], found: TrustRecord) -> Iterator[Block]:
    roots = {root.sha256: root for place in found.places for root in place.roots}
    for place, group in enumerate(groups):
        one = group[0]
        rows = tuple((shown(each.path), str(each.line or "")) for each in group[:_ROWS])
        root = roots.get(one.sha256 or "")
        yield Block(
            shown(one.text),
            lines=(RULES[one.id],) if one.id in RULES else (),
            badge=one.level,
            beside=one.id,
            tone="intercepted" if _opens(one) else TONE_OF[one.level],
            anchor=f"finding-{place}",
            points=(Point("→", shown(one.remedy), "good", "what to do"),) if one.remedy else (),
            tables=(TableOf("Where", ("file", "line"), rows, (1,), styles={}),),
            facts=_about(root) if root is not None else (),
        )


def _about(root: RootRecord) -> tuple[tuple[str, str], ...]:
    found = [
        ("subject", shown(root.subject)), ("SHA-256", root.sha256), ("of its key", root.spki_sha256),
        ("key", root.key), ("valid until", f"{root.not_after:%Y-%m-%d}"), ("it can", root.can),
        ("trusted for", shown(root.trusted_for)),
        ("there since", f"{root.added:%Y-%m-%d}" if root.added else ""),
    ]  # fmt: skip
    return tuple((label, text) for label, text in found if text)


def _tables(found: TrustRecord) -> Iterator[TableOf]:
    if any(place.roots for place in found.places):
        yield _roots(found)
    yield TableOf(
        "Stores",
        ("store", "kind", "roots", "not public", "used by", "trouble"),
        tuple(
            (
                shown(place.path), place.kind, number(place.count),
                number(sum(not root.public for root in place.roots)), shown(place.used_by, _CELL),
                shown(place.trouble or "", _CELL),
            )
            for place in found.places[:_ROWS]
        ),
        (2, 3),
        whole=(1,),
    )  # fmt: skip
    if found.settings:
        yield TableOf(
            "Settings",
            ("setting", "value", "where", "for", ""),
            tuple(
                (
                    shown(one.key, _CELL), shown(one.value, _CELL), shown(one.place),
                    shown(one.scope, _CELL), "names what is not there" if one.missing else "",
                )
                for one in found.settings[:_ROWS]
            ),
        )  # fmt: skip
    if found.tools:
        yield TableOf(
            "What each tool goes by",
            ("tool", "goes by", "because of"),
            tuple(
                (
                    one.tool, shown(" + ".join((one.path, *one.adds)), _CELL),
                    shown(one.because, _CELL),
                )
                for one in found.tools
            ),
        )  # fmt: skip


def _roots(found: TrustRecord) -> TableOf:
    held: defaultdict[str, list[str]] = defaultdict(list)
    roots: dict[str, RootRecord] = {}
    for place in found.places:
        for root in place.roots:
            roots.setdefault(root.sha256, root)
            held[root.sha256].append(place.path)
    listed = sorted(roots.values(), key=lambda root: (root.public, root.subject))[:_ROWS]
    return TableOf(
        "Roots" if any(root.public for root in listed) else "Roots that are not public",
        ("root", "SHA-256", "key", "until", "public", "in"),
        tuple(
            (
                shown(root.subject, _CELL), root.sha256, root.key, f"{root.not_after:%Y-%m-%d}",
                "yes" if root.public else "no", _named(held[root.sha256]),
            )
            for root in listed
        ),
        whole=(2, 3, 4),
    )  # fmt: skip


def _where(one: Finding) -> str:
    return one.path if one.line is None else f"{one.path}:{one.line}"


def _more(group: list[Finding]) -> str:
    return number(len(group) - 1) if len(group) > 1 else ""


def _named(paths: list[str]) -> str:
    more = f" and {len(paths) - 4:,} more" if len(paths) > 4 else ""
    return shown(", ".join(paths[:4]) + more)
