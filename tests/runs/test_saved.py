import re
from dataclasses import replace
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.lab.pki import LabPki
from detector.model.observation import Alert, Failure, Observation, Target
from detector.runs.saved import encode_observation, load_observations
from tests.conftest import NOW, Observe


def test_what_was_saved_loads_back_equal(pki: LabPki, observe: Observe, tmp_path: Path) -> None:
    made = [
        observe("a.com", pki.issue("a.com"), client_bytes=b"\x16\x03", ms={"tls": 1.5}),
        observe(
            "b.com", [], handshake=None, failure=Failure("tls", "not-tls", "x"),
            alerts=(Alert("server", 40, "handshake_failure", True),), ocsp=b"\x00",
        ),
    ]  # fmt: skip
    path = tmp_path / "saved.ndjson"
    path.write_bytes(b"".join(encode_observation(o) + b"\n" for o in made) + b"\n")
    assert load_observations(path) == made


def test_a_pem_chain_is_an_observation_of_its_first_name(pki: LabPki, tmp_path: Path) -> None:
    path = tmp_path / "chain.pem"
    path.write_text(pki.issue("*.a.com").chain_pem)
    (found,) = load_observations(path, at=NOW)
    assert (found.target.host, found.at, len(found.chain)) == ("a.com", NOW, 2)
    assert found.handshake is None
    assert load_observations(path, "www.a.com")[0].target.host == "www.a.com"


def test_one_der_certificate_will_do(pki: LabPki, tmp_path: Path) -> None:
    path = tmp_path / "leaf.der"
    path.write_bytes(pki.issue("a.com").der)
    assert load_observations(path)[0].target.host == "a.com"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "neither a saved observation nor a certificate"),
        (b"", "neither a saved observation nor a certificate"),
        (b"{}\n", ":1: no observation"),
        (b'{"schema": 1}', ":1: no observation"),
        (b"{\xff", ":1: no observation"),
        (b"-----BEGIN CERTIFICATE-----\n%%%%", "without an end"),
        (b"\x30\x03abc", "DER element"),
    ],
)
def test_what_is_none_is_one_clear_line(tmp_path: Path, data: bytes, complaint: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_observations(path)
    assert "\n" not in str(caught.value)


def test_records_of_check_json_are_told_from_observations(
    pki: LabPki, observe: Observe, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.ndjson"
    line = encode_observation(observe("a.com", pki.issue("a.com")))
    path.write_bytes(line.replace(b"tlsight.observation/1", b"tlsight.check/1"))
    with pytest.raises(ConfigError, match="save with check --save"):
        load_observations(path)


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_observations(tmp_path / "nowhere")


def test_observations_stay_plain_values(observe: Observe) -> None:
    assert Observation.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_failures_of_earlier_versions_are_read(tmp_path: Path) -> None:
    line = (
        b'{"at":"2026-01-01T00:00:00Z","target":{"host":"a.com"},"schema":"tlsight.observation/1",'
        b'"failure":{"step":"tls","cause":"not-tls","text":"the peer does not speak TLS: SSH"}}\n'
    )
    path = tmp_path / "old.ndjson"
    path.write_bytes(line)
    (seen,) = load_observations(path)
    assert seen.failure == Failure("tls", "not-tls", "the peer does not speak TLS: SSH")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"target": Target("\x1b[31mevil")}, "is no host name"),
        ({"target": Target("a.com", 70_000)}, "port 70000"),
        ({"at": NOW.replace(year=1)}, "time before 1990"),
        ({"at": NOW.replace(tzinfo=None)}, "time without zone"),
        ({"failure": Failure("tls", "of-a-later-version", "x")}, "no cause 'of-a-later-version'"),
    ],
)
def test_what_no_probe_has_written_is_refused_with_its_line(
    pki: LabPki, observe: Observe, tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    good = observe("a.com", pki.issue("a.com"))
    path = tmp_path / "saved.ndjson"
    lines = [encode_observation(one) for one in (good, replace(good, **changes))]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(ConfigError, match=re.escape(why)) as caught:
        load_observations(path)
    assert f"{path}:2" in str(caught.value)


def test_a_host_is_read_as_everybody_writes_it(
    pki: LabPki, observe: Observe, tmp_path: Path
) -> None:
    path = tmp_path / "saved.ndjson"
    seen = observe("a.com", pki.issue("a.com"), target=Target("WWW.Apple.com."))
    path.write_bytes(encode_observation(seen))
    assert load_observations(path)[0].target.host == "www.apple.com"
