"""Which store a program goes by; the shipped rows against what their programs really do is in tests/live."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from detector.auditing.model import Place, Setting, StoreChoice, Survey
from detector.auditing.precedence import applies, choice_of, tool_trust, unsafe_of
from detector.knowledge.trust_tables import public_roots
from detector.model.programs import Program, ProgramSetting, Reads, Unsafe

OS = (Reads("os", "the system's bundle"),)
CURL = Program(
    "curl", "curl", "transfer", (), OS, ("curl",),
    setting=(
        ProgramSetting("curlrc:cacert", "replaces"),
        ProgramSetting("env:CURL_CA_BUNDLE", "replaces"),
        ProgramSetting("env:SSL_CERT_FILE", "replaces"),
        ProgramSetting("env:SSL_CERT_DIR", "adds", "folder"),
    ),
)  # fmt: skip
NODE = Program(
    "node", "Node.js", "runtime", (), (Reads("node", "built-in roots"),), ("node",),
    setting=(
        ProgramSetting("env:NODE_OPTIONS", "switches", "flag", ".*--use-openssl-ca.*", "os"),
        ProgramSetting("env:SSL_CERT_FILE", "replaces", needs="env:NODE_OPTIONS"),
        ProgramSetting("env:NODE_EXTRA_CA_CERTS", "adds"),
    ),
    unsafe=(Unsafe("env:NODE_TLS_REJECT_UNAUTHORIZED", "0"),),
)  # fmt: skip
NPM = Program(
    "npm", "npm", "package manager", (), (), ("npm",), under="node",
    setting=(ProgramSetting("npmrc:cafile", "replaces"), ProgramSetting("npmrc:ca", "adds")),
)  # fmt: skip
GIT = Program(
    "git", "git", "vcs", (), OS, setting=(ProgramSetting("git:http.sslcainfo", "replaces"),)
)
PROGRAMS = {program.id: program for program in (CURL, NODE, NPM, GIT)}


def env(name: str, value: str, where: str = "environment", **more: object) -> Setting:
    return Setting(f"env:{name}", value, where, names=value, **more)  # type: ignore[arg-type]


def survey(*settings: Setting, installed: tuple[str, ...] = ("curl", "node")) -> Survey:
    places = (Place("java", "/cacerts"), Place("os", "/bundle"))
    return Survey(datetime(2026, 1, 1, tzinfo=UTC), places, settings, frozenset(installed))


def counting(choice: StoreChoice) -> list[str]:
    return [use.setting.value for use in choice.uses if use.counts]


def test_without_settings_the_default_counts() -> None:
    curl, node = tool_trust(PROGRAMS, survey())
    assert (curl.path, curl.because) == ("/bundle", "default")
    assert (node.path, node.adds) == ("built-in roots", ())


def test_the_strongest_setting_wins_and_others_add() -> None:
    settings = (
        env("SSL_CERT_FILE", "/weak"),
        env("CURL_CA_BUNDLE", "/strong", "/etc/environment", line=3),
        env("NODE_EXTRA_CA_CERTS", "/extra"),
    )
    curl, node = tool_trust(PROGRAMS, survey(*settings))
    assert (curl.path, curl.because) == ("/strong", "CURL_CA_BUNDLE in /etc/environment:3")
    assert node.adds == ("/extra",)


def test_a_folder_counts_beside_the_file_that_replaces() -> None:
    settings = (env("SSL_CERT_FILE", "/file"), env("SSL_CERT_DIR", "/folder"))
    assert counting(choice_of(CURL, PROGRAMS, settings)) == ["/file", "/folder"]


def test_the_loser_says_what_is_stronger() -> None:
    settings = (env("SSL_CERT_FILE", "/weak"), env("CURL_CA_BUNDLE", "/strong"))
    strong, weak = choice_of(CURL, PROGRAMS, settings).uses
    assert (strong.counts, weak.counts, weak.why) == (True, False, "CURL_CA_BUNDLE is stronger")


def test_of_one_setting_the_first_place_counts_and_in_a_file_the_last_line() -> None:
    settings = (
        env("SSL_CERT_FILE", "/mine"),
        env("SSL_CERT_FILE", "/early", "/rc", line=1),
        env("SSL_CERT_FILE", "/late", "/rc", line=2),
    )
    assert counting(choice_of(CURL, PROGRAMS, settings)) == ["/mine"]
    assert counting(choice_of(CURL, PROGRAMS, settings[1:])) == ["/late"]


def test_a_setting_that_needs_another_counts_beside_it_alone() -> None:
    file = env("SSL_CERT_FILE", "/file")
    assert counting(choice_of(NODE, PROGRAMS, (file,))) == []
    options = env("NODE_OPTIONS", "--use-openssl-ca --inspect")
    assert counting(choice_of(NODE, PROGRAMS, (file, options))) == [options.value, "/file"]
    other = env("NODE_OPTIONS", "--inspect")
    assert counting(choice_of(NODE, PROGRAMS, (file, other))) == []


def test_what_a_program_runs_on_counts_unless_its_own_setting_takes_its_place() -> None:
    extra = env("NODE_EXTRA_CA_CERTS", "/extra")
    choice = choice_of(NPM, PROGRAMS, (extra,))
    assert counting(choice) == ["/extra"]
    assert choice.default == NODE.reads[0]
    cafile = Setting("npmrc:cafile", "/own", "/root/.npmrc", names="/own")
    ca = Setting("npmrc:ca", "PEM", "/root/.npmrc")
    assert counting(choice_of(NPM, PROGRAMS, (extra, cafile, ca))) == ["/own"]


def test_a_folder_goes_with_its_file_and_with_no_stronger_variable() -> None:
    folder = env("SSL_CERT_DIR", "/folder")
    assert counting(choice_of(CURL, PROGRAMS, (env("CURL_CA_BUNDLE", "/own"), folder))) == ["/own"]
    assert counting(choice_of(CURL, PROGRAMS, (folder,))) == ["/folder"]


def test_what_is_for_one_host_counts_for_it_alone() -> None:
    corp = Setting("git:http.sslcainfo", "/corp", "/rc", names="/corp", scope="https://git.corp/")
    assert counting(choice_of(GIT, PROGRAMS, (corp,))) == []
    assert counting(choice_of(GIT, PROGRAMS, (corp,), host="git.corp")) == ["/corp"]
    assert counting(choice_of(GIT, PROGRAMS, (corp,), host="other.example")) == []


def test_a_services_variables_are_no_other_programs() -> None:
    daemon = env("SSL_CERT_FILE", "/file", "/etc/unit", scope="docker.service.d")
    assert counting(choice_of(CURL, PROGRAMS, (daemon,))) == []
    docker = Program("docker", "Docker", "container", (), OS, ("dockerd",), setting=CURL.setting)
    assert counting(choice_of(docker, PROGRAMS, (daemon,))) == ["/file"]


def test_unsafe_settings_of_what_is_beneath_are_told() -> None:
    off = env("NODE_TLS_REJECT_UNAUTHORIZED", "0")
    on = env("NODE_TLS_REJECT_UNAUTHORIZED", "1")
    assert unsafe_of(NPM, PROGRAMS, (off,)) == (off,)
    assert unsafe_of(NPM, PROGRAMS, (on,)) == ()


@pytest.mark.parametrize(
    ("since", "until", "version", "counts"),
    [
        ("3.13", "", "3.13.1", True), ("3.13", "", "3.9", False), ("", "24.2", "24.1", True),
        ("", "24.2", "24.2", False), ("", "24.2", "", False), ("99", "", "", True),
    ],
)  # fmt: skip
def test_versions_are_compared_by_number_and_unknown_is_newest(
    since: str, until: str, version: str, counts: bool
) -> None:
    assert applies("", since, until, "linux", version) == counts
    assert not applies("windows", since, until, "linux", version)


def test_programs_that_are_not_installed_are_left_out() -> None:
    assert [t.tool for t in tool_trust(PROGRAMS, survey(installed=("node",)))] == ["Node.js"]


def test_the_table_of_public_roots_holds_certifis_own() -> None:
    from detector.knowledge.roots import public_roots as certifi

    digests = {root.sha256 for root in certifi().certificates}
    missing = digests - set(public_roots())
    # certifi may be newer than the table; its roots are public by themselves.
    assert len(missing) < 20
    assert len(public_roots()) > 400
