"""Detached signatures: minisign's own test vectors, OpenSSL's signatures, and what is none."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from addons.bypass.feed_signature import MAX_SIGNATURE, read_key, verify
from detector.errors import ConfigError

# The vectors that minisign's implementations test with, over the four bytes "test": hashed, and of old.
KEY = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
HASHED = b"""untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==
"""
OLD = b"""untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==
"""


@pytest.mark.parametrize(("signature", "time"), [(HASHED, 1556193335), (OLD, 1555779966)])
def test_minisigns_own_vectors_hold_and_say_their_time(signature: bytes, time: int) -> None:
    found = verify(b"test", signature, read_key(KEY))
    assert found.time == time
    assert "E7620F1842B4E81F" in found.text
    verify(b"test", signature.replace(b"\n", b"\r\n"), read_key(f"untrusted comment: x\n{KEY}\n"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((b"timestamp:1556193335", b"timestamp:1956193335"), "comment was changed"),
        ((b"RUQf6LRCGA9i559r", b"RWQf6LRCGA9i559r"), "not made over this list"),
        ((b"RUQf6LRCGA9i559r", b"RVQf6LRCGA9i559r"), "kind that is not known"),
        ((b"RUQf6LRCGA9i559r", b"RUQg6LRCGA9i559r"), "not this one"),
        ((b"trusted comment: t", b"trusted: t"), "none of minisign's"),
        ((b"y/rUw2y8", b"AAAAw2y8"), "comment was changed"),
        ((b"y/rUw2y8", b"!"), "none of minisign's"),
        ((b"\ntrusted", b"\n\ntrusted"), "none of minisign's"),
    ],
)
def test_a_changed_signature_of_minisigns_is_refused(change: tuple[bytes, bytes], why: str) -> None:
    assert HASHED.count(change[0]) >= 1
    with pytest.raises(ConfigError, match=why):
        verify(b"test", HASHED.replace(*change), read_key(KEY))


def test_another_list_is_refused() -> None:
    for signature in (HASHED, OLD):
        with pytest.raises(ConfigError, match="not made over this list"):
            verify(b"Test", signature, read_key(KEY))


def test_a_file_cannot_choose_what_kind_of_signature_is_asked_of_it() -> None:
    key = read_key(KEY)
    bare = base64.b64decode(OLD.splitlines()[1])[10:]
    with pytest.raises(ConfigError, match="none of minisign's"):
        verify(b"test", bare, key)
    with pytest.raises(ConfigError, match="not made over"):
        verify(b"test", OLD, read_key(key.raw.hex()))
    assert verify(b"test", bare, read_key(key.raw.hex())).time is None


def test_what_openssl_signs_holds_in_each_form(tmp_path: Path) -> None:
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "list").write_bytes(b"a.vendor.example\n")
    openssl("genpkey", "-algorithm", "ed25519", "-out", "key.pem")
    openssl("pkey", "-in", "key.pem", "-pubout", "-out", "public.pem")
    openssl("pkeyutl", "-sign", "-rawin", "-inkey", "key.pem", "-in", "list", "-out", "sig")
    key, made = read_key((tmp_path / "public.pem").read_text()), (tmp_path / "sig").read_bytes()
    assert key.ending == ".sig"
    for form in (made, made.hex().encode(), base64.b64encode(made) + b"\n"):
        verify(b"a.vendor.example\n", form, key)
        with pytest.raises(ConfigError):
            verify(b"b.vendor.example\n", form, key)
    with pytest.raises(ConfigError):
        verify(b"a.vendor.example\n", bytes(64), key)


@pytest.mark.parametrize(
    "text",
    ["", "RW", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO", "00" * 31, "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n", "é"],
)  # fmt: skip
def test_what_is_no_key_is_one_error(text: str) -> None:
    with pytest.raises(ConfigError, match="key"):
        read_key(text)


def test_a_key_for_something_else_is_refused(tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "x25519", "-out", "key.pem"], cwd=tmp_path, check=True
    )
    made = subprocess.run(
        ["openssl", "pkey", "-in", "key.pem", "-pubout"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        read_key(made.stdout.decode())


@given(st.binary(max_size=300))
def test_any_bytes_beside_a_list_are_refused_in_one_way(signature: bytes) -> None:
    raw = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    for key in (read_key(KEY), read_key(raw.hex())):
        with pytest.raises(ConfigError, match="signature"):
            verify(b"list", signature, key)


def test_a_huge_signature_is_not_looked_at() -> None:
    with pytest.raises(ConfigError, match="larger"):
        verify(b"test", HASHED + bytes(MAX_SIGNATURE), read_key(KEY))
