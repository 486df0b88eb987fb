"""BoringSSL, by the table of reasons that packages with its source have (err_data.c, e.g. in grpcio's).

BoringSSL writes OPENSSL_internal:REASON; Dart, Cronet and gRPC write the reason alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from error_tables.form import Family, Row
from error_tables.openssl import SAID

SSL_LIBRARY, X509_LIBRARY = 16, 11
# Alone these say that they are about TLS; others only beside the words that BoringSSL writes before them.
_ALONE = re.compile(
    r"CIPHER|SSL|TLS|CERT|HANDSHAKE|HELLO|KEY_SHARE|RENEGOTIAT|SIGALG|ALPN|_PSK|TICKET|OCSP|SCT_|CHANNEL_ID"
    r"|WRONG_VERSION_NUMBER|INAPPROPRIATE_FALLBACK|ON_EARLY_DATA|SHARED_GROUP|WRONG_CURVE|BAD_RECORD|_ECH_|_SCT_"
)
_ALERT = re.compile(r"^(?:SSLV3|TLSV1)_ALERT|^TLSV1_(?:UN|BAD_CERT|CERT|NO_APP)")


def families(sources: Path | None) -> Iterator[Family]:
    """sources: a folder with err_data.c somewhere below."""
    found = sorted((sources or Path("/nonexistent")).rglob("err_data.c"))
    if found:
        yield Family("BoringSSL", "err_data.c of BoringSSL", reasons(found[0]))


def reasons(path: Path) -> Iterator[Row]:
    text = path.read_text()
    values = re.search(r"kOpenSSLReasonValues\[\] = \{(.*?)\};", text, re.DOTALL)
    held = re.search(r"kOpenSSLReasonStringData\[\] =\n(.*?);\n", text, re.DOTALL)
    names = "".join(re.findall(r'"([^"]*)"', held[1] if held else "")).split("\\0")
    starts, at = {}, 0
    for name in names:
        starts[at] = name
        at += len(name) + 1
    for value in re.findall(r"0x([0-9a-f]+)", values[1] if values else ""):
        entry = int(value, 16)
        library, reason, start = entry >> 26, (entry >> 15) & 0x7FF, entry & 0x7FFF
        name = starts.get(start, "")
        if library == SSL_LIBRARY and name and not _ALERT.match(name):
            alone = name if _ALONE.search(name) else ""
            yield Row(str(reason), alone, f"OPENSSL_internal:{name}", SAID.get(name, ""), name)
