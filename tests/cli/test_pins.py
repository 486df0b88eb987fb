"""`tlsight pins` against an origin that renews, moves and is forged."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from detector.knowledge.pins import load_pins
from detector.lab.origin import Origin
from detector.lab.pki import Authority, Credential, LabPki
from tests.cli.conftest import Run, running

Pins = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lab(world: LabPki, tmp_path: Path) -> list[str]:
    (tmp_path / "logs.json").write_text(world.ct_logs_json)
    return ["--roots", str(tmp_path / "root.pem"), "--ct-logs", str(tmp_path / "logs.json")]


@pytest.fixture
def pins(tlsight: Run, lab: list[str], tmp_path: Path) -> Pins:
    """`pins(shown, verb, ...)`: run a verb while a.com shows this credential."""

    def run(shown: Credential, verb: str, *words: str) -> tuple[int, str, str]:
        server: AbstractContextManager[Origin] = running(Origin({"a.com": shown}))
        with server as origin:
            done = tlsight(
                "pins", verb, *words, "--pins", tmp_path / "pins.toml",
                "--connect", f"127.0.0.1:{origin.port}", *lab,
            )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return run


def test_what_is_proven_is_learned_and_then_holds(
    pins: Pins, world: LabPki, tlsight: Run, tmp_path: Path
) -> None:
    leaf = world.issue("a.com")
    code, out, err = pins(leaf, "learn", "a.com", "--note", "bank", "--expires", "2090-01-01")
    assert (code, err) == (0, "")
    assert out.startswith("a.com: pinned sha256//")
    assert pins(leaf, "check")[:2] == (0, "✓ a.com  unchanged: the pin holds\n")
    shown = tlsight("pins", "show", "--pins", tmp_path / "pins.toml").stdout
    assert "a.com:443  key   sha256//" in shown
    assert "2090-01-01" in shown


def test_a_renewal_is_explained_and_a_forgery_is_not(pins: Pins, world: LabPki) -> None:
    pins(world.issue("a.com"), "learn", "a.com")
    code, out, _ = pins(world.issue("a.com"), "check")
    assert code == 0
    assert "✓ a.com  renewed: an ordinary renewal of" in out
    assert "by Lab Public Intermediate as before" in out
    forged = Authority("Gateway", profile=False).issue("a.com")
    code, out, _ = pins(forged, "check", "--json")
    record = json.loads(out)
    assert (code, record["kind"], record["explained"]) == (1, "unexplained", False)
    assert record["schema"] == "tlsight.pins/1"


def test_nothing_is_learned_from_an_interceptor_unless_told(
    pins: Pins, world: LabPki, tmp_path: Path
) -> None:
    forged = Authority("Gateway", profile=False).issue("a.com")
    code, out, err = pins(forged, "learn", "a.com")
    assert (code, out) == (1, "")
    assert "a.com: refused: the verdict is suspect" in err
    assert not (tmp_path / "pins.toml").exists()
    assert pins(forged, "learn", "a.com", "--anyway")[0] == 0


def test_a_broken_pin_file_is_not_written_over(pins: Pins, world: LabPki, tmp_path: Path) -> None:
    path = tmp_path / "pins.toml"
    path.write_text('[[pin]]\nhost = "a.com"\nspki = ["x"]\n')
    code, _, err = pins(world.issue("a.com"), "learn", "a.com")
    assert code == 2
    assert "pins.toml:1: 'x' is no key digest" in err
    assert path.read_text().endswith('spki = ["x"]\n')


def test_a_host_without_handshake_exits_3(tlsight: Run, lab: list[str], tmp_path: Path) -> None:
    done = tlsight("pins", "learn", "127.0.0.1:9", "--pins", tmp_path / "p.toml", *lab)
    assert done.returncode == 3
    assert "refuses the connection" in done.stderr


def test_a_port_is_learned_asked_again_and_pinned_alone(
    world: LabPki, tlsight: Run, lab: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "pins.toml"
    with running(Origin({"localhost": world.issue("localhost")})) as one:
        place = f"localhost:{one.port}"
        done = tlsight("pins", "learn", place, "--pins", path, *lab)
        assert (done.returncode, done.stdout.split(":")[:2]) == (0, place.split(":"))
        done = tlsight("pins", "check", "--pins", path, *lab)  # which dials the port of the pin
        assert (done.returncode, done.stdout) == (0, f"✓ {place}  unchanged: the pin holds\n")
        record = json.loads(tlsight("pins", "check", "--json", "--pins", path, *lab).stdout)
        assert (record["host"], record["port"]) == ("localhost", one.port)
    with running(Origin({"localhost": world.issue("localhost")})) as other:
        done = tlsight("check", "--json", f"localhost:{other.port}", "--pins", path, *lab)
        assert "pin-mismatch" not in done.stdout
        assert "pin-match" not in done.stdout
        done = tlsight("pins", "check", f"localhost:{other.port}", "--pins", path, *lab)
        assert (done.returncode, done.stderr) == (2, f"tlsight: localhost:{other.port}: no pin\n")
    done = tlsight("pins", "export", "--format", "curl", "--pins", path, place)
    assert done.stdout.startswith(f'url = "https://{place}/"\n')


def test_what_six_learn_at_once_is_all_kept(
    world: LabPki, tlsight: Run, lab: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "pins.toml"
    hosts = [f"h{number}.com" for number in range(6)]
    with running(Origin({host: world.issue(host) for host in hosts})) as origin:

        def learn(host: str) -> int:
            where = f"127.0.0.1:{origin.port}"
            done = tlsight("pins", "learn", host, "--pins", path, "--connect", where, *lab)
            return done.returncode

        with ThreadPoolExecutor(len(hosts)) as pool:
            assert list(pool.map(learn, hosts)) == [0] * len(hosts)
    assert sorted(pin.host.text for pin in load_pins(path)) == hosts


@pytest.mark.parametrize(
    "words",
    [
        ("learn", "a.com", "--key", "root"),
        ("learn", "a.com", "--expires", "soon"),
        ("learn", "a.com", "--expires", "2020-01-01"),
        ("export", "--format", "cobol"),
        ("show",),
    ],
)
def test_mistakes_are_one_line_and_exit_2(
    tlsight: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = tlsight("pins", *words, "--pins", tmp_path / "missing.toml")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_an_export_is_only_the_consumers_text(
    pins: Pins, world: LabPki, tlsight: Run, tmp_path: Path
) -> None:
    pins(world.issue("a.com"), "learn", "a.com")
    path = tmp_path / "pins.toml"
    done = tlsight("pins", "export", "--format", "curl", "--pins", path)
    assert done.stdout.startswith('url = "https://a.com/"\npinnedpubkey = "sha256//')
    done = tlsight("pins", "export", "--format", "curl", "--pins", path, "b.com")
    assert done.returncode == 2
    done = tlsight(
        "pins", "export", "--format", "nginx-upstream", "--pins", path,
        "--dir", tmp_path, "--roots", tmp_path / "root.pem",
    )  # fmt: skip
    assert "nginx knows no key pins" in done.stderr
    assert (tmp_path / "a.com.pem").read_text() == world.root.pem
