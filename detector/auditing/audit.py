"""Rules over a survey. Each root gets the most telling of three findings, and what is wrong besides."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from detector.auditing.model import Finding, Place, Root, Setting, Survey, TrustKnowledge
from detector.auditing.rules import (
    expired,
    interceptor,
    local_root,
    published_key,
    redirection,
    weak_key,
)
from detector.errors import CertificateError

Rule = Callable[[Root, Place, TrustKnowledge], Finding | None]

# The first that finds something speaks; a Superfish root need not be called local as well.
WHOSE: tuple[Rule, ...] = (published_key.find, interceptor.find, local_root.find)
BESIDES: tuple[Rule, ...] = (weak_key.find, expired.find)
_SECRETS = ("password", "passwd", "passphrase", "secret", "token")


def audit(survey: Survey, known: TrustKnowledge) -> tuple[Finding, ...]:
    """All findings, the worst first. Never raises for what a store holds."""
    found: list[Finding] = []
    for place in survey.places:
        for root in place.roots:
            found += _of_root(root, place, known)
        if place.trouble is not None:
            found.append(
                Finding("unread-store", "note", f"Not read: {place.trouble}", "", place.path)
            )
    for setting in survey.settings:
        finding = redirection.find(setting, known)
        if finding is not None:
            found.append(finding)
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda f: (order[f.level], f.id, f.path)))


def secrets_out(setting: Setting) -> Setting:
    """A setting fit to be shown: the password of a proxy, a server or a key store is nobody's business."""
    value = _without_passwords(_without_logins(setting.value))
    scope = _without_logins(setting.scope)
    if (value, scope) == (setting.value, setting.scope):
        return setting
    names = setting.names if setting.names and setting.names in value else ""
    return msgspec.structs.replace(setting, value=value, names=names, scope=scope)


def _without_logins(text: str) -> str:
    """Without what stands before the @ of each URL."""
    before, *after = text.split("://")
    found = [before]
    for rest in after:
        authority = rest.split("/")[0].split()
        login, at, _ = authority[0].rpartition("@") if authority else ("", "", "")
        found.append(f"***{rest[len(login) :]}" if at and login else rest)
    return "://".join(found)


def _without_passwords(text: str) -> str:
    """Without the values of options that are called like secrets, such as Java's -D...trustStorePassword=."""
    found: list[str] = []
    closing = ""  # of a quoted secret that has spaces in it
    for word in text.split(" "):
        if closing:
            closing = "" if word.endswith(closing) else closing
            continue
        name, equals, value = word.partition("=")
        if equals and value and any(secret in name.lower() for secret in _SECRETS):
            found.append(f"{name}=***")
            quote = value[0] if value[0] in "'\"" else ""
            closing = quote if quote and (len(value) == 1 or not value.endswith(quote)) else ""
        else:
            found.append(word)
    return " ".join(found)


def _of_root(root: Root, place: Place, known: TrustKnowledge) -> list[Finding]:
    found: list[Finding] = []
    try:
        for rule in WHOSE:
            finding = rule(root, place, known)
            if finding is not None:
                found.append(finding)
                break
        found += [finding for rule in BESIDES if (finding := rule(root, place, known))]
    except CertificateError as error:
        text = f"A trusted certificate breaks its grammar: {error.message}."
        sha256 = root.certificate.sha256
        found.append(Finding("malformed-root", "warning", text, "remove it", place.path, sha256))
    return found
