"""What Chromium says in other languages, by the resources that its packages have for each.

A resource has the same number in every language of one version, so that the English text finds it.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from pathlib import Path

from error_tables.fluent import told
from error_tables.form import Family
from error_tables.meanings import UNTRUSTED, UNVERIFIED

PACKS = Path("/usr/lib/chromium/locales")
LANGUAGES = ("de", "es", "fr", "it", "ja", "ko", "pl", "pt-BR", "ru", "zh-CN", "zh-TW")
_UNPROVEN = "This server could not prove that it is <strong>$1</strong>; its security certificate "
# How an English text begins, and what it means.
SAID = {
    "Your connection is not private": UNVERIFIED,
    "Your connection to this site is not private": UNVERIFIED,
    "Attackers might be trying to steal your information from": UNVERIFIED,
    "This site can’t provide a secure connection": "?not-tls, ?version-mismatch, ?no-shared-cipher, ?client-certificate-required",
    "<strong>$1</strong> sent an invalid response": "?not-tls, ?version-mismatch",
    "<strong>$1</strong> uses an unsupported protocol": "version-mismatch, no-shared-cipher",
    "The client and server don't support a common SSL": "version-mismatch, no-shared-cipher",
    "<strong>$1</strong> didn’t accept your login certificate": "client-certificate-required, client-certificate-rejected",
    "There was a problem using your login certificate": "client-certificate-rejected",
    "<strong>$1</strong> unexpectedly closed the connection": "closed-during-handshake, connection-reset",
    "The connection was reset": "connection-reset",
    "<strong>$1</strong> took too long to respond": "connection-timeout, silent-drop",
    "<strong>$1</strong> refused to connect": "connection-refused",
    "Your clock is ahead": "client-clock-wrong",
    "Your clock is behind": "client-clock-wrong",
    "A private connection to <strong>$1</strong> can't be established because": "client-clock-wrong",
    'A root certificate for "$1" is required but isn’t installed': "tls-intercepted, client-lacks-ca",
    "An application is stopping": "tls-intercepted",
    '"$1" wasn’t installed properly on your': "tls-intercepted",
    "You cannot visit $1 right now because the website uses certificate pinning": "certificate-pinned, tls-intercepted",
    "You cannot visit $1 right now because its certificate has been revoked": "certificate-revoked",
    "You cannot visit $1 right now because the website uses HSTS": UNVERIFIED,
    f"{_UNPROVEN}does not specify Subject Alternative": "hostname-mismatch",
    f"{_UNPROVEN}is from": "hostname-mismatch, ?captive-portal, ?tls-intercepted",
    f"{_UNPROVEN}is not valid at this time": "certificate-expired, certificate-not-yet-valid, client-clock-wrong",
    f"{_UNPROVEN}contains errors": "malformed-certificate",
    f"{_UNPROVEN}might be revoked": "certificate-revoked",
    f"{_UNPROVEN}might have been issued fraudulently": "ct-policy, tls-intercepted",
    f"{_UNPROVEN}is not trusted": UNTRUSTED,
    "Server's certificate does not match the URL": "hostname-mismatch",
    "Server's certificate has expired": "certificate-expired, ?client-clock-wrong",
    "Server's certificate is not yet valid": "certificate-not-yet-valid, client-clock-wrong",
    "Server's certificate is not trusted": UNTRUSTED,
    "Server's certificate cannot be checked": "revocation-unavailable",
    "Server's certificate has been revoked": "certificate-revoked",
    "Server's certificate is signed using a weak signature algorithm": "weak-signature",
    "The server certificate contains a weak cryptographic key": "weak-key",
    "Server's certificate violates name constraints": "name-constraint",
    "The server certificate has a validity period that is too long": "validity-too-long",
    "The server's certificate appears to be a forgery": "certificate-pinned, tls-intercepted",
    "The server's certificate was not disclosed via Certificate": "ct-policy, tls-intercepted",
    "You attempted to reach <strong>$1</strong>, but the server presented a certificate signed using a weak": "weak-signature",
    "You attempted to reach <strong>$1</strong>, but the server presented a certificate containing a weak key": "weak-key",
    "You attempted to reach <strong>$1</strong>, but the server presented a certificate whose validity period": "validity-too-long",
    "The Wi-Fi you are using ": "captive-portal",
    "The network you are using ": "captive-portal",
}  # fmt: skip


def families() -> Iterator[Family]:
    english = resources("en-US")
    for language in ("en-US", *LANGUAGES):
        texts = ((text, causes_of(english.get(n, ""))) for n, text in resources(language).items() if about(english.get(n, "")))  # fmt: skip
        source = f"locales/{language}.pak of Chromium"
        yield Family(f"Chromium in {language}", source, told(texts), (), "client")


def about(english: str) -> bool:
    """Whether a text is one of those pages, so that its sentences are compared with theirs."""
    return bool(causes_of(english)) or english.startswith(_UNPROVEN[:40])


def causes_of(text: str) -> str:
    return next((causes for start, causes in SAID.items() if text.startswith(start)), "")


def resources(language: str) -> dict[int, str]:
    """Texts by number: version 5 of the format, a table of places and one of doubles."""
    data = (PACKS / f"{language}.pak").read_bytes()
    _, _, count, doubles = struct.unpack_from("<IB3xHH", data)
    places = [struct.unpack_from("<HI", data, 12 + 6 * index) for index in range(count + 1)]
    found = {n: (start, end) for (n, start), (_, end) in itertools.pairwise(places)}
    for index in range(doubles):
        number, of = struct.unpack_from("<HH", data, 12 + 6 * (count + 1) + 4 * index)
        found[number] = (places[of][1], places[of + 1][1])
    return {n: data[start:end].decode(errors="replace") for n, (start, end) in found.items()}
