import tomllib
from pathlib import Path

from detector.runs.saved import encode_observation
from tests.cli.conftest import Run
from tests.test_forged_chains import good


def saved(folder: Path, engine: str) -> str:
    path = folder / "saved.ndjson"
    path.write_bytes(b"\n".join(encode_observation(seen) for seen in good(engine)) + b"\n")
    return str(path)


def test_the_row_goes_to_stdout_as_toml(tmp_path: Path, tlsight: Run) -> None:
    done = tlsight("engine", "learn", "My Proxy", saved(tmp_path, "hiproxy"))
    assert done.returncode == 0, done.stderr
    (row,) = tomllib.loads(done.stdout)["engine"]
    assert (row["id"], row["shapes"][0]["serial_md5"]) == ("my-proxy", "{host}")
    assert "Hits 0 of" in done.stdout


def test_a_row_that_may_not_decide_is_exit_code_one(tmp_path: Path, tlsight: Run) -> None:
    done = tlsight("engine", "learn", "Terminator", saved(tmp_path, "nginx-term"))
    assert done.returncode == 1
    assert tomllib.loads(done.stdout)["engine"][0]["shapes"][0]["weak"] is True


def test_too_little_to_learn_from_is_a_usage_error(tmp_path: Path, tlsight: Run) -> None:
    done = tlsight("engine", "learn", "x", "origin.test=missing.pem")
    assert (done.returncode, done.stdout) == (2, "")
    assert "missing.pem" in done.stderr
