"""See a wheel's description as PyPI shows it: every picture and link of it is absolute, and ours lead to files.

uv run --no-project --with 'readme-renderer[md]' scripts/rendered_readme.py dist/tlsight-VERSION-py3-none-any.whl
"""

from __future__ import annotations

import email
import re
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LEADS = {"img": "src", "source": "srcset", "a": "href"}


def main() -> int:
    about = metadata(Path(sys.argv[1]))
    found, wrong = Addresses(), []
    found.feed(rendered(about))
    for tag, address in found.all:
        where = ours(address, about["Version"])
        if not address.startswith(("https://", "#")):
            wrong.append(f"{tag}: {address} is relative")
        elif where is not None and not (ROOT / where).exists():
            wrong.append(f"{tag}: {address} leads to no file of this tree")
    pictures = [address for tag, address in found.all if tag == "img"]
    if not pictures:
        wrong.append("no picture is shown")
    for line in wrong:
        print(f"readme: {line}", file=sys.stderr)
    print(
        f"readme: {len(pictures)} pictures and {len(found.all) - len(pictures)} links as PyPI shows them"
    )
    return 1 if wrong else 0


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as held:
        (name,) = [name for name in held.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_string(held.read(name).decode())


def rendered(about: email.message.Message) -> str:
    """As PyPI's own library does it, which leaves out what it does not allow."""
    from readme_renderer import markdown

    shown = markdown.render(about.get_payload())
    if shown is None:
        raise SystemExit("readme: PyPI would show it as plain text")
    return shown


def ours(address: str, version: str) -> str | None:
    """The file of this tree that an address of our repository leads to."""
    found = re.match(
        rf"https://[^/]+/tlsight/tlsight/(?:blob/)?v{re.escape(version)}/([^#?]+)", address
    )
    return found[1] if found else None


class Addresses(HTMLParser):
    """What leads away from a page: `all` has tag and address."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(_LEADS.get(tag, ""))
        if address is not None:
            self.all.append((tag, address))


if __name__ == "__main__":
    sys.exit(main())
