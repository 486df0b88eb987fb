"""What a printed text says, sentence by sentence."""

from __future__ import annotations

import io
import re
from collections import Counter

from rich.console import RenderableType

from detector.report.terminal import console

# A name or a digest may come again, a sentence may not.
LONG, WORDS = 40, 3
_WORD = re.compile(r"\b[a-z]{2,20}\b")


def plain(*made: RenderableType, width: int = 4000) -> str:
    """As it is printed; so wide that nothing is torn, unless a width is given."""
    out = io.StringIO()
    printer = console(file=out, width=width)
    for one in made:
        printer.print(one)
    return out.getvalue()


def told_twice(text: str) -> list[str]:
    """Sentences of LONG characters and more and WORDS words that stand in a text twice; a line ends a sentence too."""
    found = Counter(
        sentence.strip()
        for line in text.splitlines()
        for sentence in re.split(r"(?<=[.!?;]) |(?<=:) (?=[A-Z])", line)
        if len(sentence.strip()) >= LONG and len(_WORD.findall(sentence)) >= WORDS
    )
    whole = " ".join(text.split())
    return [one for one in found if whole.count(" ".join(one.split()).rstrip(".")) > 1]
