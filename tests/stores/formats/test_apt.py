"""apt's settings, flat and nested."""

from __future__ import annotations

from detector.stores.formats.apt import read


def test_flat_and_nested_are_one() -> None:
    text = '// remark\nAcquire::https::Verify-Peer "false";\nAcquire { https {\n Verify-Host "no"; }; };\n'
    assert [*read(text)] == [
        (("Acquire", "https", "Verify-Peer"), "false", 2),
        (("Acquire", "https", "Verify-Host"), "no", 4),
    ]
