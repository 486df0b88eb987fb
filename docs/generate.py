"""Write what the docs take from the product itself: its schemas, the reference, indexes, pictures.

make pages    the text, in seconds
make docs     and the pictures, which are real runs
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from agents_page import agents_page
from command_page import command_page
from grades_page import grades_page
from manual_pages import manual_pages
from python_page import python_page
from reader_pages import glossary_page, home_page, reader_page, readers
from schema_pages import schema_page, schemas_page
from table_pages import alerts_page, causes_page, products_page, programs_page, rules_page

from detector.cli import command_tree
from detector.report import schema

DOCS = Path(__file__).parent


def main() -> None:
    command_tree.main()
    for name, page in made():
        path = DOCS / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(page(), encoding="utf-8")
    if "--pages" not in sys.argv[1:]:
        from product_pictures import write_pictures

        write_pictures(DOCS / "pictures")


def made() -> Iterator[tuple[str, Callable[[], str]]]:
    """Every text that is made: (its file below docs/, what makes it)."""
    yield "index.md", home_page
    yield "reference/command.md", command_page
    yield "reference/causes.md", causes_page
    yield "reference/alerts.md", alerts_page
    yield "reference/rules.md", rules_page
    yield "reference/products.md", products_page
    yield "reference/programs.md", programs_page
    yield "explanation/grades.md", grades_page
    yield "reference/python.md", python_page
    yield "reference/schemas.md", schemas_page
    yield "how-to/coding-agents.md", agents_page
    for reader in readers():
        yield f"readers/{reader.id}.md", lambda reader=reader: reader_page(reader)
    for name in schema.TYPES:
        yield f"reference/{name}.schema.json", lambda name=name: schema.text(name)
        yield f"reference/schemas/{name}.md", lambda name=name: schema_page(name)
    for file, text in manual_pages().items():
        yield f"man/{file}", lambda text=text: text
    yield "reference/glossary.md", glossary_page  # last: it shows the titles of others


if __name__ == "__main__":
    main()
