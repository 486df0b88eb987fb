"""The table of public roots is rebuilt from downloads laid out as pip and Debian lay them."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from detector.knowledge.trust_tables import load_root_table
from detector.lab.pki import Authority

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_public_roots.py"
KEPT = Authority("Kept Root", days=9000)
DROPPED = Authority("Dropped Root", days=9000)
FROZEN = Authority("Frozen Root", days=9000)
MAIL = Authority("Some Root for letters", days=9000)
CHROMES = Authority("Root that Chrome alone keeps", days=9000)
CLOSED = Authority("Root that Chrome takes no fresh leaf of", days=9000)
BELOW = Authority("Intermediate named by Apple", parent=KEPT)
BLOCKED = Authority("Blocked Root", days=9000)
SIGNING = Authority("Example Code Signing Root", days=9000)


def digest(root: Authority) -> str:
    return sha256(root.der).hexdigest()


def certifi(folder: Path, version: str, *roots: Authority) -> None:
    with zipfile.ZipFile(folder / f"certifi-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("certifi/cacert.pem", "".join(root.pem for root in roots))


def sslyze(
    folder: Path,
    version: str,
    day: str,
    blocked: tuple[Authority, ...] = (),
    **stores: tuple[Authority, ...],
) -> None:
    """Without a day, as early versions were: bundles alone."""
    with tarfile.open(folder / f"sslyze-{version}.tar.gz", "w:gz") as archive:
        for name, roots in stores.items():
            listing = f"date_fetched: {day}\r\ntrusted_certificates_count: {len(roots)}\r\n"
            listing += "trusted_certificates:\r\n"
            for root in roots:
                listing += f"- subject_name: x\r\n  fingerprint: {digest(root)}\r\n"
            listing += "blocked_certificates_count: 0\r\nblocked_certificates: []\r\n"
            bundle = "".join(root.pem for root in (*roots, *blocked))
            add(archive, f"s/pem_files/{name}.pem", bundle)
            if day:
                add(archive, f"s/pem_files/{name}.yaml", listing)


def add(archive: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(text.encode())
    member.mtime = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
    archive.addfile(member, BytesIO(text.encode()))


def chrome(path: Path, *anchors: tuple[Authority, int | None]) -> None:
    text = "version_major: 33\n\n"
    for root, after in anchors:
        text += f'# CN=x\ntrust_anchors {{\n  sha256_hex: "{digest(root)}"\n'
        if after is not None:
            text += f"  constraints: {{\n    sct_not_after_sec: {after}\n  }}\n"
        text += "}\n\n"
    path.write_text(text)


def certdata(path: Path, root: Authority) -> None:
    """One root that Mozilla has for e-mail alone."""
    certificate = x509.load_der_x509_certificate(root.der)
    serial = b"\x02\x01" + bytes([certificate.serial_number & 0x7F])

    def octal(data: bytes) -> str:
        return "MULTILINE_OCTAL\n" + "".join(f"\\{byte:03o}" for byte in data) + "\nEND"

    subject = octal(certificate.issuer.public_bytes())
    path.write_text(
        "# a comment\nCKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE\n"
        f"CKA_ISSUER {subject}\nCKA_SERIAL_NUMBER {octal(serial)}\n"
        f"CKA_VALUE {octal(certificate.public_bytes(Encoding.DER))}\n\n"
        "CKA_CLASS CK_OBJECT_CLASS CKO_NSS_TRUST\n"
        f"CKA_ISSUER {subject}\nCKA_SERIAL_NUMBER {octal(serial)}\n"
        "CKA_TRUST_SERVER_AUTH CK_TRUST CKT_NSS_MUST_VERIFY_TRUST\n"
        "CKA_TRUST_EMAIL_PROTECTION CK_TRUST CKT_NSS_TRUSTED_DELEGATOR\n"
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sources")
    for name in ("certifi", "sslyze", "certdata", "chrome", "hand"):
        (folder / name).mkdir()
    certifi(folder / "certifi", "2020.1.1", KEPT, DROPPED, CHROMES, CLOSED)
    certifi(folder / "certifi", "2020.6.1", KEPT)
    certifi(folder / "certifi", "2026.10.18", KEPT)
    sslyze(folder / "sslyze", "1.0", "2020-01-16", oracle_java=(KEPT, FROZEN))
    sslyze(folder / "sslyze", "0.9", "", apple=(KEPT, BLOCKED))
    apple = (KEPT, MAIL, SIGNING, BELOW)
    sslyze(folder / "sslyze", "6.0", "2026-03-28", blocked=(BLOCKED,), apple=apple)
    chrome(
        folder / "chrome" / "2026-07-20 Chromium 150.textproto",
        (KEPT, 1813017599), (CHROMES, None), (CLOSED, 1719791999),
    )  # fmt: skip
    certdata(folder / "certdata" / "NSS 3.txt", MAIL)
    ends = folder / "hand" / "root_ends.toml"
    ends.write_text(
        f'[[root]]\nname = "Gone Root"\nsha256 = "{"ab" * 32}"\n'
        '[[end]]\nowner = "Gone"\nkind = "distrusted"\nuntil = 2011-07-09\n'
        f'source = "https://example.com"\nroots = ["{"ab" * 8}"]\n'
    )
    run = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), str(ends)], capture_output=True, check=True
    )
    path = folder / "public_roots.toml"
    path.write_bytes(run.stdout)
    return path, tomllib.loads(run.stdout.decode())


def test_a_root_of_todays_list_has_no_end(table: tuple[Path, dict[str, Any]]) -> None:
    found = load_root_table(table[0])
    assert digest(KEPT) in found
    assert found.end(digest(KEPT)) is None
    assert found.made.isoformat() == "2026-10-18"


def test_a_dropped_root_ends_between_two_lists(table: tuple[Path, dict[str, Any]]) -> None:
    end = load_root_table(table[0]).end(digest(DROPPED))
    assert end is not None
    assert (end.kind, str(end.seen), str(end.until)) == ("removed", "2020-01-01", "2020-06-01")


def test_where_a_programs_lists_stop_the_end_is_unknown(
    table: tuple[Path, dict[str, Any]],
) -> None:
    end = load_root_table(table[0]).end(digest(FROZEN))
    assert end is not None
    assert (end.kind, str(end.seen), end.until) == ("unknown", "2020-01-16", None)


def test_roots_for_email_and_for_code_are_left_out(table: tuple[Path, dict[str, Any]]) -> None:
    found = load_root_table(table[0])
    assert digest(MAIL) not in found
    assert digest(SIGNING) not in found


def test_intermediates_and_what_apple_blocks_are_left_out(
    table: tuple[Path, dict[str, Any]],
) -> None:
    found = load_root_table(table[0])
    assert digest(BELOW) not in found
    assert digest(BLOCKED) not in found


def test_what_no_store_ships_is_added_by_hand(table: tuple[Path, dict[str, Any]]) -> None:
    end = load_root_table(table[0]).end("ab" * 32)
    assert end is not None
    assert (end.kind, end.owner, str(end.until)) == ("distrusted", "Gone", "2011-07-09")
    assert any("versions of certifi" in name for name in table[1]["sources"])


def test_chrome_keeps_what_it_takes_fresh_leaves_of(table: tuple[Path, dict[str, Any]]) -> None:
    found = load_root_table(table[0])
    assert found.end(digest(CHROMES)) is None
    end = found.end(digest(CLOSED))
    assert end is not None
    assert str(end.seen) == "2020-01-01"
