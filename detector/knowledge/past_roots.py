"""Loading the certificates of roots that public programs once had."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from detector.errors import ConfigError
from detector.knowledge.shipped import DATA

PAST_ROOTS = DATA / "past_roots.zst"
_MOST = 1 << 22


@lru_cache(maxsize=1)
def past_roots() -> tuple[bytes, ...]:
    """DER of each of the shipped ones."""
    return read_past_roots(PAST_ROOTS)


def read_past_roots(path: Path) -> tuple[bytes, ...]:
    """DER of each. Raises ConfigError for a file that is damaged."""
    import zstandard

    try:
        data = zstandard.ZstdDecompressor().decompress(path.read_bytes(), _MOST)
    except (OSError, zstandard.ZstdError) as error:
        raise ConfigError(str(path), str(error), remedy="install tlsight again") from None
    found: list[bytes] = []
    at = 0
    while at + 4 <= len(data):
        # A certificate is a SEQUENCE with a length of two bytes.
        end = at + 4 + int.from_bytes(data[at + 2 : at + 4])
        if data[at : at + 2] != b"\x30\x82" or end > len(data):
            raise ConfigError(str(path), f"no certificate at byte {at}")
        found.append(data[at:end])
        at = end
    return tuple(found)
