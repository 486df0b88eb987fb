"""Write detector/data/public_roots.toml: digests of all roots that a public program has or had.

    python scripts/make_public_roots.py CERTIFI_FOLDER STORES_FOLDER > detector/data/public_roots.toml

CERTIFI_FOLDER holds downloads of many versions of certifi (`pip download --no-deps certifi==...`),
which are Mozilla's program over time; STORES_FOLDER the lists of the other programs' roots as
trust_stores_observatory (github.com/nabla-c0d3) writes them, YAML with name and digest.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from detector.chain.certificate import Certificate, split_pem

_HEAD = """# Roots that a public program trusts or once trusted, by the SHA-256 of their certificate.
# A root that is not here, and not in certifi, somebody added. Written by scripts/make_public_roots.py.
"""
_SOURCES = {
    "apple": "Apple, iOS 26 and macOS 26: support.apple.com/en-us/126047",
    "google_aosp": "Android 16: android.googlesource.com/platform/system/ca-certificates",
    "microsoft_windows": "Microsoft: CCADB report IncludedCACertificateReportForMSFT, 2026-03",
    "mozilla_nss": "Mozilla, 2026-03: certdata.txt of mozilla-central",
    "openjdk": "OpenJDK 17.0.2: lib/security/cacerts",
    "oracle_java": "Oracle JDK 13.0.2: lib/security/cacerts",
}


def main(certifi: str, stores: str) -> None:
    print(_HEAD)
    seen: set[str] = set()
    versions = sorted(Path(certifi).iterdir())
    write("Mozilla over time: certifi 14.5.14 to 2026.10.18", mozilla(versions), seen)
    for name, source in _SOURCES.items():
        write(source, listed(Path(stores, f"{name}.yaml").read_text()), seen)


def write(source: str, roots: dict[str, str], seen: set[str]) -> None:
    """Roots that no section above has."""
    fresh = {digest: name for digest, name in roots.items() if digest not in seen}
    seen.update(fresh)
    print(f"[[program]]\nsource = {json.dumps(source)}\n[program.roots]")
    for digest, name in sorted(fresh.items(), key=lambda item: item[1].casefold()):
        print(f"{digest} = {json.dumps(name, ensure_ascii=False)}")
    print()


def mozilla(files: list[Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in files:
        for der in split_pem(bundle(path)):
            certificate = Certificate(der)
            fields = certificate.subject_fields
            name = next((fields[k][0] for k in ("CN", "OU", "O") if fields.get(k)), "?")
            found[certificate.sha256] = name
    return found


def bundle(path: Path) -> bytes:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            return wheel.read("certifi/cacert.pem")
    with tarfile.open(path) as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith("/certifi/cacert.pem"))
        file = archive.extractfile(member)
        assert file is not None
        return file.read()


def listed(text: str) -> dict[str, str]:
    trusted = text.partition("\ntrusted_certificates:\n")[2].partition("\nblocked_")[0]
    rows = re.findall(r"- subject_name: (.*)\n  fingerprint: ([0-9a-f]{64})", trusted)
    return {digest: name.strip("'\"") for name, digest in rows}


if __name__ == "__main__":
    main(*sys.argv[1:])
