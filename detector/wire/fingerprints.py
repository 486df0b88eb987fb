"""Fingerprints of hellos: JA3 and JA3S (Salesforce, BSD-3) and JA4 (FoxIO, BSD-3).

JA4S, JA4X and the rest of the JA4+ suite are under another licence and are left out on purpose.
"""

from __future__ import annotations

from hashlib import md5, sha256

from detector.wire import registry as r
from detector.wire.hello import ClientHello, ServerHello
from detector.wire.registry import is_grease

_JA4_VERSION = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3",
                 0xFEFF: "d1", 0xFEFD: "d2", 0xFEFC: "d3"}  # fmt: skip


def ja3_string(hello: ClientHello) -> str:
    """version,ciphers,extensions,groups,point formats; GREASE removed; decimal, dash-joined."""
    extensions = [kind for kind, _ in hello.extensions or () if not is_grease(kind)]
    fields = (
        (hello.legacy_version,),
        [c for c in hello.ciphers if not is_grease(c)],
        extensions,
        [g for g in hello.groups if not is_grease(g)],
        hello.point_formats,
    )
    return ",".join("-".join(map(str, field)) for field in fields)


def ja3(hello: ClientHello) -> str:
    return md5(ja3_string(hello).encode(), usedforsecurity=False).hexdigest()


def ja3s(hello: ServerHello) -> str:
    """MD5 of version,cipher,extensions as the server sent them."""
    extensions = "-".join(str(kind) for kind, _ in hello.extensions or ())
    text = f"{hello.legacy_version},{hello.cipher},{extensions}"
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def ja4(hello: ClientHello, transport: str = "t") -> str:
    """JA4 as in FoxIO's technical description. `transport`: "t" TCP, "q" QUIC, "d" DTLS."""
    ciphers = sorted(f"{c:04x}" for c in hello.ciphers if not is_grease(c))
    kinds = [kind for kind, _ in hello.extensions or () if not is_grease(kind)]
    hashed = sorted(f"{k:04x}" for k in kinds if k not in (r.SERVER_NAME, r.ALPN))
    schemes = [f"{s:04x}" for s in hello.signature_algorithms if not is_grease(s)]
    versions = [v for v in hello.versions if not is_grease(v)]
    highest = max(versions, default=hello.legacy_version, key=_rank)
    version = _JA4_VERSION.get(highest, "00")
    sni = "d" if r.SERVER_NAME in kinds else "i"
    head = f"{transport}{version}{sni}{min(len(ciphers), 99):02d}{min(len(kinds), 99):02d}"
    extension_text = ",".join(hashed)
    if schemes:
        extension_text += "_" + ",".join(schemes)
    return "_".join((head + _alpn_mark(hello), _hash(",".join(ciphers)), _hash(extension_text)))


def _rank(version: int) -> int:
    """DTLS counts its versions downwards (RFC 9147 section 5.3)."""
    return 0xFEFF - version if version >> 8 == 0xFE else version


def _alpn_mark(hello: ClientHello) -> str:
    names = [
        name for name in hello.alpn if not (len(name) == 2 and is_grease(int.from_bytes(name)))
    ]
    if not names or not names[0]:
        return "00"
    first = names[0]
    ends = chr(first[0]) + chr(first[-1])
    if ends.isascii() and ends.isalnum():
        return ends
    text = first.hex()
    return text[0] + text[-1]


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12] if text else "0" * 12
