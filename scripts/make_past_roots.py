"""Write detector/data/past_roots.zst: the certificates of roots that public programs had, and certifi has no more.

    python scripts/make_past_roots.py FOLDER

FOLDER is make_public_roots.py's. A capture of last year, or a server that still sends a chain of last year, ends at such
a root, and servers do not send roots: without its key nobody can say that the chain is genuine. Whether a leaf may still
be excused by it, public_roots.toml says. The file is DER after DER, in the order of their digests, packed by zstd.
"""

from __future__ import annotations

import sys
from pathlib import Path

import certifi
import zstandard
from make_public_roots import Sources, read_certifi, read_sslyze

from detector.chain.certificate import split_pem
from detector.knowledge.past_roots import PAST_ROOTS
from detector.knowledge.trust_tables import root_table


def main(folder: str) -> None:
    sources = Sources()
    read_certifi(Path(folder, "certifi"), sources)
    read_sslyze(Path(folder, "sslyze"), sources)
    present = set(split_pem(Path(certifi.where()).read_bytes()))
    listed = root_table()
    past = {
        digest: certificate.der
        for digest, certificate in sources.certificates.items()
        if digest in listed and certificate.may_serve_tls and certificate.der not in present
    }
    packed = zstandard.ZstdCompressor(level=19).compress(b"".join(past[d] for d in sorted(past)))
    PAST_ROOTS.write_bytes(packed)
    print(f"{len(past)} roots, {len(packed):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
