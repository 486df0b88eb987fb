"""Which hellos to try, and what each changes about which other one.

Theory of operation
-------------------
"browser" is what a browser of today sends. "plain" is the same without the post-quantum group, so that
it fits into one packet. Every other hello changes one thing about one of these; when the two end
differently, that thing is what the peer, or somebody before it, minds. Hellos that offer weak suites,
or old versions, say what a server would still agree to.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from detector.wire import offer as o
from detector.wire import suites
from detector.wire.offer import Offer

# Bytes of Chrome's hello, give or take: more than one packet holds.
BROWSER_SIZE = 1700
OTHER_NAME = "tlsight.invalid"
_VERSIONS = {"tls13": o.TLS13, "tls12": o.TLS12, "tls11": o.TLS11, "tls10": o.TLS10, "ssl3": o.SSL3}
WEAK_FAMILIES = ("null", "export", "anonymous", "des", "rc4", "3des", "rc2-idea")


class Contrast(msgspec.Struct, frozen=True):
    """One hello against another: what is different about the first."""

    offer: str
    base: str
    with_it: str
    without: str


# Not of the plan: the plain hello behind a PROXY header, asked where every other one was cut.
BEHIND_HEADER = "behind-header"

# What to compare, the most telling first.
CHANGES: tuple[Contrast, ...] = (
    Contrast("browser", "plain", "with X25519MLKEM768 offered", "without it"),
    Contrast("large", "plain", "with the ClientHello padded to the size of a browser's",
           "with the same hello in one packet"),
    Contrast("ech", "plain", "with an Encrypted ClientHello offered, if a false one", "without it"),
    Contrast("plain", "no-status", "with a stapled OCSP response asked for", "without it"),
    Contrast("two-records", "plain", "with the ClientHello in two TLS records", "in one record"),
    Contrast("two-segments", "plain", "with the ClientHello in two TCP segments", "in one segment"),
    Contrast("plain", "tls12-only", "with TLS 1.3 offered", "with TLS 1.2 at most"),
    Contrast("plain", "no-alpn", "with ALPN", "without ALPN"),
    Contrast("plain", "no-sni", "with SNI", "without SNI"),
    Contrast("plain", "other-sni", "with this name in SNI", "with another name in SNI"),
    Contrast("plain", "all-groups", "with the groups that browsers offer", "with every group"),
    Contrast("plain", "all-schemes", "with the signature algorithms that browsers offer",
           "with every signature algorithm, SHA-1 included"),
    Contrast("plain", "all-suites", "with the suites that browsers offer", "with every suite"),
    Contrast("plain", "anything", "with what browsers offer", "with every version, suite and group"),
)  # fmt: skip


def plan(sni: str | None, alpn: tuple[str, ...]) -> dict[str, Offer]:
    """The hellos by id.

    Args:
        sni: the name to ask for, None asks for none.
        alpn: protocols to offer, empty offers none.

    """
    change = msgspec.structs.replace
    browser = Offer(sni=sni, alpn=alpn, size=BROWSER_SIZE, ech=True)
    without = tuple(g for g in o.BROWSER_GROUPS if g != o.X25519MLKEM768)
    plain = change(browser, groups=without, shares=(o.X25519, o.SECP256R1), size=0, ech=False)
    wide = change(
        plain, suites=every_suite(), groups=(*o.ALL_GROUPS,), schemes=o.ALL_SCHEMES, alpn=alpn
    )
    offers = {
        "browser": browser,
        "plain": plain,
        "large": change(plain, size=BROWSER_SIZE),
        "ech": change(plain, ech=True),
        "two-records": change(plain, records=2),
        "two-segments": change(plain, segments=2),
        "no-status": change(plain, status=False),
        "tls12-only": change(plain, versions=(o.TLS12,)),
        "all-groups": change(plain, groups=o.ALL_GROUPS),
        "all-schemes": change(plain, schemes=o.ALL_SCHEMES),
        "all-suites": change(plain, suites=every_suite()),
        "anything": change(wide, versions=(o.TLS13, o.TLS12, o.TLS11, o.TLS10)),
        "dhe": _old(wide, lambda c: "TLS_DHE_" in suites.suite_name(c)),
        "forward-secret": _old(wide, suites.has_forward_secrecy),
        "static-keys": _old(wide, lambda c: not suites.has_forward_secrecy(c)),
    }
    if alpn:
        offers["no-alpn"] = change(plain, alpn=())
    if sni:
        offers["no-sni"] = change(plain, sni=None)
        offers["other-sni"] = change(plain, sni=OTHER_NAME)
    for name, version in _VERSIONS.items():
        offers[name] = change(wide, versions=(version,))
    for family in WEAK_FAMILIES:
        offers[family] = _weak(wide, family)
    return offers


def with_name(offers: dict[str, Offer], sni: str) -> Offer:
    """The plain hello with a name: for targets that were asked for without."""
    return msgspec.structs.replace(offers["plain"], sni=sni)


@lru_cache(maxsize=1)
def every_suite() -> tuple[int, ...]:
    """All that need no secret beforehand: 256 suites and more, which some servers mind, are avoided by
    leaving out what nobody ever served.
    """
    rare = ("_ECDH_anon", "KRB5", "_ECCPWD", "_SM4_", "_28147_", "_KUZNYECHIK_", "_MAGMA_")
    found = [
        code
        for code, name in suites.names().items()
        if code and not suites.needs_psk(code) and not any(part in name for part in rare)
    ]
    return (*sorted(found, key=lambda c: (suites.weak_family(c) is not None, -(c >> 8 == 0x13))),)


def _old(wide: Offer, keep: object) -> Offer:
    """TLS 1.2 and below with the suites for which `keep` holds and that are not weak."""
    assert callable(keep)
    chosen = (c for c in every_suite() if suites.weak_family(c) is None and c >> 8 != 0x13)
    return msgspec.structs.replace(
        wide, versions=(o.TLS12,), suites=tuple(c for c in chosen if keep(c))
    )


@lru_cache(maxsize=len(WEAK_FAMILIES))
def _family(family: str) -> tuple[int, ...]:
    return tuple(c for c in every_suite() if suites.weak_family(c) == family)


def _weak(wide: Offer, family: str) -> Offer:
    return msgspec.structs.replace(wide, versions=(o.TLS12,), suites=_family(family))
