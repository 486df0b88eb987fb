"""The fleet's folder: its keys, its own CA, what it knows of its members, its server's data. For its owner alone.

    keys.json         seeds of the operator, the accounts and the roles; the key that signs lists (addons.fleet.accounts)
    ca.pem, ca.key    the CA that agents trust for this server and nothing else
    server.pem        the server's certificate and key, made anew in time
    members.sqlite3   tokens, agents, gateways, revocations, published lists
    nats.conf, nats/  the embedded server's
    fleet.sqlite3     the collector's, where no other database is named

Who has a copy of keys.json is the fleet: back it up, and keep the copy as one keeps a CA's key.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from addons.fleet.accounts import PLACES, FleetKeys
from addons.fleet.rights import RIGHTS
from addons.store.private_file import read_private, write_private
from detector.bounded import read_whole
from detector.errors import ConfigError, StoreError
from detector.knowledge.folders import state_folder
from detector.knowledge.whole_file import locked
from detector.model.no_json import NO_JSON
from detector.wire.nkey import Kind, NKey

CA_DAYS, SERVER_DAYS = 7300, 397
_RENEW_BEFORE = 30
_MAX_PEM = 1 << 20
_SALT = b"tlsight fleet, networks' salt 1\0"


def default_home(environment: Mapping[str, str]) -> Path:
    """In systemd's STATE_DIRECTORY, else in the XDG state folder."""
    return state_folder(environment) / "fleet"


class FleetHome:
    """An existing one, or with `make` a fresh one. Raises StoreError, ConfigError.

    Args:
        folder: where it is.
        make: make what is missing; without it a folder without keys is refused.

    """

    def __init__(self, folder: Path, *, make: bool = False) -> None:
        self.folder = folder
        if make:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(str(folder), f"cannot be made: {error.strerror}") from None
            with locked(folder / "keys.json"):
                if not (folder / "keys.json").exists():
                    self._make_keys()
        self.keys = self._keys()

    @property
    def members(self) -> Path:
        return self.folder / "members.sqlite3"

    @property
    def database(self) -> Path:
        return self.folder / "fleet.sqlite3"

    @property
    def store(self) -> Path:
        return self.folder / "nats"

    @property
    def config(self) -> Path:
        return self.folder / "nats.conf"

    @property
    def server(self) -> Path:
        return self.folder / "server.pem"

    def salt(self) -> str:
        """Of networks' digests, for who is enrolled: of the private key, so that it needs no keeping and nobody guesses it."""
        return sha256(_SALT + self.keys.signer.encode()).hexdigest()

    def ca(self) -> str | None:
        """PEM of the own CA; None where there is none, since the server has another one's certificate."""
        content = read_private(self.folder / "ca.pem")
        return content.decode() if content is not None else None

    def certify(self, names: Sequence[str], now: datetime) -> bool:
        """See to it that the server's certificate is good for these names for a while; whether it was made anew."""
        from cryptography import x509

        content = read_private(self.server)
        if content is not None:
            held = x509.load_pem_x509_certificate(content)
            left = held.not_valid_after_utc - now
            if left.days >= _RENEW_BEFORE and _names_of(held) == set(names):
                return False
        credential = self._authority(now).issue(*names, days=SERVER_DAYS, start=now)
        write_private(self.server, (credential.key_pem + credential.chain_pem).encode())
        return True

    def take_certificate(self, path: Path, ca: Path | None) -> None:
        """Use the user's own certificate in place of one of the own CA. Raises StoreError, ConfigError."""
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        content = read_pem(path)
        roots = read_pem(ca) if ca is not None else None
        try:
            x509.load_pem_x509_certificates(content)
            load_pem_private_key(content, None)
            if roots is not None:
                x509.load_pem_x509_certificates(roots)
        except (ValueError, TypeError):
            remedy = "one PEM file with the chain, leaf first, and the key without a password"
            raise ConfigError(
                str(path), "holds no certificate with its key", remedy=remedy
            ) from None
        write_private(self.server, content)
        for name in ("ca.key", "ca.pem"):
            (self.folder / name).unlink(missing_ok=True)
        if roots is not None:
            write_private(self.folder / "ca.pem", roots)

    def _authority(self, now: datetime):  # type: ignore[no-untyped-def]  # noqa: ANN202 (a library of tests' and ours)
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        from detector.lab.pki import Authority

        key, pem = read_private(self.folder / "ca.key"), read_private(self.folder / "ca.pem")
        if key is None or pem is None:
            made = Authority(
                "tlsight fleet CA", organization="tlsight", profile=False, now=now, days=CA_DAYS
            )
            write_private(self.folder / "ca.key", made.credential().key_pem.encode())
            write_private(self.folder / "ca.pem", made.pem.encode())
            return made
        try:
            loaded = load_pem_private_key(key, None)
            found = Authority(
                "tlsight fleet CA",
                organization="tlsight",
                profile=False,
                now=now,
                key=loaded,  # type: ignore[arg-type]
            )
            found.certificate = x509.load_pem_x509_certificate(pem)
        except ValueError:
            raise StoreError(
                str(self.folder / "ca.pem"), "is damaged", remedy="put a backup back"
            ) from None
        return found

    def _make_keys(self) -> None:
        def seed(kind: Kind) -> str:
            return NKey(kind, secrets.token_bytes(32)).seed

        keys = FleetKeys(
            seed("operator"),
            seed("account"),
            {place: seed("account") for place in PLACES},
            {role: seed("account") for role in RIGHTS},
            secrets.token_hex(32),
        )
        content = msgspec.json.format(msgspec.json.encode(keys)) + b"\n"
        write_private(self.folder / "keys.json", content)

    def _keys(self) -> FleetKeys:
        path = self.folder / "keys.json"
        content = read_private(path)
        if content is None:
            remedy = "tlsight fleet serve makes it; --store FOLDER names another one"
            raise StoreError(str(path), "is not there", remedy=remedy)
        try:
            return msgspec.json.decode(content, type=FleetKeys)
        except NO_JSON:
            raise StoreError(str(path), "is damaged", remedy="put a backup back") from None


def _names_of(certificate: object) -> set[str]:
    from cryptography import x509

    assert isinstance(certificate, x509.Certificate)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(one.value) for one in found}


def program(environment: Mapping[str, str]) -> Path:
    """Where nats-server is: beside this Python, as its PyPI package puts it, or on PATH. Raises ConfigError."""
    import shutil
    import sys

    beside = Path(sys.executable).parent
    path = os.pathsep.join((str(beside), environment.get("PATH", ""), "/usr/local/sbin:/usr/sbin"))
    found = shutil.which("nats-server", path=path)
    if found is None:
        remedy = "pip install 'tlsight[fleet]', or install Debian's nats-server"
        raise ConfigError("fleet serve", "nats-server is not installed", remedy=remedy)
    return Path(found)


def read_pem(path: Path) -> bytes:
    """A file of certificates that the caller named. Raises ConfigError."""
    try:
        return read_whole(path, _MAX_PEM)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or "cannot be read") from None
