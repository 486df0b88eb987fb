"""Templates and what they may say: text of unknown origin is harmless, times have a zone, tables stay tables."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import jinja2
from jinja2.ext import Extension
from markupsafe import Markup, escape

from addons.bypass.shown import shown
from addons.review.visit import address
from detector.report.moments import ago

_ROLES = {
    "table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "td": "cell",
    'th scope="col"': "columnheader", 'th scope="row"': "rowheader",
}  # fmt: skip
# Entries that change rules; what an entry really changed the page of undoing says.
_UNDOABLE = frozenset((
    "add", "draft", "approve", "approve-draft", "import", "replace", "remove", "expire", "renew", "undo",
))  # fmt: skip
_TAG = re.compile(r'<(table|thead|tbody|tr|td|th scope="col"|th scope="row")(?=[ >])')


class _TableRoles(Extension):
    """Rows become cards on narrow screens, and a table that is none by its style is one by its roles."""

    def preprocess(self, source: str, *_: object, **__: object) -> str:
        """Jinja's hook; it also says which template it is."""
        return _TAG.sub(lambda found: f'{found[0]} role="{_ROLES[found[1]]}"', source)


def templates(*folders: Path) -> jinja2.Environment:
    """A page's own; a template is taken from the first folder that has it."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
        extensions=[_TableRoles],
    )
    made.filters |= {
        "bytes": size, "moment": moment, "ago": ago, "clip": clip, "brief": brief, "lines": lines, "number": number,
    }  # fmt: skip
    made.globals |= {"address": address, "UNDOABLE": _UNDOABLE}
    return made


def size(amount: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def number(count: float) -> str:
    return f"{count:,.0f}"


def moment(value: date | str | None) -> Markup:
    """A moment in UTC, or a day; the script shows moments in the browser's zone where that is wanted."""
    if value is None or value == "":
        return Markup("never")
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return Markup('<time datetime="{0}">{0}</time>').format(value.isoformat())
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}" class="moment">{}</time>').format(
        f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M} UTC"
    )


def clip(text: str, most: int = 160) -> Markup:
    """Long text folded away behind its beginning."""
    text = shown(text)
    if len(text) <= most:
        return escape(text)
    return Markup(
        '<details class="long"><summary>{}… <small>{:,} characters</small></summary>{}</details>'
    ).format(text[:most], len(text), text)


def brief(text: str, most: int = 120) -> str:
    """The beginning of a text, where nothing can be folded out: in a link, say."""
    text = shown(text)
    return text if len(text) <= most else f"{text[:most]}…"


def lines(text: str) -> Markup:
    """A text of several lines as it stands, each of them harmless."""
    return Markup("\n").join(shown(line) for line in text.split("\n"))


def _harmless(value: object) -> object:
    """What clients and people wrote; markup of ours stays as it is."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
