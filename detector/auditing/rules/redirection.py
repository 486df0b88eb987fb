"""Settings: verification that is off, trust that leads nowhere, secrets that are logged, proxies."""

from __future__ import annotations

from detector.auditing.model import Finding, Setting, TrustKnowledge
from detector.auditing.obeyed import obeys


def find(setting: Setting, known: TrustKnowledge) -> Finding | None:
    """What is wrong with one setting, if anything."""
    name = setting.key.partition(":")[2]
    for row in known.unsafe.get(setting.key, ()):
        if obeys(row.when, setting.value):
            text = f"{_name(setting)} turns certificate verification off."
            return _finding("verification-off", "error", text, "take it out", setting)
    if setting.key == "env:SSLKEYLOGFILE":
        text = f"SSLKEYLOGFILE writes session keys to {setting.value}: whoever reads it reads TLS."
        return _finding("keys-logged", "warning", text, "unset it", setting)
    if setting.missing:
        text = f"{_name(setting)} names {setting.value}, which is not there; what uses it fails."
        return _finding("trust-missing", "warning", text, "correct or unset it", setting)
    if "proxy" in name.casefold() and name.casefold() != "no_proxy" and setting.value:
        text = f"{_name(setting)} sends traffic through {setting.value}."
        return _finding("proxy-set", "note", text, "tlsight check tells what it does", setting)
    return None


def _finding(id_: str, level: str, text: str, remedy: str, setting: Setting) -> Finding:
    return Finding(id_, level, text, remedy, setting.where, line=setting.line)  # type: ignore[arg-type]


def _name(setting: Setting) -> str:
    """The setting, for whom it is, and the file where that is not the environment."""
    kind, _, name = setting.key.partition(":")
    scope = f" for {setting.scope}" if setting.scope else ""
    if kind == "env":
        return f"{name}{scope}"
    return f"{name}{scope} in {setting.where}"
