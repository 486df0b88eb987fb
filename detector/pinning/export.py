"""Pins in the words of other programs. Each format is proved by running its consumer in the tests.

What a consumer cannot do is said, never silently dropped: curl and Python compare the leaf's key
only, so CA keys do not help them; nginx knows no key pins at all, only CAs and names; OkHttp and Android
know hosts and no ports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

import msgspec

from detector.known.hosts import HostPattern
from detector.known.knowledge import Pin
from detector.model.targets import HTTPS_PORT, socket_text

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
    warnings = [f"{pin.place}: CA owners cannot be told to {form}" for pin in pins if pin.owners]
    return render(pins, digest, warnings)


def anchor_file(pin: Pin) -> str:
    """The file of the one CA that nginx is to trust for a pin."""
    return f"{_server(pin).replace(':', '_')}.pem"


def _keys(pin: Pin) -> tuple[str, ...]:
    return pin.keys or pin.issuers


def _server(pin: Pin) -> str:
    """Host and port as a URL of HTTPS has them."""
    host = pin.host.text
    if pin.port not in (None, HTTPS_PORT):
        return socket_text(host, pin.port)
    return f"[{host}]" if ":" in host else host


def _by_host(pins: Sequence[Pin], form: str, warnings: list[str]) -> dict[HostPattern, list[Pin]]:
    """Pins of one host together, for programs that know no ports."""
    hosts: dict[HostPattern, list[Pin]] = {}
    for pin in pins:
        hosts.setdefault(pin.host, []).append(pin)
        if pin.port not in (None, HTTPS_PORT):
            warnings.append(f"{pin.place}: {form} pins a host on all its ports")
    return hosts


def _curl(pins: Sequence[Pin], digest: Callable[[str], str], warnings: list[str]) -> ExportedPins:
    """A config file for `curl -K`: one transfer a host."""
    blocks: list[str] = []
    for pin in pins:
        if pin.host.text.startswith((".", "*")):
            warnings.append(f"{pin.place}: curl pins one host at a time")
            continue
        if not pin.keys:
            warnings.append(f"{pin.place}: curl compares the leaf's key only")
            continue
        keys = ";".join(f"sha256//{digest(key)}" for key in pin.keys)
        blocks.append(f'url = "https://{_server(pin)}/"\npinnedpubkey = "{keys}"\n')
    return ExportedPins("next\n".join(blocks), tuple(warnings))


def _okhttp(pins: Sequence[Pin], digest: Callable[[str], str], warnings: list[str]) -> ExportedPins:
    """Java for OkHttp's CertificatePinner, which looks at the whole path."""
    lines: list[str] = []
    for pattern, group in _by_host(pins, "OkHttp", warnings).items():
        every = dict.fromkeys(key for pin in group for key in _keys(pin))
        keys = ", ".join(json.dumps(f"sha256/{digest(key)}") for key in every)
        lines += [f"    .add({json.dumps(h)}, {keys})\n" for h in _okhttp_patterns(pattern.text)]
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
    for pattern, group in _by_host(pins, "Android", warnings).items():
        host = pattern.text
        if host.startswith("*"):
            warnings.append(f"{host}: Android knows a domain, or it with all below")
            continue
        below = "true" if host.startswith(".") else "false"
        ends = [pin.expires for pin in group if pin.expires is not None]
        expires = f' expiration="{min(ends).isoformat()}"' if ends else ""
        every = dict.fromkeys(key for pin in group for key in _keys(pin))
        keys = "".join(f'            <pin digest="SHA-256">{digest(key)}</pin>\n' for key in every)
        if len(every) < 2:
            warnings.append(f"{host}: Android asks for a backup pin")
        domain = escape(host.lstrip("."))
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
        file = anchor_file(pin)
        warnings.append(f"{pin.place}: nginx knows no key pins; it will trust the one CA of {file}")
        keys = "".join(f"    # pinned: sha256//{digest(key)}\n" for key in _keys(pin))
        blocks.append(
            f"location / {{\n{keys}    proxy_pass https://{_server(pin)};\n    proxy_ssl_verify on;\n"
            f"    proxy_ssl_verify_depth 4;\n    proxy_ssl_trusted_certificate {file};\n"
            f"    proxy_ssl_server_name on;\n    proxy_ssl_name {host};\n}}\n"
        )
    return ExportedPins("".join(blocks), tuple(warnings))


def _python(pins: Sequence[Pin], digest: Callable[[str], str], warnings: list[str]) -> ExportedPins:
    """A module that opens verified connections whose leaf key is pinned; needs `cryptography`."""
    table: dict[tuple[str, int | None], list[str]] = {}
    for pin in pins:
        if not pin.keys:
            warnings.append(f"{pin.place}: only the leaf's key is compared")
            continue
        table.setdefault((pin.host.text, pin.port), []).extend(digest(key) for key in pin.keys)
    rows = "".join(
        f"    ({json.dumps(host)}, {port}): {json.dumps(keys)},\n"
        for (host, port), keys in table.items()
    )
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
    pins = pins_for(host, port)
    if pins and key_of(tls) not in pins:
        tls.close()
        raise ssl.SSLError(f"{host}: none of the pinned keys was shown")
    return tls


def pins_for(host, port=443):
    """Pinned keys of a host; a pattern ".example.com" is for it and everything below.

    Those of the port come before those for all ports, whose port is None.
    """
    for wanted in (port, None):
        for (pattern, number), keys in PINS.items():
            below = pattern.startswith(".") and (host == pattern[1:] or host.endswith(pattern))
            if number == wanted and (host == pattern or below):
                return keys
    return []


def key_of(tls):
    """SHA-256 of the server's key, base64."""
    leaf = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True))
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
'''
