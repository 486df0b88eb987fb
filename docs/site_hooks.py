"""What mkdocs asks while it builds the site: the navigation, and the meaning of short forms on each page."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from reader_pages import readers, terms  # noqa: E402
from site_links import dead_links  # noqa: E402

_REFERENCE = (
    "command", "causes", "evidence", "rules", "alerts", "products", "interceptor-grades", "programs", "files", "python",
)  # fmt: skip


def on_config(config: Any) -> Any:
    """Every page stands once in the navigation: how-to pages below their first reader."""
    kept = readers()
    seen: set[str] = set()
    by_reader: list[Any] = []
    for reader in kept:
        pages = [task.page for task in reader.task if task.page not in seen]
        seen.update(pages)
        by_reader.append({reader.name: [f"readers/{reader.id}.md", *pages]})
    schemas = sorted(path.name for path in (DOCS / "reference/schemas").glob("*.md"))
    config["nav"] = [
        {"Home": "index.md"},
        {"Tutorial": ["tutorial/first-hour.md"]},
        {"How to": by_reader},
        {
            "Reference": [
                *(f"reference/{name}.md" for name in _REFERENCE),
                {"JSON": ["reference/schemas.md", *(f"reference/schemas/{n}" for n in schemas)]},
                "reference/glossary.md",
            ]
        },
        {
            "Explanation": sorted(
                str(path.relative_to(DOCS)) for path in (DOCS / "explanation").glob("*.md")
            )
        },
    ]
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Abbreviations whose meaning the browser shows."""
    told = (f"*[{term.name}]: {term.short}" for term in terms() if term.short)
    return markdown + "\n\n" + "\n".join(told) + "\n"


def on_post_build(config: Any) -> None:
    """A link to a file that the site leaves out is a warning, which fails it; mkdocs only mentions it."""
    for page, link in dead_links(Path(config["site_dir"])):
        logging.getLogger("mkdocs.hooks").warning(
            "%s links %s, which is not in the site", page, link
        )
