"""What is known of gateways and of the centre, in lines."""

from __future__ import annotations

from datetime import datetime, timedelta

from addons.store.joined import STALE, Joined, Known

# Clocks that are further apart are worth a word.
SKEWED = 30.0


def lines_of_centre(one: Known, revision: int, now: datetime) -> list[str]:
    """Of one gateway, at the centre."""
    report = one.report
    if report is None or one.heard is None:
        return [f"{one.name}: not heard of yet", *_indented([one.trouble])]
    serial = "no list" if report["serial"] is None else f"list {report['serial']} of {revision}"
    head = f"{one.name}: {ago(one.heard, now)}, {serial}, {report['waiting']} batches wait, {one.taken} taken"
    lines = [one.trouble, *report["trouble"]]
    if now - one.heard > STALE:
        lines.append("silent: see whether it runs, and reaches the shelf")
    if abs(one.skew) > SKEWED:
        lines.append(f"its clock is {abs(one.skew):.0f} s {'ahead' if one.skew > 0 else 'behind'}")
    if report["lost"] or one.left_out:
        lines.append(
            f"{report['lost']} attempts and passages gave way there while nobody took them; {one.left_out} were"
            " beyond a day's measure here, or said what cannot be"
        )
    for alive in report["proxies"]:
        seen = datetime.fromisoformat(alive["seen"])
        lines.append(
            f"proxy: mitmproxy {alive['mitmproxy']} with tlsight {alive['tlsight']}, pid {alive['pid']} on"
            f" {alive['host']}, {alive['mode']}, {alive['rules']} rules, {ago(seen, one.heard)} then"
        )
    if not report["proxies"]:
        lines.append("no proxy reads its store")
    if report["own"]:
        lines.append(f"{report['own_count']} rules of its own: {', '.join(report['own'])}")
    if report["kept"]:
        lines.append(f"something of its own counts there for: {', '.join(report['kept'])}")
    if report["candidates"]:
        lines.append(f"waits for a person there: {', '.join(report['candidates'])}")
    return [head, *_indented(lines)]


def lines_of_gateway(joined: Joined, waiting: int, now: datetime) -> list[str]:
    """Of the centre, at a gateway."""
    serial = "no list yet" if joined.serial is None else f"list {joined.serial} in force"
    heard = "never heard of" if joined.heard is None else ago(joined.heard, now)
    lines = [*joined.trouble]
    if joined.said is not None and joined.heard is not None:
        skew = (joined.heard - joined.said).total_seconds()
        if abs(skew) > SKEWED:
            lines.append(
                f"its head was made {skew:.0f} s before it came here: late, or another clock"
            )
    if joined.lost:
        lines.append(f"{joined.lost} attempts and passages gave way while nobody took them")
    if joined.kept:
        lines.append(f"something of this gateway's own counts for: {', '.join(joined.kept)}")
    head = f"centre {joined.key[:16]}: {heard}, {serial}, {waiting} batches wait"
    return [head, *_indented(lines)]


def ago(at: datetime, now: datetime) -> str:
    """How long ago, as a person says it."""
    gone = max(now - at, timedelta())
    seconds = int(gone.total_seconds())
    if seconds < 120:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines if line]
