"""Write detector/data/public_intermediates.json: keys and names of intermediate CAs below Mozilla's roots.

    python scripts/make_public_intermediates.py OMNI_JA [FILE...] > detector/data/public_intermediates.json

OMNI_JA is the archive of that name in an installed Firefox (browser/omni.ja). It has the list that CCADB's
reports are made into and that browsers load ahead, so that a forgotten intermediate does no harm: digests of
keys and certificates, and for older entries the subject. FILEs are PEM or DER; certificates among them that
the list names by digest add their key itself, and the subject where the list has none.
"""

from __future__ import annotations

import base64
import json
import sys
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from detector.chain.certificate import Certificate, name_text, split_pem
from detector.chain.name_matching import as_read
from detector.known.intermediates import PublicIntermediate, name_digest

_MEMBER = "defaults/settings/security-state/intermediates.json"


def main(omni: str, *files: str) -> None:
    with zipfile.ZipFile(omni) as archive:
        listed = json.loads(archive.read(_MEMBER))
    at = datetime.fromtimestamp(listed["timestamp"] / 1000, UTC)
    certificates = {digest: c for c in read(files) for digest in (c.sha256, c.spki_sha256)}
    found = {row(entry, certificates) for entry in listed["data"]}
    source = (
        f"Mozilla's security-state/intermediates, made from CCADB's reports, as of {at:%Y-%m-%d}"
    )
    print('{"source": ' + json.dumps(source) + ',\n"intermediates": [')
    rows = sorted(found, key=lambda one: (one.subject.casefold(), one.spki_sha256))
    print(",\n".join(written(one) for one in rows))
    print("]}")


def read(files: Iterable[str]) -> Iterable[Certificate]:
    for file in files:
        data = Path(file).read_bytes()
        for der in split_pem(data) or [data]:
            yield Certificate(der)


def row(entry: dict[str, object], certificates: dict[str, Certificate]) -> PublicIntermediate:
    attachment = entry["attachment"]
    assert isinstance(attachment, dict)
    # Attachments are called by the digest of the key, in the alphabet of file names.
    key = base64.urlsafe_b64decode(attachment["filename"].removesuffix(".pem")).hex()
    assert len(key) == 64, attachment
    this = certificates.get(base64.b64decode(str(entry["derHash"])).hex())
    same_key = this or certificates.get(key)
    assert same_key is None or same_key.spki_sha256 == key
    spki = same_key.spki if same_key is not None else None
    name = this.subject if this is not None else base64.b64decode(str(entry.get("subjectDN", "")))
    if not name:
        return PublicIntermediate(key, spki=spki)
    return PublicIntermediate(key, name_digest(as_read(name)), name_text(name), spki)


def written(one: PublicIntermediate) -> str:
    """One row, its empty end left out."""
    values = msgspec.to_builtins(one)
    while not values[-1]:
        values.pop()
    return json.dumps(values, ensure_ascii=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
