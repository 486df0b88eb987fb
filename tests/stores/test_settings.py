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
        tmp_path, home, NODE_EXTRA_CA_CERTS=str(there), CURL_CA_BUNDLE="/gone.pem", NODE_ENV="x",
        JAVA_TOOL_OPTIONS=f'-Xmx1g -Djavax.net.ssl.trustStore="{there}"', HTTPS_PROXY="http://p",
    )  # fmt: skip
    assert not found["env:NODE_EXTRA_CA_CERTS"].missing
    assert is_file_of_roots(found["env:NODE_EXTRA_CA_CERTS"])
    assert found["env:CURL_CA_BUNDLE"].missing
    assert not is_file_of_roots(found["env:CURL_CA_BUNDLE"])
    assert found["env:JAVA_TOOL_OPTIONS"].names == str(there)
    assert found["env:HTTPS_PROXY"].value == "http://p"
    assert "env:NODE_ENV" not in found


def test_a_folder_list_is_missing_only_when_every_part_is(tmp_path: Path, home: Path) -> None:
    assert not settings(tmp_path, home, SSL_CERT_DIR=f"/gone:{tmp_path}")[
        "env:SSL_CERT_DIR"
    ].missing
    assert settings(tmp_path, home, SSL_CERT_DIR="/gone:/away")["env:SSL_CERT_DIR"].missing


@pytest.mark.parametrize("value", ["x" * 5000, "~nobody-of-that-name/ca.pem", "a\x00b"])
def test_what_cannot_be_a_path_is_missing(tmp_path: Path, home: Path, value: str) -> None:
    assert settings(tmp_path, home, NODE_EXTRA_CA_CERTS=value)["env:NODE_EXTRA_CA_CERTS"].missing
    found = survey({"CURL_CA_BUNDLE": value}, (), datetime(2026, 1, 1, tzinfo=UTC), root=tmp_path)
    assert found.places == ()


def test_a_file_of_variables_says_line_and_the_home_that_it_means(
    tmp_path: Path, home: Path
) -> None:
    (home / "ca.pem").write_text("")
    (home / ".bashrc").write_text('# remark\nexport NODE_EXTRA_CA_CERTS="$HOME/ca.pem"\n')
    found = settings(tmp_path, home)["env:NODE_EXTRA_CA_CERTS"]
    assert (found.where, found.line) == (str(home / ".bashrc"), 2)
    assert (found.names, found.missing) == (str(home / "ca.pem"), False)


def test_a_units_variables_are_its_services_alone(tmp_path: Path, home: Path) -> None:
    units = tmp_path / "etc/systemd/system"
    (units / "docker.service.d").mkdir(parents=True)
    (units / "docker.service.d/proxy.conf").write_text(
        "[Service]\nEnvironment=HTTPS_PROXY=http://p:1\n"
    )
    found = settings(tmp_path, home)["env:HTTPS_PROXY"]
    assert (found.scope, found.line) == ("docker.service.d", 2)


def test_what_is_set_for_one_host_says_for_whom(tmp_path: Path, home: Path) -> None:
    (tmp_path / "etc/docker/certs.d/registry.corp").mkdir(parents=True)
    (tmp_path / "etc/docker/certs.d/registry.corp/ca.crt").write_text("")
    found = settings(tmp_path, home)["docker:certs.d"]
    assert found.scope == "registry.corp"
    assert found.value.endswith("registry.corp/ca.crt")


def test_a_projects_files_count_where_it_is_asked_about(tmp_path: Path, home: Path) -> None:
    project = home / "project"
    project.mkdir()
    (project / ".npmrc").write_text("https-proxy=http://p:1\n")
    assert read_settings(tmp_path, [home], {}) == ()
    (found,) = read_settings(tmp_path, [home], {}, project)
    assert found.where == str(project / ".npmrc")


def test_a_variable_names_a_file_on_this_machine(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "own.conf"
    path.write_text("[global]\nproxy = http://p:1\n")
    assert "pip:global.proxy" in settings(tmp_path, home, PIP_CONFIG_FILE=str(path))


def test_an_included_file_is_read_and_a_loop_of_them_ends(tmp_path: Path, home: Path) -> None:
    (home / ".gitconfig").write_text("[include]\n\tpath = more\n")
    (home / "more").write_text(
        '[include]\npath = .gitconfig\n[http "https://host/"]\n\tproxy = http://p:1\n'
    )
    found = [one for one in read_settings(tmp_path, [home], {}) if one.key == "git:http.proxy"]
    assert {(one.where, one.line, one.scope) for one in found} == {
        (str(home / "more"), 4, "https://host/")
    }


@pytest.mark.parametrize(
    "name", [".npmrc", ".curlrc", ".condarc", ".wgetrc", ".config/pip/pip.conf", ".kube/config"]
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


def test_no_link_of_an_image_leads_out_of_it(tmp_path: Path) -> None:
    """However many links there are in between: after the last that is followed there is nothing."""
    outside = tmp_path / "outside"
    outside.write_text("proxy=http://secret:1\n")
    image = tmp_path / "image"
    home = image / "home/user"
    home.mkdir(parents=True)
    (image / "l0").symlink_to(outside)
    for number in range(60):
        (image / f"l{number + 1}").symlink_to(f"/l{number}")
    for name in ("l0", "l5", "l60"):
        link = home / ".npmrc"
        link.unlink(missing_ok=True)
        link.symlink_to(f"/{name}")
        assert settings(image, home) == {}
    (home / ".npmrc").unlink()
    (home / ".npmrc").symlink_to("../../../../../../outside")
    assert settings(image, home) == {}
