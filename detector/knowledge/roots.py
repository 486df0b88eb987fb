"""Trust anchors: the public programs' (certifi, or a file) and this machine's own."""

from __future__ import annotations

import ssl
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from detector.bounded import read_bounded, read_whole
from detector.chain.anchors import TrustAnchors
from detector.chain.certificate import split_pem
from detector.errors import CertificateError, ConfigError
from detector.knowledge.rows import MAX_FILE

# Where Linux distributions and BSDs keep the bundle that their programs read.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine, BSDs
)


@lru_cache(maxsize=1)
def public_roots() -> TrustAnchors:
    """Mozilla's roots as certifi ships them."""
    import certifi

    return TrustAnchors.from_pem(
        Path(certifi.where()).read_bytes(), f"certifi {certifi.__version__}"
    )


def roots_from_file(path: Path) -> TrustAnchors:
    """Roots of a PEM or DER file. Raises ConfigError when there is no certificate in it."""
    try:
        data = read_whole(path, MAX_FILE)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or str(error)) from None
    try:
        anchors = TrustAnchors.from_pem(data, str(path))
        if not len(anchors) and data[:1] == b"\x30":
            anchors = TrustAnchors((data,), str(path))
        usable = anchors.certificates
    except CertificateError as error:
        raise ConfigError(str(path), error.message) from None
    if not usable:
        remedy = "give a PEM file with the roots' certificates"
        raise ConfigError(str(path), "no certificate in it", remedy=remedy)
    return anchors


@lru_cache(maxsize=1)
def local_roots() -> TrustAnchors:
    """The operating system's store; empty where none can be read.

    Reads OpenSSL's default file and the known bundles on Unix, the ROOT store on Windows, the
    system and admin keychains on macOS.
    """
    readers = {"win32": _windows, "darwin": _macos}
    return readers.get(sys.platform, _bundles)()


def _windows() -> TrustAnchors:
    listed = vars(ssl)["enum_certificates"]("ROOT")  # exists on Windows alone
    found = {data for data, encoding, _ in listed if encoding == "x509_asn"}
    return TrustAnchors(found, "Windows ROOT store")


def _macos() -> TrustAnchors:
    chains = (
        "/System/Library/Keychains/SystemRootCertificates.keychain",
        "/Library/Keychains/System.keychain",
    )
    command = ["/usr/bin/security", "find-certificate", "-a", "-p", *chains]
    pem = subprocess.run(command, capture_output=True, timeout=30, check=False).stdout
    return TrustAnchors.from_pem(pem, "macOS keychains")


def _bundles() -> TrustAnchors:
    default = ssl.get_default_verify_paths().cafile
    certificates: dict[bytes, None] = {}  # in order, each once
    names: list[str] = []
    for name in dict.fromkeys((default, *_BUNDLES)):
        if not name:
            continue
        try:
            certificates |= dict.fromkeys(split_pem(read_bounded(Path(name), MAX_FILE)))
        except (OSError, CertificateError):
            continue
        names.append(name)
    return TrustAnchors(certificates, names[0] if names else "no local store")
