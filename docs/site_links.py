"""Links of a built site that lead to no file of it."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import override
from urllib.parse import unquote, urlsplit

_ATTRIBUTES = ("href", "src")
# Written for whatever address was asked, so its links are of no folder.
_ANYWHERE = "404.html"


def dead_links(site: Path) -> Iterator[tuple[str, str]]:
    """Page and link, for each relative link below a folder of HTML that leads to no file in it."""
    inside = site.resolve()
    for page in sorted(inside.rglob("*.html")):
        if page.name == _ANYWHERE:
            continue
        links = _Links()
        links.feed(page.read_text(encoding="utf-8"))
        for link in dict.fromkeys(links.found):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            target = (page.parent / unquote(parts.path)).resolve()
            if target.is_dir():
                target /= "index.html"
            if not target.is_file() or not target.is_relative_to(inside):
                yield str(page.relative_to(inside)), link


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in _ATTRIBUTES and value]
