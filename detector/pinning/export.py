"""Pins in the words of other programs. Each format is proved by running its consumer in the tests.

What a consumer cannot do is said, never silently dropped: curl and Python compare the leaf's key
only, so CA keys do not help them; nginx knows no key pins at all, only CAs and names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

import msgspec

from detector.known.knowledge import Pin

FORMATS = ("curl", "okhttp", "android", "nginx-upstream", "python")


class ExportedPins(msgspec.Struct, frozen=True):
    """A rendering.

    Attributes:
        text: what to put into the consumer's file.
        warnings: pins that could not be expressed, one line each.

    """

    text: str
    warnings: tuple[str, ...]


def export(pins: Sequence[Pin], form: str, digest: Callable[[str], str]) -> ExportedPins:
    """All of `pins` as `form`, one of FORMATS. `digest` gives a key's SHA-256 in base64."""
    render = {
        "curl": _curl,
        "okhttp": _okhttp,
        "android": _android,
        "nginx-upstream": _nginx,
        "python": _python,
    }[form]
    warnings = [
        f"{pin.host.text}: CA owners cannot be told to {form}" for pin in pins if pin.owners
    ]
    return render(pins, digest, warnings)


def _keys(pin: Pin) -> tuple[str, ...]:
    return pin.keys or pin.issuers


def _curl(pins: Sequence[Pin], digest: Callable[[str], str], warnings: list[str]) -> ExportedPins:
    """A config file for `curl -K`: one transfer a host."""
    blocks: list[str] = []
    for pin in pins:
        if pin.host.text.startswith((".", "*")):
            warnings.append(f"{pin.host.text}: curl pins one host at a time")
            continue
        if not pin.keys:
            warnings.append(f"{pin.host.text}: curl compares the leaf's key only")
            continue
        keys = ";".join(f"sha256//{digest(key)}" for key in pin.keys)
        blocks.append(f'url = "https://{pin.host.text}/"\npinnedpubkey = "{keys}"\n')
    return ExportedPins("next\n".join(blocks), tuple(warnings))


def _okhttp(pins: Sequence[Pin], digest: Callable[[str], str], warnings: list[str]) -> ExportedPins:
    """Java for OkHttp's CertificatePinner, which looks at the whole path."""
    lines: list[str] = []
    for pin in pins:
        for host in _okhttp_patterns(pin.host.text):
            keys = ", ".join(json.dumps(f"sha256/{digest(key)}") for key in _keys(pin))
            lines.append(f"    .add({json.dumps(host)}, {keys})\n")
    body = "".join(lines)
    text = f"CertificatePinner pins = new CertificatePinner.Builder()\n{body}    .build();\n"
    return ExportedPins(text, tuple(warnings))


def _okhttp_patterns(host: str) -> tuple[str, ...]:
    # "**." is any number of labels, but not none; "*." is one (OkHttp's documentation).
    return (host[1:], f"**{host}") if host.startswith(".") else (host,)


def _android(
    pins: Sequence[Pin], digest: Callable[[str], str], warnings: list[str]
) -> ExportedPins:
    """res/xml/network_security_config.xml."""
    parts: list[str] = []
    for pin in pins:
        if pin.host.text.startswith("*"):
            warnings.append(f"{pin.host.text}: Android knows a domain, or it with all below")
            continue
        below = "true" if pin.host.text.startswith(".") else "false"
        expires = f' expiration="{pin.expires.isoformat()}"' if pin.expires else ""
        keys = "".join(
            f'            <pin digest="SHA-256">{digest(key)}</pin>\n' for key in _keys(pin)
        )
        if len(_keys(pin)) < 2:
            warnings.append(f"{pin.host.text}: Android asks for a backup pin")
        domain = escape(pin.host.text.lstrip("."))
        parts.append(
            f'    <domain-config>\n        <domain includeSubdomains="{below}">{domain}</domain>\n'
            f"        <pin-set{expires}>\n{keys}        </pin-set>\n    </domain-config>\n"
        )
    head = '<?xml version="1.0" encoding="utf-8"?>\n<network-security-config>\n'
    return ExportedPins(f"{head}{''.join(parts)}</network-security-config>\n", tuple(warnings))


def _nginx(pins: Sequence[Pin], digest: Callable[[str], str], warnings: list[str]) -> ExportedPins:
    """A location for each upstream: nginx checks CA and name; the CA file is named for the host."""
    blocks: list[str] = []
    for pin in pins:
        host = pin.host.text
        if host.startswith((".", "*")):
            warnings.append(f"{host}: an upstream is one host")
            continue
        warnings.append(f"{host}: nginx knows no key pins; it will trust the one CA of {host}.pem")
        keys = "".join(f"    # pinned: sha256//{digest(key)}\n" for key in _keys(pin))
        blocks.append(
            f"location / {{\n{keys}    proxy_pass https://{host};\n    proxy_ssl_verify on;\n"
            f"    proxy_ssl_verify_depth 4;\n    proxy_ssl_trusted_certificate {host}.pem;\n"
            f"    proxy_ssl_server_name on;\n    proxy_ssl_name {host};\n}}\n"
        )
    return ExportedPins("".join(blocks), tuple(warnings))


def _python(pins: Sequence[Pin], digest: Callable[[str], str], warnings: list[str]) -> ExportedPins:
    """A module that opens verified connections whose leaf key is pinned; needs `cryptography`."""
    table: dict[str, list[str]] = {}
    for pin in pins:
        if not pin.keys:
            warnings.append(f"{pin.host.text}: only the leaf's key is compared")
            continue
        table[pin.host.text] = [digest(key) for key in pin.keys]
    rows = "".join(f"    {json.dumps(host)}: {json.dumps(keys)},\n" for host, keys in table.items())
    return ExportedPins(_PYTHON.replace("@PINS@", rows), tuple(warnings))


_PYTHON = '''"""TLS connections whose server must show a pinned key."""

import base64
import hashlib
import socket
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PINS = {
@PINS@}


def connect(host, port=443, *, address=None, context=None):
    """A verified TLS socket to `host`. Raises ssl.SSLError when the key is not a pinned one."""
    context = context or ssl.create_default_context()
    raw = socket.create_connection(address or (host, port), timeout=30)
    tls = context.wrap_socket(raw, server_hostname=host)
    pins = pins_for(host)
    if pins and key_of(tls) not in pins:
        tls.close()
        raise ssl.SSLError(f"{host}: none of the pinned keys was shown")
    return tls


def pins_for(host):
    """Pinned keys of a host; a pattern ".example.com" is for it and everything below."""
    for pattern, keys in PINS.items():
        below = pattern.startswith(".") and (host == pattern[1:] or host.endswith(pattern))
        if host == pattern or below:
            return keys
    return []


def key_of(tls):
    """SHA-256 of the server's key, base64."""
    leaf = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True))
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
'''
