"""Write the tables of every error that a library has a name for.

    python scripts/make_library_errors.py [--sources DIR] [--to DIR] [NAME...]

Rows that the tables written by hand have are left out. What a row can mean follows from its name, by
scripts/error_tables/meanings.py. NAME is one of TABLES; without, all are written. Each needs what its reader
names: libraries with their headers or sources, as Debian has them. --sources: a folder with more of them below: include
folders of other OpenSSLs as Node's packages have them, BoringSSL's err_data.c as grpcio's source has it, other Gos.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the alerts are the product's own table

from error_tables import (
    boringssl,
    chrome,
    curl,
    embedded,
    fluent,
    gnutls,
    go,
    java,
    nss,
    openssl,
    rust,
    windows,
)
from error_tables.form import DATA, Family, by_hand, written

Read = Callable[[Path | None], Iterable[Family]]


def installed(_: Path | None) -> Iterable[Family]:
    yield Family(
        "OpenSSL verification",
        "X509_verify_cert_error_string",
        openssl.verification(),
        openssl.VERIFICATION_CODES,
    )
    yield Family(
        "OpenSSL handshake",
        "openssl/sslerr.h, openssl errstr",
        openssl.handshake(),
        openssl.HANDSHAKE_CODES,
    )
    yield Family("GnuTLS", "gnutls_strerror_name, gnutls_strerror", gnutls.errors(), gnutls.CODES)
    yield Family(
        "GnuTLS verification",
        "gnutls_certificate_verification_status_print",
        gnutls.statuses(),
        side="client",
    )


# In the order in which they are read: what one has, the later ones leave out.
TABLES: dict[str, Read] = {
    "library_errors": installed,
    "nss": lambda _: nss.families(),
    "windows": lambda _: windows.families(),
    "curl": lambda _: curl.families(),
    "embedded": lambda _: embedded.families(),
    "openssl": openssl.families,
    "boringssl": boringssl.families,
    "go": go.families,
    "java": lambda _: java.families(),
    "rust": lambda _: rust.families(),
    "firefox_words": lambda _: fluent.families(),
    "chrome_words": lambda _: chrome.families(),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sources", type=Path)
    parser.add_argument("--to", type=Path)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    known = by_hand()
    for name, read in TABLES.items():
        path = place(name)
        if not asked.names or name in asked.names:
            to = asked.to / path.name if asked.to else path
            to.write_text("\n".join(written(read(asked.sources), known)) + "\n")
        else:
            known.read(path)


def place(name: str) -> Path:
    return DATA / f"{name}.toml" if name == "library_errors" else DATA / "messages" / f"{name}.toml"


if __name__ == "__main__":
    sys.exit(main())
