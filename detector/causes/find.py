"""All causes, the one to mend first in front, and which of them only follow from others.

Rules
-----
1. Where nobody answers, nothing else can be said.
2. Interception comes before what it does to the certificates: the server may be innocent of those.
3. What a variable of the hello explains comes before the bare way in which the connection ended.
4. A cause that follows from another one that was found is left out (`FOLLOWS`).
5. Errors come before warnings, and those before notes.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from detector.causes.clues import Clues, Found, Rule
from detector.errors import CertificateError
from detector.model.observation import Party

# Each is a module of this room, named with underscores, and imported when it is asked.
RULES: tuple[str, ...] = (
    "dns-failure", "connection-refused", "connection-timeout", "proxy-refused",
    "proxy-auth-required", "captive-portal", "not-tls", "tls-intercepted", "client-clock-wrong",
    "version-mismatch", "weak-cipher-only", "sni-required", "sni-mismatch", "sni-unrecognized",
    "alpn-mismatch", "tls13-intolerant", "split-hello-intolerant", "large-hello-dropped",
    "post-quantum-intolerant", "extension-intolerant", "no-shared-group",
    "client-certificate-rejected", "client-certificate-required", "certificate-revoked",
    "certificate-expired", "certificate-not-yet-valid", "intermediate-expired",
    "hostname-mismatch", "self-signed", "name-constraint", "incomplete-chain", "untrusted-root",
    "wrong-usage", "weak-key", "weak-signature", "no-shared-cipher", "certificate-pinned",
    "must-staple-missing", "validity-too-long", "ct-policy", "legacy-renegotiation",
    "resumption-broken", "client-lacks-ca", "chain-out-of-order", "no-forward-secrecy",
    "weak-cipher-accepted", "connection-reset", "silent-drop", "closed-during-handshake",
    "malformed-handshake", "other-alert", "obsolete-version", "superfluous-certificates",
)  # fmt: skip

# What `check` says beside its verdict: faults that are seen in one handshake.
SEEN_IN_ONE_HANDSHAKE = (
    "tls-intercepted", "certificate-expired", "certificate-not-yet-valid", "intermediate-expired",
    "hostname-mismatch", "self-signed", "incomplete-chain", "untrusted-root", "wrong-usage",
    "chain-out-of-order",
)  # fmt: skip

# Who acts; where it is the server it goes without saying. The same as in the catalogue.
PARTIES: dict[str, Party] = {
    "dns-failure": "network", "connection-timeout": "network", "connection-reset": "network",
    "silent-drop": "network", "not-tls": "client", "proxy-refused": "network",
    "proxy-auth-required": "client", "captive-portal": "client", "sni-required": "client",
    "client-clock-wrong": "client", "untrusted-root": "client",
    "client-certificate-required": "client", "client-certificate-rejected": "client",
    "large-hello-dropped": "network", "split-hello-intolerant": "network",
    "tls13-intolerant": "network", "tls-intercepted": "network", "certificate-pinned": "client",
    "client-lacks-ca": "client", "sni-mismatch": "client",
}  # fmt: skip

_BARE = ("connection-reset", "silent-drop", "closed-during-handshake", "malformed-handshake",
         "other-alert")  # fmt: skip
_EXPLAINED = (
    "version-mismatch", "weak-cipher-only", "no-shared-cipher", "no-shared-group", "sni-required",
    "sni-unrecognized", "alpn-mismatch", "tls13-intolerant", "split-hello-intolerant",
    "large-hello-dropped", "post-quantum-intolerant", "extension-intolerant",
    "client-certificate-required",
    "client-certificate-rejected", "weak-key", "weak-signature", "not-tls", "captive-portal",
    "legacy-renegotiation",
)  # fmt: skip
# Cause -> causes beside which it is left out.
FOLLOWS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_BARE, _EXPLAINED),
    "not-tls": ("captive-portal",),
    "large-hello-dropped": ("split-hello-intolerant",),
    "post-quantum-intolerant": ("split-hello-intolerant", "large-hello-dropped"),
    "version-mismatch": ("tls13-intolerant", "sni-required", "sni-unrecognized", "alpn-mismatch"),
    "no-shared-cipher": ("weak-cipher-only", "weak-key", "version-mismatch", "sni-required",
                         "sni-unrecognized", "alpn-mismatch", "tls13-intolerant"),
    "weak-cipher-only": ("version-mismatch",),
    "no-forward-secrecy": ("version-mismatch", "weak-cipher-only", "weak-key"),
    "weak-cipher-accepted": ("weak-cipher-only",),
    "certificate-expired": ("client-clock-wrong",),
    "certificate-not-yet-valid": ("client-clock-wrong",),
    "intermediate-expired": ("client-clock-wrong",),
    "untrusted-root": ("tls-intercepted", "self-signed", "incomplete-chain"),
    "incomplete-chain": ("tls-intercepted",),
    "self-signed": ("tls-intercepted",),
    "certificate-pinned": ("tls-intercepted",),
    "weak-key": ("tls-intercepted",),
    "weak-signature": ("tls-intercepted",),
    "hostname-mismatch": ("sni-mismatch",),
    "ct-policy": ("certificate-expired",),
    "legacy-renegotiation": ("weak-cipher-only",),
}  # fmt: skip
_SEVERITIES = ("error", "warning", "note")


@cache
def rule(name: str) -> Rule:
    """The rule of a cause of RULES."""
    module = import_module(f"detector.causes.rules.{name.replace('-', '_')}")
    found: Rule = module.find
    return found


def find_causes(
    clues: Clues, names: tuple[str, ...] | None = None, *, lenient: bool = False
) -> dict[str, Found]:
    """Causes that apply, the one to mend first in front.

    Args:
        clues: what was seen.
        names: only these; all when left out.
        lenient: leave out rules that stumble over a certificate.

    Raises CertificateError where a field that a rule needs cannot be read, unless lenient.

    """
    found: dict[str, Found] = {}
    for name in names or RULES:
        try:
            one = rule(name)(clues)
        except CertificateError:
            if not lenient:
                raise
            continue
        if one is not None:
            found[name] = one
    kept = {
        name: one
        for name, one in found.items()
        if not any(
            other in found and found[other].severity == "error" for other in FOLLOWS.get(name, ())
        )
    }
    return dict(sorted(kept.items(), key=lambda item: _SEVERITIES.index(item[1].severity)))
