"""XML by its elements."""

from __future__ import annotations

import pytest

from detector.stores.formats.xml import read


def test_elements_are_called_by_name_or_tag() -> None:
    text = (
        '<a>\n<component name="C">\n<option name="O" value="true"/>\n<t x="1">u</t></component></a>'
    )
    assert [*read(text)] == [
        (("a", "C", "O"), "true", 3),
        (("a", "C", "t", "x"), "1", 4),
        (("a", "C", "t"), "u", 4),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "<a>" * 10_000,
        '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a>&x;</a>',
        "<a", "", "x",
    ],
)  # fmt: skip
def test_hostile_files_say_nothing(text: str) -> None:
    assert [*read(text)] == []
