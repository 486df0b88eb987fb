"""Mozilla's preferences."""

from __future__ import annotations

from detector.stores.formats.prefs import read


def test_preferences_are_read() -> None:
    text = '// x\nuser_pref("a.b", true);\nlockPref("c", "d");\n'
    assert [*read(text)] == [(("a.b",), "true", 2), (("c",), "d", 3)]
