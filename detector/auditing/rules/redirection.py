"""Settings: verification that is off, trust that leads nowhere, secrets that are logged."""

from __future__ import annotations

from detector.auditing.model import Finding, Setting

_FALSE = frozenset(("0", "false", "no", "off"))
_TRUE = frozenset(("1", "true", "yes", "on", ""))

# Settings that turn verification off, and the values with which they do.
_OFF: dict[str, frozenset[str] | None] = {
    "env:NODE_TLS_REJECT_UNAUTHORIZED": frozenset(("0",)),
    "env:PYTHONHTTPSVERIFY": frozenset(("0",)),
    "env:GIT_SSL_NO_VERIFY": None,  # whatever it is set to
    "env:CONDA_SSL_VERIFY": _FALSE,
    "git:http.sslverify": _FALSE,
    "npmrc:strict-ssl": _FALSE,
    "pip:global.trusted-host": None,
    "condarc:ssl_verify": _FALSE,
    "curlrc:insecure": _TRUE,
    "wgetrc:check_certificate": _FALSE,
    "apt:acquire::https::verify-peer": _FALSE,
}


def find(setting: Setting) -> Finding | None:
    """What is wrong with one setting, if anything."""
    if setting.key in _OFF:
        values = _OFF[setting.key]
        if values is None or setting.value.strip().casefold() in values:
            text = f"{_name(setting)} turns certificate verification off."
            return Finding("verification-off", "error", text, "take it out", setting.where)
        return None
    if setting.key == "env:SSLKEYLOGFILE":
        text = f"SSLKEYLOGFILE writes session keys to {setting.value}: whoever reads it reads TLS."
        return Finding("keys-logged", "warning", text, "unset it", setting.where)
    if setting.missing:
        text = f"{_name(setting)} names {setting.value}, which is not there; what uses it fails."
        return Finding("trust-missing", "warning", text, "correct or unset it", setting.where)
    if setting.key.lower().endswith("_proxy") and setting.key.lower() != "env:no_proxy":
        text = f"{_name(setting)} sends traffic through {setting.value}."
        return Finding("proxy-set", "note", text, "tlsight check tells what it does", setting.where)
    return None


def _name(setting: Setting) -> str:
    kind, _, name = setting.key.partition(":")
    return name if kind == "env" else f"{name} in {setting.where}"
