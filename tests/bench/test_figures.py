"""What a run keeps, and what it says of an earlier one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.figures import Figures, earlier


def kept(path: Path, **values: float) -> Figures:
    made = Figures()
    for name, value in values.items():
        made.note(name, value, "higher" if name.startswith("rate") else "lower", 0.1)
    made.save(path)
    return made


def test_what_got_worse_by_more_than_its_noise_is_marked(tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    kept(before, cost=1.0, cost_noisy=1.0, rate=100.0, rate_fine=100.0)
    now = kept(tmp_path / "now.json", cost=1.2, cost_noisy=1.05, rate=80.0, rate_fine=120.0, more=3)
    lines, worse = now.compared(earlier(before))
    assert worse == 2
    assert [line.split()[0] for line in lines if "WORSE" in line] == ["cost", "rate"]
    assert any(line.startswith("more ") for line in lines)
    assert lines[1].split() == ["cost", "1", "1.2", "1.20", "10%", "WORSE"]


@pytest.mark.parametrize("content", ["", "{}", '{"schema": "x/1", "figures": []}', "[1]"])
def test_a_file_that_no_run_wrote_is_said_to_be_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "before.json"
    path.write_text(content)
    with pytest.raises(SystemExit, match="no file of figures"):
        earlier(path)
