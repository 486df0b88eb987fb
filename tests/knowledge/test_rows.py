from pathlib import Path

import msgspec
import pytest

from detector.errors import ConfigError
from detector.knowledge.rows import load_rows, read_toml


class Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    size: int = 0


def write(folder: Path, text: str) -> Path:
    path = folder / "things.toml"
    path.write_text(text)
    return path


def test_rows_become_values_in_order(tmp_path: Path) -> None:
    path = write(tmp_path, '[[thing]]\nname = "a"\n\n[[thing]]\nname = "b"\nsize = 2\n')
    assert load_rows(path, "thing", Thing) == [Thing("a"), Thing("b", 2)]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('[[thing]]\nname = "a"\n\n[[thing]]\nsize = 1\n', 4, "missing required field `name`"),
        ('[[thing]]\nname = "a"\nsiez = 1\n', 1, "unknown field `siez`"),
        ('[[thing]]\nname = "a\n', 2, "Illegal character"),
        ("other = 1\n", 1, "no \\[\\[thing\\]\\] rows"),
    ],
)
def test_complaints_name_file_and_line(tmp_path: Path, text: str, line: int, why: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=why) as caught:
        load_rows(path, "thing", Thing)
    assert str(caught.value).startswith(f"{path}:{line}:")


def test_bytes_that_are_no_text_and_missing_files(tmp_path: Path) -> None:
    path = tmp_path / "bin.toml"
    path.write_bytes(b"a = \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_toml(path)
    with pytest.raises(ConfigError, match="No such file"):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="directory"):
        read_toml(tmp_path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" + "a." * 50_000 + "a]\n", "1: a key of more than 64 parts"),
        ("x = 1\n" + '"a" . ' * 100 + "b = 1\n", "2: a key of more than 64 parts"),
        ("a = " + "[" * 50_000, "nested too deep"),
        ("a = " + "9" * 10_000, "1: a number of 400 digits"),
        ("a = 0x" + "f" * 10_000, "1: a number of 400 digits"),
    ],
)
def test_what_takes_a_parser_too_long_is_refused(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why):
        read_toml(path)


def test_many_dots_in_a_value_are_no_key(tmp_path: Path) -> None:
    path = tmp_path / "addresses.toml"
    path.write_text('a = "' + "192.0.2.1, " * 100 + '"\n')
    assert read_toml(path)[0]["a"].startswith("192.0.2.1")
