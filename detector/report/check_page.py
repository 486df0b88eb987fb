"""Judgements as a page: who stands in between first, then every host, then a card for each with its proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from detector.causes.confirm import confirmation
from detector.knowledge.causes import cause_table
from detector.model.asked import asked_by, shell_line
from detector.model.observation import Evidence, Interceptor, Judgement
from detector.report.check_json import (
    CertificateRecord,
    CheckRecord,
    InterceptorRecord,
    certificate_record,
    check_record,
)
from detector.report.check_text import deciding, place
from detector.report.page import Block, Code, Page, Point, TableOf, number, shown
from detector.report.palette import INTERCEPTION, TONE_OF, VERDICTS
from detector.report.worst import Worst

# Rows are small and kept for so many hosts, cards are large; of both the worst, and the page says what it left out.
MAX_ROWS, MAX_CARDS = 10_000, 1_000
_CHECK = ("tlsight", "check")
_UNKNOWN, _OTHERS = "unknown", ("others", "")
_GROUPS, _NAMED, _CELL = 100, 5, 240
_POINTS = {"intercepted": ("✗", "bad"), "direct": ("✓", "good"), "neutral": ("·", "dim")}
_COLUMNS = ("verdict", "host", "who answers", "what decided")
_FINGERPRINT = "openssl s_client -showcerts | openssl x509 -noout -issuer -fingerprint -sha256"


class _Row(msgspec.Struct, frozen=True):
    verdict: str
    host: str
    who: str
    why: str
    anchor: str


class _Standing:
    """Somebody in between, and before whom he stands."""

    def __init__(self, name: str, who: Interceptor | None) -> None:
        self.name = name
        self.issuer = who.issuer if who is not None else ""
        self.key = (who.issuer_spki_sha256 or "") if who is not None else ""
        self.hosts: list[tuple[str, str]] = []
        self.count = self.sanctioned = 0


class CheckPage:
    """Grows with every judgement; memory does not, beyond MAX_ROWS and MAX_CARDS.

    Args:
        again: the command that asks the same again, with what is its own; `tlsight check` when left out.
        words: options that make it ask the same way and compare with the same.

    """

    def __init__(self, again: Sequence[str] = (), words: Sequence[str] = ()) -> None:
        self._again, self._asked_with = again, words
        self._verdicts: Counter[str] = Counter()
        self._rows: Worst[_Row] = Worst(MAX_ROWS)
        self._cards: Worst[tuple[_Row, Block]] = Worst(MAX_CARDS)
        self._standing: dict[tuple[str, str], _Standing] = {}
        self._times: list[str] = []

    def add(self, judgement: Judgement) -> None:
        """One more target."""
        self._verdicts[judgement.verdict] += 1
        count = sum(self._verdicts.values())
        row = _row(judgement, f"host-{count}")
        rank = 2 * VERDICTS.index(judgement.verdict) + judgement.sanctioned
        at = f"{judgement.observation.at:%Y-%m-%d %H:%M:%S}"
        self._times = [min([at, *self._times]), max([at, *self._times])]
        self._rows.add(rank, lambda: row)
        self._cards.add(rank, lambda: (row, self._card(judgement, row.anchor)))
        if judgement.verdict == "intercepted":
            self._note(judgement, row)

    def _card(self, judgement: Judgement, anchor: str) -> Block:
        return card(judgement, anchor, self._again, self._asked_with)

    def page(self, *, whole: bool = True) -> Page:
        """What the page says. Not `whole`: the run was cut short."""
        count = sum(self._verdicts.values())
        rows = sorted(self._rows.all, key=_order)
        cards = sorted(self._cards.all, key=lambda one: _order(one[0]))
        there = {row.anchor for row, _ in cards}
        cut = "The run was cut short: hosts that were not asked yet are missing."
        notes = left_out(count, "hosts", self._rows.left_out, self._cards.left_out)
        kinds = [(name, self._verdicts[name]) for name in VERDICTS if self._verdicts[name]]
        return Page(
            title="Who answers",
            lead=f"{_many(count, 'host')}, {_span(self._times)}" if count else "no host was asked",
            figures=(("hosts", number(count)), *((name, number(many)) for name, many in kinds)),
            first=self._between(there),
            choices=tuple(kinds),
            leading=(_hosts(rows, there),) if rows else (),
            blocks=tuple(block for _, block in cards),
            blocks_title="Each host",
            notes=notes if whole else (cut, *notes),
        )

    def _note(self, judgement: Judgement, row: _Row) -> None:
        who = judgement.interceptor
        key = named(who), (who.issuer_spki_sha256 or who.issuer) if who is not None else ""
        if key not in self._standing and len(self._standing) >= _GROUPS:
            key, who = _OTHERS, None
        one = self._standing.setdefault(key, _Standing(key[0], who))
        one.count += 1
        one.sanctioned += judgement.sanctioned
        if len(one.hosts) < _NAMED:
            one.hosts.append((row.host, row.anchor))

    def _between(self, there: set[str]) -> tuple[Block, ...]:
        if not self._standing:
            return ()
        found = sorted(self._standing.values(), key=lambda one: -one.count)
        count, hosts = sum(one.count for one in found), sum(self._verdicts.values())
        sanctioned = sum(one.sanctioned for one in found)
        allowed = f" The policy allows {sanctioned:,} of them." if sanctioned else ""
        rows = tuple(
            (
                one.name, number(one.count), _and_more([host for host, _ in one.hosts], one.count),
                shown(one.issuer, _CELL), one.key,
            )
            for one in found
        )  # fmt: skip
        anchors = tuple(
            next((anchor for _, anchor in one.hosts if anchor in there), "") for one in found
        )
        columns = ("who", "hosts", "which", "signs as", "SHA-256 of its key")
        table = TableOf("Who stands in between", columns, rows, (1,), anchors=anchors)
        verb = "is" if count == 1 else "are"
        return (
            Block(
                f"{count:,} of {_many(hosts, 'host')} {verb} intercepted",
                lines=(
                    "Somebody in between decrypts what is sent to them, and can read and change it."
                    + allowed,
                ),
                tone="intercepted",
                tables=(table,),
            ),
        )


def left_out(count: int, what: str, rows: int, cards: int) -> tuple[str, ...]:
    """What a page says of those that it has no rows or no cards for."""
    return tuple(
        f"{left:,} of {count:,} {what} have no {part} here, those of which least has to be said: --json has all."
        for part, left in (("row", rows), ("card", cards))
        if left
    )


def card(
    judgement: Judgement, anchor: str, again: Sequence[str] = (), words: Sequence[str] = ()
) -> Block:
    """Everything about one target; `again` and `words` are those of CheckPage."""
    record = check_record(judgement)
    tone = TONE_OF[record.verdict]
    points = [_point(e) for e in deciding(judgement)]
    if record.explanation:
        points.append(Point("?", shown(record.explanation), "dim"))
    points += [
        Point("!", shown(cause.text), "weak", cause.id)
        for cause in record.causes
        if cause.id != INTERCEPTION and cause.text not in record.summary
    ]
    if record.next_step:
        points.append(Point("→", shown(record.next_step), "", "what to do next"))
    return Block(
        shown(place(judgement.observation)),
        lines=(shown(record.summary),),
        badge=record.verdict,
        kind=record.verdict,
        beside=shown(beside(record)),
        tone=tone,
        anchor=anchor,
        points=tuple(points),
        folded="All findings, the chain, and how to verify it",
        facts=facts(record),
        tables=tuple(_tables(record)),
        more=_ways(judgement, record, again, words),
        links=_links(record),
    )


def named(who: Interceptor | InterceptorRecord | None) -> str:
    """What an interceptor is called."""
    if who is None:
        return _UNKNOWN
    name = who.product or who.engine or _UNKNOWN
    kind = f" ({who.category})" if who.category else ""
    engine = f", engine {who.engine}" if who.engine and who.engine != name else ""
    return f"{name}{kind}{engine}"


def beside(record: CheckRecord) -> str:
    """Who answers, by which way."""
    parts = []
    if record.verdict == "intercepted" and record.interceptor is not None:
        name = named(record.interceptor)
        parts.append(f"by {name if name != _UNKNOWN else 'somebody unknown'}")
    if record.sanctioned:
        parts.append("sanctioned by the policy")
    if record.route.proxy:
        parts.append(f"through {record.route.proxy}")
    return ", ".join(parts)


def facts(record: CheckRecord) -> tuple[tuple[str, str], ...]:
    """When, whom and how it was asked."""
    target, done = record.target, record.handshake
    found = [("asked at", f"{record.at:%Y-%m-%d %H:%M:%S} UTC")]
    if target.ip:
        found.append(("address", target.ip))
    if target.sni and target.sni != target.host:
        found.append(("SNI", shown(target.sni)))
    if target.starttls:
        found.append(("STARTTLS", target.starttls))
    route = record.route.kind + (f", {record.route.proxy}" if record.route.proxy else "")
    found.append(("route", shown(route)))
    if done is not None:
        parts = (done.version, done.cipher, done.group, done.alpn and f"ALPN {done.alpn}")
        found.append(("handshake", shown(", ".join(part for part in parts if part))))
    if record.error is not None:
        found.append(("failed", shown(f"{record.error.step}: {record.error.text}")))
    if record.ms:
        found.append(("took", ", ".join(f"{name} {ms:g} ms" for name, ms in record.ms.items())))
    return tuple(found)


def chain_table(chain: Iterable[CertificateRecord]) -> TableOf:
    """Certificates as they were sent."""
    rows = tuple(
        (
            str(place_), shown(one.subject, _CELL), shown(one.issuer, _CELL),
            f"{one.not_before:%Y-%m-%d}", f"{one.not_after:%Y-%m-%d}", one.sha256, one.spki_sha256,
        )
        for place_, one in enumerate(chain)
    )  # fmt: skip
    columns = ("", "subject", "issuer", "from", "until", "SHA-256", "SHA-256 of the key")
    return TableOf("Chain as it was sent", columns, rows, whole=(0, 3, 4), head=1, styles={})


def _row(judgement: Judgement, anchor: str) -> _Row:
    seen = judgement.observation
    told = deciding(judgement)
    why = told[0].text if told else judgement.summary
    if seen.failure is not None and judgement.verdict == "inconclusive":
        why = seen.failure.text
    who = certificate_record(seen.chain[0]).issuer if seen.chain else ""
    between = named(judgement.interceptor)
    if judgement.verdict == "intercepted" and between != _UNKNOWN:
        who = f"{between}: {who}" if who else between
    return _Row(
        judgement.verdict, shown(place(seen), _CELL), shown(who, _CELL), shown(why, _CELL), anchor
    )


def _hosts(rows: list[_Row], there: set[str]) -> TableOf:
    return TableOf(
        "Hosts",
        _COLUMNS,
        tuple((row.verdict, row.host, row.who, row.why) for row in rows),
        whole=(0,),
        head=1,
        anchors=tuple(row.anchor if row.anchor in there else "" for row in rows),
        kinds=tuple(row.verdict for row in rows),
    )


def _order(row: _Row) -> tuple[int, str]:
    return VERDICTS.index(row.verdict), row.host


def _point(evidence: Evidence) -> Point:
    mark, tone = _POINTS[evidence.points]
    return Point(mark, shown(evidence.text), tone, f"{evidence.id}, {evidence.strength}")


def _tables(record: CheckRecord) -> Iterable[TableOf]:
    if record.evidence:
        rows = tuple((e.id, e.points, e.strength, shown(e.text)) for e in record.evidence)
        styles = {"intercepted": "bad", "direct": "good", "neutral": "dim"}
        columns = ("finding", "points to", "strength", "what was found")
        yield TableOf("All findings", columns, rows, whole=(0, 1, 2), styles=styles)
    if record.chain:
        yield chain_table(record.chain)


def _ways(
    judgement: Judgement, record: CheckRecord, again: Sequence[str], words: Sequence[str]
) -> tuple[Code, ...]:
    """Commands that ask the same question, for who believes nobody."""
    asked = asked_by(judgement.observation, words)
    found = [("Asks the same again", shell_line(again or _CHECK, asked))]
    info = msgspec.structs.replace(cause_table()[INTERCEPTION], confirm=_FINGERPRINT)
    line = confirmation(info, asked).command
    if record.chain and not line.startswith("tlsight "):  # openssl does not go every way
        text = (
            "The issuer and the leaf's digest without tlsight. By another network (a phone's) the issuer is the"
            " same where nobody stands in between; the digest may differ, for large sites have several leaves"
        )
        found.append((text, line))
    if record.verdict in ("consistent", "suspect") and "--ct-proof" not in again:
        text = "Asks a log to prove that it holds the leaf"
        found.append((text, shell_line((*_CHECK, "--ct-proof"), asked)))
    return tuple(Code(label, shown(line, 4_000)) for label, line in found)


def _links(record: CheckRecord) -> tuple[tuple[str, str], ...]:
    if not record.chain or record.verdict in ("private", "inconclusive"):
        return ()
    text = "Whether a public log knows this very leaf (crt.sh); one that an interceptor minted is not there"
    return ((text, f"https://crt.sh/?q={record.chain[0].sha256}"),)


def _and_more(names: list[str], count: int) -> str:
    more = f" and {count - len(names):,} more" if count > len(names) else ""
    return ", ".join(names) + more


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _span(times: list[str]) -> str:
    first, last = times
    return f"asked {first} UTC" if first == last else f"asked {first} to {last} UTC"
