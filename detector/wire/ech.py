"""ECHConfigList (RFC 9849 section 4): which public names a server shows in place of the names that it hides."""

from __future__ import annotations

from detector.wire.reader import Reader

_VERSION = 0xFE0D
MAX_CONFIGS = 32


def public_names(configs: bytes) -> tuple[str, ...]:
    """The public name of each configuration of the known version, in lower case. Raises WireError."""
    reader = Reader(configs).vector(2, "ECHConfigList")
    found: list[str] = []
    for _ in range(MAX_CONFIGS):
        if not reader.left:
            break
        version = reader.uint(2, "ECHConfig version")
        contents = reader.vector(2, "ECHConfig")
        if version == _VERSION:
            found.append(_public_name(contents))
    return tuple(found)


def _public_name(contents: Reader) -> str:
    contents.take(3, "config_id and kem_id")
    contents.vector(2, "public_key")
    contents.vector(2, "cipher_suites")
    contents.take(1, "maximum_name_length")
    name = contents.vector(1, "public_name").rest()
    return name.decode("ascii", "replace").lower()
