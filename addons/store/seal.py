"""The key that signs the audit trail, and the last heads beside it.

Rules
-----
1. The key is made at the first decision, mode 0600, beside the store as NAME.key, or where
   TLSIGHT_BYPASS_KEY says: on another volume, or readable for another user, it is out of reach of who has the
   store alone.
2. The last head is kept beside the key as KEY.heads. A head that the trail no longer has stays there until a
   person accepts the loss: who cuts the trail must not be able to hide it by deciding something next.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from addons.bypass.audit import Head, signed_text
from addons.store.private_file import read_private, write_private
from detector.errors import StoreError

KEY_VARIABLE = "TLSIGHT_BYPASS_KEY"
_LENGTH = 32


class Seal:
    """Reads nothing before it is asked. Raises StoreError for a key or heads that cannot be used.

    Args:
        path: of the key.
        store: whose key it is.

    """

    def __init__(self, path: Path, store: Path) -> None:
        self.path = path
        self.heads_path = path.with_name(f"{path.name}.heads")
        self._store = store
        self._secret: bytes | None = None

    def public_key(self) -> str | None:
        """Raw, in hex; None where there is no key yet."""
        secret = self._read()
        return None if secret is None else _public(secret)

    def sign(self, number: int, digest: str) -> Head:
        """The signed head; the first one makes the key. Called under the store's own lock."""
        key, signature = self.sign_text(signed_text(number, digest))
        return Head(number, digest, key, signature)

    def sign_text(self, text: bytes) -> tuple[str, str]:
        """Public key and signature, in hex. The text says what it is for: else it would count elsewhere, too."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        secret = self._read() or self._made()
        return _public(secret), Ed25519PrivateKey.from_private_bytes(secret).sign(text).hex()

    def heads(self) -> tuple[Head, ...] | None:
        """The heads kept, None where there is no such file."""
        content = read_private(self.heads_path)
        if content is None:
            return None
        try:
            return tuple(msgspec.json.decode(line, type=Head) for line in content.splitlines())
        except msgspec.MsgspecError:
            raise StoreError(str(self.heads_path), "holds no heads") from None

    def keep(self, heads: tuple[Head, ...]) -> None:
        """In place of those before."""
        content = b"".join(msgspec.json.encode(one) + b"\n" for one in heads)
        write_private(self.heads_path, content, beside=self._store)

    def _read(self) -> bytes | None:
        if self._secret is None:
            self._secret = self._from_file()
        return self._secret

    def _from_file(self) -> bytes | None:
        content = read_private(self.path)
        if content is None:
            return None
        try:
            secret = bytes.fromhex(content.decode().strip())
        except ValueError:
            secret = b""
        if len(secret) != _LENGTH:
            raise StoreError(str(self.path), "holds no key", remedy="put the right one back")
        return secret

    def _made(self) -> bytes:
        import secrets

        secret = secrets.token_bytes(_LENGTH)  # RFC 8032 section 5.1.5: any 32 bytes of chance
        write_private(self.path, f"{secret.hex()}\n".encode(), beside=self._store)
        self._secret = secret
        return secret


def seal_of(store: Path, environment: Mapping[str, str]) -> Seal:
    """A store's own."""
    named = environment.get(KEY_VARIABLE)
    return Seal(Path(named) if named else store.with_name(f"{store.name}.key"), store)


def _public(secret: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw().hex()
