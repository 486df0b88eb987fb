"""YAML as a tree: what is read line by line is what the parser says."""

from __future__ import annotations

import time
from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from addons.formats import yaml_tree
from addons.formats.yaml_tree import Node
from detector.errors import ConfigError

PIECES = st.sampled_from(
    ("ignore_hosts:", "tcp_hosts:", "a: b", "\n", "\n  - ", "\n- ", "  ", "'", "''", '"', "\\", "x.y",
     "^(.+\\.)?x$", "# why", " # ü", "#", ":", ": ", "-", "null", "[", "{", "&a", "*a", "|", "?", "---", "\t", "\r", "é")
)  # fmt: skip
LINES = st.lists(
    st.sampled_from(
        ("a:", "b:  # why", "a: x", "  - 'x'", "  - 'it''s'", "- y", '  - "z"  # ü', "  - ^x\\.y$", "  - n", "  - a:b",
         "", "# note", "    - deep", "  x", "---", "  - 'open", "  - 12", "  - ~", " ")
    ),
    max_size=8,
).map("\n".join)  # fmt: skip


def outcome(read: Callable[[str, str], Node | None], text: str) -> Node | str | None:
    try:
        return read(text, "x")
    except ConfigError:
        return "no YAML"


@given(LINES | st.lists(PIECES, max_size=8).map("".join))
@example("a:\n  - 'x'\n  - y\nb:\n- z")
@example("a:\n- 'x'\nb:\n  - 'y'")
@example("a:\n\n# why\n  - 'it''s'  # ü\n")
@example("a:\n  - x\n - y")
@example("a:\nb:\n  - x")
def test_lists_of_an_entry_a_line_are_what_the_parser_reads(text: str) -> None:
    assert outcome(yaml_tree.parsed, text) == outcome(yaml_tree.by_events, text)


def test_a_hundred_thousand_entries_are_read_in_time_by_their_length() -> None:
    text = "ignore_hosts:\n" + "".join(f"  - '^x{n}[.]example$'  # y\n" for n in range(100_000))
    begun = time.process_time()
    root = yaml_tree.parsed(text, "x")
    assert time.process_time() - begun < 10  # the parser takes half a minute
    assert root is not None
    assert len((root.at("ignore_hosts") or root).items or ()) == 100_000
