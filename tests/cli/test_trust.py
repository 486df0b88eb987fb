"""`tlsight trust` over a tree of files, as an unattended agent runs it."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path

import pytest

from detector.chain.certificate import Certificate
from detector.knowledge.roots import public_roots
from detector.lab.pki import Authority
from tests.cli.conftest import Run


@pytest.fixture
def tree(tmp_path: Path, corporate: Authority) -> Path:
    """A machine with one public root and one of somebody's own."""
    root = tmp_path / "machine"
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True)
    import ssl

    public = ssl.DER_cert_to_PEM_cert(public_roots().certificates[0].der)
    bundle.write_text(public + corporate.pem)
    (root / "home/user").mkdir(parents=True)
    (root / "home/user/.npmrc").write_text("strict-ssl=false\n")
    return root


def test_what_stands_out_comes_first_and_the_exit_code_is_1(tlsight: Run, tree: Path) -> None:
    done = tlsight("trust", "--root", tree)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("✗ strict-ssl in")
    assert "CN=Example Corp CA" in done.stdout
    assert "no public program has this root" in done.stdout
    assert done.stderr == ""


def test_json_holds_places_tools_settings_and_findings(
    tlsight: Run, tree: Path, corporate: Authority
) -> None:
    record = json.loads(tlsight("trust", "--root", tree, "--json").stdout)
    assert record["schema"] == "tlsight.trust/1"
    (place,) = record["places"]
    assert (place["kind"], place["count"]) == ("os", 2)
    (root,) = place["roots"]
    assert root["sha256"] == Certificate(corporate.der).sha256
    assert (root["can"], root["public"], root["key"]) == (
        "vouch for any site",
        False,
        "EC secp256r1",
    )
    assert [f["id"] for f in record["findings"]] == ["verification-off", "local-root"]
    everything = json.loads(tlsight("trust", "--root", tree, "--json", "--all").stdout)
    assert len(everything["places"][0]["roots"]) == 2


def test_a_policy_that_declares_the_root_makes_it_a_note(
    tlsight: Run, tree: Path, tmp_path: Path, corporate: Authority
) -> None:
    (tree / "home/user/.npmrc").unlink()
    policy = tmp_path / "policy.toml"
    key = Certificate(corporate.der).spki_sha256
    policy.write_text(f'[[private]]\nspki = "{key}"\nnames = [".corp.example"]\n')
    done = tlsight("trust", "--root", tree, "--policy", policy)
    assert done.returncode == 0
    assert done.stdout.startswith("✓ nothing stands out\n")
    assert tlsight("trust", "--root", tree, "--policy", policy, "--fail-on", "note").returncode == 1


def test_the_line_of_the_page_looks_at_the_same_again(
    tlsight: Run, tree: Path, tmp_path: Path, corporate: Authority
) -> None:
    page, more = tmp_path / "trust.html", tmp_path / "one more.pem"
    more.write_text(corporate.pem)
    home = tree / "home/user"
    told = tlsight(
        "trust", "--root", tree, "--home", home, "--also", more, "--all", "--json", "--html", page
    )
    (line,) = re.findall("Looks at the same again: (.*?)</li>", page.read_text())
    words = shlex.split(html.unescape(line))
    before, after = (json.loads(one) for one in (told.stdout, tlsight(*words[1:], "--json").stdout))
    for part in ("places", "settings", "findings", "tools"):
        assert after[part] == before[part], part


def test_settings_of_this_machine_are_read_and_secrets_are_not_shown(tlsight: Run) -> None:
    proxy = {"HTTPS_PROXY": "http://user:hush@proxy.corp:3128"}
    done = tlsight("trust", "--json", **proxy)
    settings = {s["key"]: s["value"] for s in json.loads(done.stdout)["settings"]}
    assert settings["env:HTTPS_PROXY"] == "http://***@proxy.corp:3128"
    text = tlsight("trust", "--all", **proxy).stdout
    assert "hush" not in done.stdout + text
    assert "hush" not in tlsight("trust", "--sarif", **proxy).stdout


@pytest.mark.parametrize(
    "words",
    [
        ("--root", "/nowhere"), ("--also", "/nowhere.jks"), ("--home", "/nowhere"),
        ("--fail-on", "panic"), ("--published-keys", "/nowhere.toml"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_exit_2(tlsight: Run, words: tuple[str, ...]) -> None:
    done = tlsight("trust", *words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
