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

from detector.causes import (
    alpn_mismatch,
    captive_portal,
    certificate_expired,
    certificate_not_yet_valid,
    certificate_pinned,
    certificate_revoked,
    chain_out_of_order,
    client_certificate_rejected,
    client_certificate_required,
    client_clock_wrong,
    client_lacks_ca,
    closed_during_handshake,
    connection_refused,
    connection_reset,
    connection_timeout,
    ct_policy,
    dns_failure,
    extension_intolerant,
    hostname_mismatch,
    incomplete_chain,
    intermediate_expired,
    large_hello_dropped,
    legacy_renegotiation,
    malformed_handshake,
    must_staple_missing,
    name_constraint,
    no_forward_secrecy,
    no_shared_cipher,
    no_shared_group,
    not_tls,
    obsolete_version,
    other_alert,
    post_quantum_intolerant,
    proxy_auth_required,
    proxy_refused,
    resumption_broken,
    self_signed,
    silent_drop,
    sni_mismatch,
    sni_required,
    sni_unrecognized,
    split_hello_intolerant,
    superfluous_certificates,
    tls13_intolerant,
    tls_intercepted,
    untrusted_root,
    validity_too_long,
    version_mismatch,
    weak_cipher_accepted,
    weak_cipher_only,
    weak_key,
    weak_signature,
    wrong_usage,
)
from detector.causes.clues import Clues, Found, Rule
from detector.errors import CertificateError
from detector.model import Party

RULES: dict[str, Rule] = {
    "dns-failure": dns_failure.find,
    "connection-refused": connection_refused.find,
    "connection-timeout": connection_timeout.find,
    "proxy-refused": proxy_refused.find,
    "proxy-auth-required": proxy_auth_required.find,
    "captive-portal": captive_portal.find,
    "not-tls": not_tls.find,
    "tls-intercepted": tls_intercepted.find,
    "client-clock-wrong": client_clock_wrong.find,
    "version-mismatch": version_mismatch.find,
    "weak-cipher-only": weak_cipher_only.find,
    "sni-required": sni_required.find,
    "sni-mismatch": sni_mismatch.find,
    "sni-unrecognized": sni_unrecognized.find,
    "alpn-mismatch": alpn_mismatch.find,
    "tls13-intolerant": tls13_intolerant.find,
    "split-hello-intolerant": split_hello_intolerant.find,
    "large-hello-dropped": large_hello_dropped.find,
    "post-quantum-intolerant": post_quantum_intolerant.find,
    "extension-intolerant": extension_intolerant.find,
    "no-shared-group": no_shared_group.find,
    "client-certificate-rejected": client_certificate_rejected.find,
    "client-certificate-required": client_certificate_required.find,
    "certificate-revoked": certificate_revoked.find,
    "certificate-expired": certificate_expired.find,
    "certificate-not-yet-valid": certificate_not_yet_valid.find,
    "intermediate-expired": intermediate_expired.find,
    "hostname-mismatch": hostname_mismatch.find,
    "self-signed": self_signed.find,
    "name-constraint": name_constraint.find,
    "incomplete-chain": incomplete_chain.find,
    "untrusted-root": untrusted_root.find,
    "wrong-usage": wrong_usage.find,
    "weak-key": weak_key.find,
    "weak-signature": weak_signature.find,
    "no-shared-cipher": no_shared_cipher.find,
    "certificate-pinned": certificate_pinned.find,
    "must-staple-missing": must_staple_missing.find,
    "validity-too-long": validity_too_long.find,
    "ct-policy": ct_policy.find,
    "legacy-renegotiation": legacy_renegotiation.find,
    "resumption-broken": resumption_broken.find,
    "client-lacks-ca": client_lacks_ca.find,
    "chain-out-of-order": chain_out_of_order.find,
    "no-forward-secrecy": no_forward_secrecy.find,
    "weak-cipher-accepted": weak_cipher_accepted.find,
    "connection-reset": connection_reset.find,
    "silent-drop": silent_drop.find,
    "closed-during-handshake": closed_during_handshake.find,
    "malformed-handshake": malformed_handshake.find,
    "other-alert": other_alert.find,
    "obsolete-version": obsolete_version.find,
    "superfluous-certificates": superfluous_certificates.find,
}

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
            one = RULES[name](clues)
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
