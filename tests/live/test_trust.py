"""The audit over real stores: NSS's certutil, Java's keytool, fresh Firefox and Chromium profiles."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from detector.auditing.audit import audit
from detector.auditing.model import Place, TrustKnowledge
from detector.chain.certificate import Certificate
from detector.knowledge.assemble import assemble
from detector.knowledge.trust_tables import public_roots
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority
from detector.stores.survey import survey
from tests.cli.conftest import Run
from tests.live.programs import find

pytestmark = pytest.mark.live
AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return assemble(local=False)


def run(*words: str | Path, home: Path | None = None) -> None:
    environment = {**os.environ, "HOME": str(home)} if home else None
    subprocess.run(
        [str(word) for word in words], check=True, capture_output=True, timeout=100, env=environment
    )


def nss_database(folder: Path, **authorities: Authority) -> Path:
    folder.mkdir(parents=True)
    run(find("certutil"), "-N", "-d", f"sql:{folder}", "--empty-password")
    for name, authority in authorities.items():
        pem = folder / f"{name}.pem"
        pem.write_text(authority.pem)
        run(
            find("certutil"), "-A", "-d", f"sql:{folder}", "-n", name, "-t", "C,,", "-a",
            "-i", pem,
        )  # fmt: skip
    return folder


def keystore(path: Path, kind: str, **authorities: Authority) -> Path:
    for name, authority in authorities.items():
        pem = path.with_name(f"{name}.pem")
        pem.write_text(authority.pem)
        run(
            find("keytool"), "-importcert", "-noprompt", "-keystore", path, "-storetype", kind,
            "-storepass", "changeit", "-alias", name, "-file", pem,
        )  # fmt: skip
    return path


def planted(published: Path) -> dict[str, Authority]:
    """An interceptor by name, a published key by configuration, and somebody's own root."""
    leaked = Authority("Shared Router CA")
    digest = Certificate(leaked.der).spki_sha256
    published.write_text(
        f'[[key]]\nname = "Shared Router CA"\nspki_sha256 = "{digest}"\nsource = "lab"\n'
    )
    return {
        "mitm": Authority("mitmproxy", organization="mitmproxy", profile=False),
        "leaked": leaked,
        "own": Authority("Example Corp CA", organization="Example Corp"),
    }


def findings(done: subprocess.CompletedProcess[str], path: Path) -> dict[str, str]:
    record: dict[str, Any] = json.loads(done.stdout)
    return {f["id"]: f["level"] for f in record["findings"] if f["path"] == str(path)}


EXPECTED = {
    "published-key": "error",
    "interceptor-root": "warning",
    "local-root": "warning",
}


def test_three_kinds_of_root_are_found_in_an_nss_database(tlsight: Run, tmp_path: Path) -> None:
    roots = planted(tmp_path / "published.toml")
    home = tmp_path / "home"
    folder = nss_database(home / ".pki/nssdb", **roots)
    done = tlsight(
        "trust", "--root", tmp_path, "--home", home, "--json",
        "--published-keys", tmp_path / "published.toml",
    )  # fmt: skip
    assert done.returncode == 1
    assert findings(done, folder / "cert9.db") == EXPECTED


@pytest.mark.parametrize("kind", ["JKS", "PKCS12"])
def test_three_kinds_of_root_are_found_in_a_java_keystore(
    tlsight: Run, tmp_path: Path, kind: str
) -> None:
    roots = planted(tmp_path / "published.toml")
    path = keystore(tmp_path / f"trust.{'jks' if kind == 'JKS' else 'p12'}", kind, **roots)
    empty = tmp_path / "empty"
    empty.mkdir()
    done = tlsight(
        "trust", "--root", empty, "--also", path, "--json",
        "--published-keys", tmp_path / "published.toml",
    )  # fmt: skip
    assert findings(done, path) == EXPECTED
    sarif = json.loads(
        tlsight(
            "trust", "--root", empty, "--also", path, "--sarif",
            "--published-keys", tmp_path / "published.toml",
        ).stdout
    )  # fmt: skip
    results = sarif["runs"][0]["results"]
    assert {(r["ruleId"], r["level"]) for r in results} == set(EXPECTED.items())
    uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results}
    assert uris == {path.as_uri()}


def test_a_keystore_with_another_password_is_told(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "own.jks"
    run(
        find("keytool"), "-genkeypair", "-keystore", path, "-storetype", "PKCS12", "-keyalg", "EC",
        "-storepass", "secret99", "-alias", "x", "-dname", "CN=x",
    )  # fmt: skip
    empty = tmp_path / "empty"
    empty.mkdir()
    words = ("trust", "--root", empty, "--also", path, "--json")
    done = tlsight(*words)
    assert findings(done, path) == {"unread-store": "note"}
    assert done.returncode == 0
    done = tlsight(*words, TLSIGHT_KEYSTORE_PASSWORD="secret99")
    assert findings(done, path) == {}
    assert "secret99" not in done.stdout + done.stderr


def test_no_program_of_an_image_is_ever_run(tlsight: Run, tmp_path: Path) -> None:
    image = tmp_path / "image"
    jdk = image / "usr/lib/jvm/evil"
    (jdk / "bin").mkdir(parents=True)
    (jdk / "lib/security").mkdir(parents=True)
    trap = jdk / "bin/keytool"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    keystore(jdk / "lib/security/cacerts", "JKS", own=Authority("Own"))
    for words in (("--root", image), ("--root", image, "--also", jdk / "lib/security/cacerts")):
        done = tlsight("trust", *words, "--json", JAVA_HOME=str(jdk))
        assert "local-root" in done.stdout
        tlsight("trust", *words, PATH="/nowhere")
    assert not (tmp_path / "sprung").exists()


@pytest.fixture
def home() -> Iterator[Path]:
    """Not below pytest's folder: browsers want a short path for their sockets."""
    folder = Path(tempfile.mkdtemp(prefix="home-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def alarms(places: tuple[Place, ...], knowledge: Knowledge) -> list[str]:
    known = TrustKnowledge(knowledge, public_roots(), AT.date())
    found = audit(survey_of(places), known)
    return [f"{f.id} {f.path} {f.text}" for f in found if f.level != "note"]


def survey_of(places: tuple[Place, ...]) -> Any:
    from detector.auditing.model import Survey

    return Survey(AT, places, (), frozenset())


def test_fresh_profiles_of_firefox_and_chromium_raise_no_alarm(
    home: Path, knowledge: Knowledge
) -> None:
    profile = home / ".mozilla/firefox/fresh"
    profile.mkdir(parents=True)
    run(
        find("firefox-esr"), "--headless", "--no-remote", "--profile", profile,
        "--screenshot", home / "f.png", "about:blank", home=home,
    )  # fmt: skip
    run(
        find("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", f"--user-data-dir={home}/chromium", "--dump-dom", "about:blank",
        home=home,
    )  # fmt: skip
    nss_database(home / ".pki/empty")
    found = survey({}, (), AT, root=home, homes=[home])
    paths = {place.path for place in found.places}
    assert str(profile / "cert9.db") in paths
    assert alarms(found.places, knowledge) == []


def test_debians_and_javas_own_roots_raise_no_alarm(knowledge: Knowledge) -> None:
    """What the packages brought, without what this machine's administrator added."""
    debian = Path("/usr/share/ca-certificates/mozilla")
    bundle = "".join(path.read_text() for path in sorted(debian.glob("*.crt")))
    assert bundle.count("BEGIN") > 100
    from detector.stores.reading import roots_of

    roots, trouble = roots_of(bundle.encode())
    assert trouble is None
    assert alarms((Place("os", str(debian), roots),), knowledge) == []
    added = {der for path in Path("/usr/local/share/ca-certificates").rglob("*.crt")
             for der in (root.certificate.der for root in roots_of(path.read_bytes())[0])}  # fmt: skip
    found = survey({}, (), AT, homes=[])
    stock = {root.certificate.der for root in roots}
    java = [place for place in found.places if place.kind == "java"]
    node = [place for place in found.places if place.kind == "node"]
    assert java
    assert node
    for place in (*java, *node):
        assert len(place.roots) > 100
        packaged = tuple(
            root
            for root in place.roots
            if root.certificate.der not in added
            and (place.kind == "node" or root.certificate.der in stock)
        )
        assert alarms((Place(place.kind, place.path, packaged),), knowledge) == []
