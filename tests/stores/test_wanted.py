"""Which names of a file are a key that somebody asks for."""

from __future__ import annotations

import pytest

from detector.knowledge.trust_tables import SettingKind
from detector.model.programs import Program, ProgramSetting, Unsafe
from detector.stores.wanted import Wanted, by_program_key

KEYS = (
    "git:http.sslcainfo",
    "kube:clusters[].cluster.ca",
    "poetry:certificates.NAME.cert",
    "apt:Acquire::https::CaInfo",
    "other:x",
)
PROGRAM = Program(
    "p", "p", "x", (), (), setting=tuple(ProgramSetting(key, "replaces") for key in KEYS),
    unsafe=(Unsafe("env:OFF"),),
)  # fmt: skip
KINDS = (
    SettingKind("git", "ini", ("~/a",), keys=("http.proxy",)),
    SettingKind("kubeconfig", "yaml", ("~/a",), also=("kube",)),
    SettingKind("poetry", "toml", ("~/a",), spelled={"k": "insecure"}),
    SettingKind("apt", "apt", ("/a",)),
)
WANTED = Wanted(KINDS, (PROGRAM,), ("ALL",))


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("git", ("http", "sslCAInfo"), ("git:http.sslcainfo", "")),
        ("git", ("http", "https://a.b/", "sslcainfo"), ("git:http.sslcainfo", "https://a.b/")),
        ("git", ("http", "proxy"), ("git:http.proxy", "")),
        ("git", ("https", "proxy"), None),
        ("git", (), None),
        ("kubeconfig", ("clusters", "cluster", "ca"), ("kube:clusters[].cluster.ca", "")),
        ("poetry", ("certificates", "corp", "cert"), ("poetry:certificates.NAME.cert", "corp")),
        ("poetry", ("cert",), None),
        ("poetry", ("k",), ("poetry:insecure", "")),
        ("apt", ("Acquire", "https", "cainfo"), ("apt:Acquire::https::CaInfo", "")),
        ("nobodys", ("x",), None),
    ],
)
def test_a_name_is_a_key_when_its_parts_are_there_in_order(
    kind: str, path: tuple[str, ...], expected: tuple[str, str] | None
) -> None:
    keys, scope = WANTED.match(kind, path)
    assert (keys, scope) == (((expected[0],), expected[1]) if expected else ((), ""))


def test_variables_are_those_of_programs_and_the_further_ones() -> None:
    assert list(WANTED.variables) == ["OFF", "ALL"]


def test_keys_that_name_files_say_when() -> None:
    assert by_program_key((PROGRAM,))["git:http.sslcainfo"] == [("file", "")]


def test_a_key_that_two_programs_spell_by_another_kind_is_both_of_theirs() -> None:
    two = Program(
        "q", "q", "x", (), (),
        setting=(ProgramSetting("kube:a.b", "adds"), ProgramSetting("kubeconfig:a.b", "adds")),
    )  # fmt: skip
    keys, _ = Wanted(KINDS, (two,), ()).match("kubeconfig", ("a", "b"))
    assert set(keys) == {"kube:a.b", "kubeconfig:a.b"}
