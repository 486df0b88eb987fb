"""Settings as people write them, below a root of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.auditing.model import Setting
from detector.stores.settings import is_file_of_roots, read_settings
from detector.stores.survey import survey


@pytest.fixture
def home(tmp_path: Path) -> Path:
    found = tmp_path / "home" / "user"
    found.mkdir(parents=True)
    return found


def settings(root: Path, home: Path, **environment: str) -> dict[str, Setting]:
    found = read_settings(root, [home], environment)
    return {setting.key: setting for setting in reversed(found)}


def test_variables_are_read_and_missing_files_marked(tmp_path: Path, home: Path) -> None:
    there = tmp_path / "ca.pem"
    there.write_text("")
    found = settings(
        tmp_path, home, SSL_CERT_FILE=str(there), CURL_CA_BUNDLE="/gone.pem", NODE_ENV="x",
        JAVA_TOOL_OPTIONS=f'-Xmx1g -Djavax.net.ssl.trustStore="{there}"', HTTPS_PROXY="http://p",
    )  # fmt: skip
    assert not found["env:SSL_CERT_FILE"].missing
    assert is_file_of_roots(found["env:SSL_CERT_FILE"])
    assert found["env:CURL_CA_BUNDLE"].missing
    assert not is_file_of_roots(found["env:CURL_CA_BUNDLE"])
    assert found["java:javax.net.ssl.trustStore"].value == str(there)
    assert found["env:HTTPS_PROXY"].value == "http://p"
    assert "env:NODE_ENV" not in found


def test_a_folder_list_is_missing_only_when_every_part_is(tmp_path: Path, home: Path) -> None:
    assert not settings(tmp_path, home, SSL_CERT_DIR=f"/gone:{tmp_path}")[
        "env:SSL_CERT_DIR"
    ].missing
    assert settings(tmp_path, home, SSL_CERT_DIR="/gone:/away")["env:SSL_CERT_DIR"].missing


@pytest.mark.parametrize("value", ["x" * 5000, "~nobody-of-that-name/ca.pem", "a\x00b"])
def test_what_cannot_be_a_path_is_missing(tmp_path: Path, home: Path, value: str) -> None:
    assert settings(tmp_path, home, SSL_CERT_FILE=value)["env:SSL_CERT_FILE"].missing
    found = survey({"SSL_CERT_FILE": value}, (), datetime(2026, 1, 1, tzinfo=UTC), root=tmp_path)
    assert found.places == ()


def test_configuration_files_are_read(tmp_path: Path, home: Path) -> None:
    (home / ".npmrc").write_text('; comment\ncafile = "/etc/corp.pem"\nstrict-ssl=false\n')
    (home / ".curlrc").write_text("# x\n--insecure\ncacert = /etc/corp.pem\n")
    (home / ".condarc").write_text("channels:\n  - x\nssl_verify: false\n")
    (home / ".wgetrc").write_text("ca_certificate = /etc/corp.pem\n")
    pip = home / ".config" / "pip"
    pip.mkdir(parents=True)
    (pip / "pip.conf").write_text("[global]\ncert = /etc/corp.pem\ntrusted-host = a b\n")
    etc = tmp_path / "etc"
    (etc / "docker/certs.d/registry.corp").mkdir(parents=True)
    (etc / "docker/certs.d/registry.corp/ca.crt").write_text("")
    (etc / "environment").write_text('export REQUESTS_CA_BUNDLE="/etc/corp.pem"\nFOO\n')
    (etc / "corp.pem").write_text("")
    policies = etc / "firefox/policies"
    policies.mkdir(parents=True)
    (policies / "policies.json").write_text(
        '{"policies": {"Certificates": {"Install": ["corp.der", "/etc/corp.pem"]}}}'
    )
    found = settings(tmp_path, home)
    assert found["npmrc:cafile"] == Setting("npmrc:cafile", "/etc/corp.pem", str(home / ".npmrc"))
    assert found["npmrc:strict-ssl"].value == "false"
    assert found["curlrc:insecure"].value == ""
    assert found["curlrc:cacert"].value == "/etc/corp.pem"
    assert found["condarc:ssl_verify"].value == "false"
    assert found["wgetrc:ca_certificate"].value == "/etc/corp.pem"
    assert found["pip:global.cert"].value == "/etc/corp.pem"
    assert found["pip:global.trusted-host"].value == "a b"
    assert found["docker:certs.d"].value.endswith("registry.corp/ca.crt")
    assert found["env:REQUESTS_CA_BUNDLE"].where == str(etc / "environment")
    assert found["firefox:Certificates.Install"].value == "corp.der"


@pytest.mark.parametrize(
    "name", [".npmrc", ".curlrc", ".condarc", ".wgetrc", ".config/pip/pip.conf"]
)
@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"=\n:\n-\n", b"[", b"x" * 5000, b"[a\n=b"])
def test_broken_files_are_passed_over(tmp_path: Path, home: Path, name: str, data: bytes) -> None:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    policies = tmp_path / "etc/firefox/policies"
    policies.mkdir(parents=True)
    (policies / "policies.json").write_bytes(data)
    assert settings(tmp_path, home) == {}
