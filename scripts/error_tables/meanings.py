"""What the name of an error can mean: one list for all libraries, because they name alike.

A name is read as its words in capitals, joined by "_"; the first line that is found in it counts. Causes are
in the order of likelihood: a plain one is likely, with "?" possible, with "??" unlikely. Where a name says no
more than that something broke, the cause is possible and no more than that.
"""

from __future__ import annotations

import re

VAGUE = "?other-alert"
UNKNOWN_ISSUER = "untrusted-root, tls-intercepted, incomplete-chain, ?self-signed, ?client-lacks-ca"
UNTRUSTED = "untrusted-root, tls-intercepted, ?self-signed, ?incomplete-chain, ?client-lacks-ca"
UNVERIFIED = (
    "?untrusted-root, ?tls-intercepted, ?incomplete-chain, ?self-signed, ?certificate-expired,"
    " ?hostname-mismatch, ?client-lacks-ca"
)
DATES = "certificate-expired, client-clock-wrong, ?certificate-not-yet-valid, ?intermediate-expired"
EXPIRED = "certificate-expired, ?client-clock-wrong, ?intermediate-expired"
EARLY = "certificate-not-yet-valid, client-clock-wrong"
UNREADABLE = "malformed-certificate, ?tls-intercepted"
USAGE = "wrong-usage, ?tls-intercepted"
BROKEN = "?malformed-handshake, ??other-alert"

_CERT = r"(?:CERT|CERTIFICATE|CRT|PEER|CHAIN|ISSUER|CA|EE|LEAF|ROOT|ANCHOR|SIGNER)"
RULES: tuple[tuple[str, str], ...] = (
    (r"INTERCEPTI|MITM", "tls-intercepted"),
    (r"KRB5|PKCS_?11|PKCS_?12|TPM_|OPENPGP|DATABASE|SMIME", VAGUE),
    (r"(?:MAC|IA)_VERIF|VERIFY_(?:FINISHED|MAC)|BAD_(?:DATA|COOKIE)|CLIENTHELLO_PARSE|PARSE_TLSEXT|PARSING_EXTENSION", BROKEN),
    (r"DISTRUST|SYMANTEC|BLACKLISTED|DISALLOWED_ROOT", "untrusted-root"),
    (r"VALIDITY_TOO_LONG|EXCESSIVE_VALIDITY", "validity-too-long"),
    (r"KNOWN_BAD|PINNED|PINNING|DANE|TLSA|DUMMY_CERTIF", "certificate-pinned, ?tls-intercepted"),
    # Whether it is revoked could not be told, beside: it is revoked.
    (r"(?:OCSP|RESPON[SD]ER?).*(?:FUTURE|OLD|EXPIRED|TIME|NOT_YET)", "must-staple-missing, client-clock-wrong, ?revocation-unavailable"),
    (r"OCSP_RESPONSE_REQUIRED|STAPL|TLS_FEATURE|OCSP_VERIFY|NO_CERTIFICATE_STATUS|INVALID_CERT_STATUS|CERT(?:IFICATE)?_STATUS|INVALIDCERTSTATUS|OCSP_CERT_UNKNOWN", "must-staple-missing, ?revocation-unavailable"),
    (r"(?:REVOCATION|REVOKE|REVOKED)_?.*(?:OFFLINE|UNKNOWN|UNABLE|CHECK|FAIL|NO_|INCOMPLETE|UNAVAIL|MECHANISM|STATUS|INDETERMINATE|REQUIRED)|(?:OFFLINE|NO|UNABLE|UNKNOWN|UNAVAILABLE|INCOMPLETE|UNDETERMINED)_.*REVOCATION", "revocation-unavailable, ?tls-intercepted"),
    (r"REVOKED|KRL_", "certificate-revoked"),
    (r"(?:^|_)(?:CRLS?|OCSP|REVOCATION)(?:_|$)|OCSP", "revocation-unavailable, ?tls-intercepted"),
    (r"TRANSPARENCY|(?:^|_)SCTS?(?:_|$)", "ct-policy, tls-intercepted"),
    (r"NAME_CONSTRAINT|SUBTREE|NOT_IN_NAME_SPACE|(?:PERMITTED|EXCLUDED)_|CONSTRAINT_(?:TYPE|SYNTAX)|CONSTRAINTS_NOT_MET|CONSTRAINED_NAME", "name-constraint"),
    (r"CRITICAL", "unknown-critical-extension"),
    (r"(?:INTERMEDIATE|ISSUER|CA)_.*EXPIRED|EXPIRED_(?:ISSUER|CA)", "intermediate-expired, ?certificate-expired, ?client-clock-wrong"),
    (r"NOT_YET|NOT_VALID_YET|NOT_ACTIV|BEFORE_DATE|NOT_BEFORE|FUTURE|STARTS_IN", EARLY),
    (r"(?:SESSION|TICKET|PSK|RESUM|BINDER).*", "?resumption-broken, ??other-alert"),
    (r"EXPIRED|AFTER_DATE|NOT_AFTER|VALIDITYPERIODNESTING", EXPIRED),
    (r"DATE_INVALID|BAD_DATE|TIME_NOT_VALID|NOT_TIME_VALID|INVALID_TIME|(?:TIME|DATE|VALIDITY|VALID_PERIOD)_.*(?:INVALID|OUT_OF|ERROR)", DATES),
    (r"NAME_CONFLICT|HOST_?NAME|DOMAIN_NAME_MISMATCH|BAD_CERT_DOMAIN|COMMON_NAME|CN_(?:NO_MATCH|MISMATCH|INVALID)|SUBJECT_NAME_MISMATCH|NAME_(?:DOES_NOT_MATCH|NOT_MATCH|MISMATCH)|(?:IP_?(?:ADDRESS|ADDR)|EMAIL|SERVER_NAME|DOMAIN|PRINCIPAL|IDENTIT(?:Y|IES))_?(?:ADDRESS_)?.*(?:MISMATCH|NO_MATCH|NOT_MATCH|WRONG|INVALID)|WRONG_PRINCIPAL|NOT_VALID_FOR_NAME|NON_UNIQUE_NAME|PRESENTED_IDENT|SUBJECT_ALT|CN_MISMATCH|HOSTMISMATCH", "hostname-mismatch"),
    (r"SELF_SIGNED_(?:CERT(?:IFICATE)?_)?IN|IN_CHAIN_SELF", "tls-intercepted, untrusted-root, ?client-lacks-ca"),
    (r"SELF_?SIGNED|CA_USED_AS_END_ENTITY", "self-signed, tls-intercepted, ?untrusted-root"),
    (r"ISSUER_NOT_FOUND|(?:UNKNOWN|NO|UNABLE_TO_GET)_(?:LOCAL_)?(?:ISSUER|SIGNER|CA(?:$|_)|AUTHORITY)|ISSUER_(?:UNKNOWN|CERT_LOCALLY)|NO_SIGNER|UNKNOWN_ROOT|PARTIAL_CHAIN|CHAINING|LOCAL_ISSUER|INCOMPLETE_CHAIN|CHAIN_INCOMPLETE|NO_ROOT|UNABLE_TO_VERIFY|UNABLE_TO_FIND_(?:VALID|CERT|CHAIN|ISSUER|TRUST)|SIGNER_CERT(?:IFICATE)?_NOT_FOUND|ANCHOR_NOT_FOUND|NO_TRUST_ANCHOR|NO_TRUSTED|ISSUER_ERROR", UNKNOWN_ISSUER),
    (r"UNTRUSTED|NOT_TRUSTED|NO_TRUST|INVALID_CA|AUTHORITY_INVALID|BAD_CA|(?:^|_)TRUST(?:$|_)|UNKNOWN_CA|SIGNER_NOT", UNTRUSTED),
    (r"BCONS|BASIC_CONSTRAINT|(?:AUTHORITY|SUBJECT)_KEY_IDENT|MISSING_(?:AKID|SKID)|CA_CERT_MISSING", "tls-intercepted, wrong-usage"),
    (r"PATH_?LEN|KEY_?USAGE|EKU|_USAGE|USAGE_|PURPOSE|NOT_CA|NON_CA|CA_CERT_INVALID|CERT_TYPE|CA_AS_END|END_ENTITY_USED|CERT_USED_AS|BAD_ROLE|VALID_FOR_USAGE|NO_EXPLICIT|POLICY", USAGE),
    (r"AKID|KEY_?ID_MISMATCH|ISSUER_(?:SERIAL|MISMATCH)|SUBJECT_ISSUER|REUSED_ISSUER", "tls-intercepted, incomplete-chain, ?wrong-issuer"),
    (r"CHAIN_(?:TOO_LONG|UNSORTED)|CERTIFICATE_LIST_UNSORTED|BAD_CHAIN|OUT_OF_ORDER|PATH_LOOP", "chain-out-of-order, ?tls-intercepted"),
    (r"INADEQUATE_SECURITY|INSUFFICIENT_SECURITY|OBSOLETE_CIPHER|WEAK_CIPHER", "weak-cipher-only, no-shared-cipher"),
    (r"INADEQUATE_KEY|KEY_?SIZE|KEY_TOO_(?:SMALL|WEAK|SHORT)|WEAK_(?:SERVER_)?(?:EPHEMERAL_|CERT_)?(?:DH_)?KEY|(?:DH|RSA|EE|CA|ECC|FALCON|DILITHIUM)_KEY|WEAK_KEY|BAD_KEY$|SMALL_KEY|DH_P(?:RIME)?_|DHE?_(?:P|PRIME|PARAM)", "weak-key"),
    (r"(?:^|_)MD_TOO|WEAK_SIG|WRONG_SIGNATURE_(?:TYPE|SIZE)|SIGNATURE_ALG.*(?:DISABLED|WEAK|NOT|UNSUPPORTED|MISMATCH)|DIGEST|SIGALG|INSECURE_ALG|BAD_MD|CHAIN_WEAK|MD_WEAK", "weak-signature, ?weak-key"),
    (r"NO_RENEGOTIATION|RENEGOTIAT|UNSAFE_(?:LEGACY|NEGOTIATION)", "legacy-renegotiation, ??other-alert"),
    (r"HTTPS?_(?:PROXY_)?REQUEST|SSL2_|UNEXPECTED_PACKET|RECORD_TOO_LONG|NOT_TLS|PLAINTEXT|PACKET_LENGTH_TOO_LONG|INVALID_CONTENT_TYPE|BAD_RECORD_TYPE|RECORD_TYPE|WRONG_VERSION_NUMBER", "not-tls, ?version-mismatch"),
    (r"ALPN|APPLICATION_PROTO|NEXT_PROTO|NPN", "alpn-mismatch, ??other-alert"),
    (r"UNRECOGNI[SZ]ED_NAME|UNKNOWN_(?:SNI|HOST)|SERVER_NAME|(?:^|_)SNI(?:_|$)|CLIENTHELLO_TLSEXT", "sni-unrecognized, ?sni-mismatch"),
    (r"NO_CLIENT_CERT|PEER_DID_NOT|CERT(?:IFICATE)?_REQUIRED|AUTH_CERT_NEEDED|NO_PEER_CERT|NO_CERTIFICATE|NO_USER_INTERACTION|MISSING_CLIENT|NO_CERTIFICATES_PRESENTED|NO_CREDENTIALS|CERT_NEEDED", "client-certificate-required"),
    (r"CLIENT_AUTH|CLIENT_CERT|PRIVATE_KEY|PRIVKEY|OWN_CERT|OWN_KEY|KEY_VALUES_MISMATCH", "client-certificate-rejected, ?client-certificate-required, ??other-alert"),
    (r"NO_(?:SHARED|COMMON)_(?:SIGNATURE|SIG)|SUITABLE_SIGNATURE", "no-shared-cipher, ?weak-signature"),
    (r"CHANGE_CIPHER|CCS", BROKEN),
    (r"NO_(?:SHARED|COMMON)_(?:GROUP|CURVE|KEY_SHARE)|NO_SUITABLE_(?:KEY_SHARE|GROUP)|UNSUPPORTED_(?:ELLIPTIC|CURVE|GROUP)|NAMED_CURVE|WRONG_CURVE|(?:^|_)(?:CURVES?|GROUPS?|KEY_SHARES?|ECPOINT|POINT)(?:_|$)|KX_GROUP|NAMED_GROUP", "no-shared-group, ?no-shared-cipher, ??other-alert"),
    (r"NO_(?:SHARED_|COMMON_|SUITABLE_)?CIPHER|CIPHER_(?:SUITES?_)?(?:IN_COMMON|OVERLAP)|CYPHER_OVERLAP|NO_CIPHERS|HANDSHAKE_FAILURE|VERSION_OR_CIPHER|ALGORITHM_MISMATCH|MATCH_SUITE|NO_SUITE", "no-shared-cipher, version-mismatch"),
    (r"CIPHER|CYPHER|(?:^|_)SUITES?(?:_|$)|EXPORT|US_ONLY", "no-shared-cipher, ?version-mismatch, ??other-alert"),
    (r"INAPPROPRIATE_FALLBACK|PROTOCOL_VERSION|UNSUPPORTED_(?:SSL_)?(?:VERSION|PROTOCOL)|(?:WRONG|BAD|UNKNOWN|OBSOLETE|OLD)_(?:SSL_)?(?:VERSION|PROTOCOL)|VERSION_TOO|NO_PROTOCOLS?|PEER_PROTOCOL|DOWNGRADE|FALLBACK|TLS_NOT_SUPPORTED|VERSION_ERROR", "version-mismatch, ?not-tls"),
    (r"(?:^|_)VERSION(?:_|$)|SSLV[23]|SSL[23](?:_|$)|PROTOCOL_ERROR", "?version-mismatch, ??other-alert"),
    (r"CERTIFICATE_VERIF|CERT_VERIF|VERIFY_FAILED|VERIFICATION_(?:FAILED|ERROR)|NOT_VERIFIED|INVALID_CERTIF|CERT_INVALID|BAD_CERT(?:$|_)|CERTIFICATE_(?:ERROR|INVALID|UNKNOWN)|CERT_UNKNOWN|VERIFY_CERT|CERT_NO_GOOD|HANDSHAKE_FAILED_CERT|PEER_FAILED_VERIFICATION|CERTIFICATE_PROBLEM|CERT_VALIDATION", UNVERIFIED),
    (r"NO_CA|CA_?CERT_?(?:BADFILE|FILE|NOT)|TRUST_(?:LOCATION|STORE|FILE)|CAFILE|CA_FILE|KEYSTORE|CERTSTORE|CERT_STORE", "client-lacks-ca"),
    (r"ISSUER_CERTIFICATE_ERROR|CERT_SIGNATURE|SIGNATURE_(?:FAILURE|INVALID|MISMATCH)|BAD_SIG|INVALID_SIGNATURE|SIG_CONFIRM|CONFIRM_(?:SIGNATURE|E)", "tls-intercepted, wrong-issuer, ?weak-signature"),
    (rf"BAD_DER|BAD_ENCOD|ASN_?1?(?:_|$)|{_CERT}_.*(?:FORMAT|PARS|DECOD|ENCOD|MALFORMED|EXTENSION|SERIAL|INTEGER|UNSUPPORTED|ALGORITHM)|(?:INVALID|BAD|MALFORMED|EMPTY|NEGATIVE|DUPLICATE|UNSUPPORTED)_(?:.*_)?(?:INTEGER|EXTENSION_VALUE|SERIAL|CERT(?:IFICATE)?|ISSUER|SUBJECT|POLICY_EXTENSION|DER|OID)(?:_|$)|EXTENSION_VALUE|ERROR_IN_.*FIELD|DECODE_ISSUER|X509|TRAILING_DATA|UNSUPPORTED_CERT|MAXIMUM_(?:SIGN|PATH|NAME)|PARSE|SIGNATURE_ALGORITHM|PUBLIC_KEY", UNREADABLE),
    (r"CERT", "?malformed-certificate, ?untrusted-root, ??other-alert"),
    (r"UNEXPECTED_EOF|END_OF_FILE|PREMATURE|CLOSED|CLOSE|SHUTDOWN|EOF|DISCONNECT|ABORT", "closed-during-handshake, ?connection-reset"),
    (r"CONN(?:ECTION)?_RESET|RESET|PULL_ERROR|PUSH_ERROR", "connection-reset"),
    (r"CONN(?:ECTION)?_REFUSED", "connection-refused"),
    (r"TIMED?_?OUT", "connection-timeout, silent-drop"),
    (r"RX_|MALFORMED|UNEXPECTED|BAD_|DECRYPT|DECODE|_MAC|LENGTH|EXCESSIVE|MISSING|INVALID|WRONG_|EXTRA|TOO_LONG|NOT_ON_RECORD|RECORD|FINISHED|HELLO|EXTENSION|HANDSHAKE|DUPLICATE|ILLEGAL|OVERFLOW|COMPRESS|MSG|MESSAGE|CORRUPT", BROKEN),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), causes) for pattern, causes in RULES)
# What libraries put before every name.
_PREFIX = re.compile(
    r"^(?:X509_V_ERR|SSL_R|ERR_SSL|ERR_CERT|ERR|GNUTLS_E|SEC_ERROR|SSL_ERROR|MOZILLA_PKIX_ERROR"
    r"|MBEDTLS_ERR(?:_SSL|_X509|_PK|_NET)?|MBEDTLS_X509|CERT_TRUST|SEC_[EI]|CERT_E|CRYPT_E|TRUST_E|BR_ERR(?:_X509)?"
    r"|NS_ERROR(?:_NET)?|CURLE(?:_SSL)?|PR)_"
)


def meaning(name: str) -> str:
    """Causes of an error of that name."""
    plain = _PREFIX.sub("", as_words(name))
    return next((causes for rule, causes in _COMPILED if rule.search(plain)), VAGUE)


def as_words(name: str) -> str:
    """UnknownIssuer, unknown issuer and UNKNOWN_ISSUER as one."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^A-Z0-9]+", "_", apart.upper()).strip("_")
