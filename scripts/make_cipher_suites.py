"""Write the table of detector/wire/suites.py: IANA's cipher suites, as Wireshark lists them.

    tshark -G values | python scripts/make_cipher_suites.py

Reserved values and those outside IANA's registry (GREASE, drafts) are left out.
"""

from __future__ import annotations

import sys

FIELD = "tls.handshake.ciphersuite"


def main() -> None:
    for line in sys.stdin:
        parts = line.rstrip("\n").split("\t")
        if parts[:2] != ["V", FIELD]:
            continue
        code, name = int(parts[2], 0), parts[3]
        if name.startswith("TLS_") and code < 0xE000 and not name.endswith("_SCSV"):
            print(f"{code:04X} {name.removeprefix('TLS_')}")


if __name__ == "__main__":
    main()
