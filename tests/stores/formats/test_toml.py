"""TOML with lines."""

from __future__ import annotations

from detector.stores.formats.toml import read

TEXT = """
[a."b.c"]
k = { cert = false }
[[registry]]
insecure = false
[[registry]]
location = "x"
insecure = true
hosts = [
  "p",
  "q",
]
"""


def test_each_value_is_told_by_its_own_line() -> None:
    assert [*read(TEXT)] == [
        (("a", "b.c", "k", "cert"), "false", 3),
        (("registry", "insecure"), "false", 5),
        (("registry", "location"), "x", 7),
        (("registry", "insecure"), "true", 8),
        (("registry", "hosts"), "p", 9),
        (("registry", "hosts"), "q", 9),
    ]


def test_a_broken_file_is_read_line_by_line() -> None:
    assert (("http", "cainfo"), "/a", 2) in [*read('[http]\ncainfo = "/a"\nx = [\n')]
