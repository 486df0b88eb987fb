"""Files of sections as pip, git, dnf, MySQL and Java write them."""

from __future__ import annotations

from detector.stores.formats.ini import read


def test_names_stand_below_their_sections_with_line_and_without_quotes() -> None:
    text = '; remark\n[global]\ncert = "/etc/a b.pem"\nindex: x\n[client]\nskip-ssl\n'
    assert [*read(text)] == [
        (("global", "cert"), "/etc/a b.pem", 3),
        (("global", "index"), "x", 4),
        (("client", "skip-ssl"), "", 6),
    ]


def test_a_git_subsection_is_a_part_of_the_name() -> None:
    text = '[http "https://host/"]\n\tsslVerify = false # slow\n'
    assert [*read(text)] == [(("http", "https://host/", "sslVerify"), "false", 2)]


def test_further_lines_of_a_value_are_values_of_its_line() -> None:
    entries = [*read("[global]\ntrusted-host =\n  a\n  b\n")]
    assert [(entry.value, entry.line) for entry in entries] == [("", 2), ("a", 2), ("b", 2)]


def test_a_colon_in_a_name_parts_nothing() -> None:
    assert [*read("core.net.http:cacert_path=/a\n")] == [(("core.net.http:cacert_path",), "/a", 1)]
    assert [*read("proxy = http://p:1/?a=b\n")] == [(("proxy",), "http://p:1/?a=b", 1)]


def test_an_address_on_a_line_of_its_own_goes_on_with_the_list_before_it() -> None:
    text = "[global]\nextra-index-url =\n    https://one.example/s?a=b\n    https://two.example/s\n"
    found = [(entry.path, entry.value) for entry in read(text)]
    name = ("global", "extra-index-url")
    assert found[1:] == [(name, "https://one.example/s?a=b"), (name, "https://two.example/s")]
