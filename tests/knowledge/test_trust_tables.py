from datetime import date
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.knowledge.trust_tables import (
    further_variables,
    load_root_table,
    public_roots,
    root_table,
    setting_kinds,
)

ROOT = f'[[program]]\nsource = "x"\n[program.roots]\n{"a" * 64} = "A"\n'
END = f'[[end]]\nkind = "removed"\nsource = "y"\nuntil = 2020-01-01\nroots = ["{"a" * 64}"]\n'


def test_the_shipped_table_knows_names_ends_and_its_own_day() -> None:
    table = root_table()
    assert table.made >= date(2026, 10, 18)
    assert public_roots() == table.names


def test_kinds_of_setting_files_name_paths_that_can_be_told_apart() -> None:
    kinds = setting_kinds()
    assert len(kinds) > 60
    for kind in kinds:
        assert bool(kind.files) == (kind.format != "none")
        assert all(
            path.split("/")[0] in ("", "~", ".", "^") or path[0] == "$" for path in kind.files
        )
    names = [name for kind in kinds if kind.format != "folder" for name in (kind.name, *kind.also)]
    assert len(names) == len(set(names))
    assert "SSLKEYLOGFILE" in further_variables()


def test_a_table_is_read_with_its_ends(tmp_path: Path) -> None:
    file = tmp_path / "roots.toml"
    file.write_text(f"made = 2026-01-02\n{ROOT}{END}")
    table = load_root_table(file)
    end = table.end("a" * 64)
    assert (table.made, table.names) == (date(2026, 1, 2), {"a" * 64: "A"})
    assert end is not None
    assert end.until == date(2020, 1, 1)


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        (ROOT, "made: not the day", None),
        (f"made = 2026-01-02\n{ROOT.replace('aaaa', 'AAAA')}", "64 lower-case hex", None),
        (f"made = 2026-01-02\n{ROOT}{END.replace('aaaa', 'bbbb')}", "is in no program", 6),
        (f"made = 2026-01-02\n{ROOT}{END}{END}", "ends twice", 11),
        (f"made = 2026-01-02\n{ROOT}{END.replace('removed', 'gone')}", "gone", 6),
        ("made = 2026-01-02\n", "no \\[\\[program\\]\\] rows", 1),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_line(
    tmp_path: Path, text: str, why: str, line: int | None
) -> None:
    file = tmp_path / "roots.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=why) as caught:
        load_root_table(file)
    assert caught.value.line == line
