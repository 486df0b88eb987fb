"""A certificate of one's own is shown where it fits, and refused in a line where it does not."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from detector.errors import ConfigError
from detector.lab.graded.servers import Place, grade_servers
from detector.lab.graded.shown_certificate import shown_certificate
from detector.lab.pki import Credential, LabPki
from detector.model.grades import GOOD, ROOTED

NAME = "grade.test"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def files(folder: Path, one: Credential) -> tuple[Path, Path]:
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_text(one.chain_pem)
    key.write_text(one.key_pem)
    return chain, key


def test_servers_whose_tls_is_bad_show_it_and_those_whose_certificate_is_bad_do_not(
    tmp_path: Path,
) -> None:
    public = LabPki().issue(f"*.{NAME}", key=KEY)
    own = shown_certificate(*files(tmp_path, public), NAME)
    assert own.chain == public.chain

    async def go() -> dict[str, str]:
        async with grade_servers(LabPki(), Place(NAME), print, own=own) as servers:
            return servers.leaves

    leaves = asyncio.run(go())
    shown = {label for label, leaf in leaves.items() if leaf == sha256(own.der).hexdigest()}
    assert {GOOD, "server-ssl3", "server-rc4"} <= shown
    assert not {ROOTED, "expired", "without-ct", "self-signed"} & shown
    assert ROOTED in leaves


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (lambda: LabPki().issue(f"*.{NAME}"), "is no RSA key"),
        (lambda: LabPki().issue(f"good.{NAME}", key=KEY), "is not for"),
        (
            lambda: Credential(
                LabPki().issue(f"*.{NAME}", key=KEY).certificate,
                rsa.generate_private_key(public_exponent=65537, key_size=2048),
            ),
            "is not the key of",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_does_not_fit_is_refused(tmp_path: Path, one: object, why: str) -> None:
    assert callable(one)
    with pytest.raises(ConfigError, match=why):
        shown_certificate(*files(tmp_path, one()), NAME)


@pytest.mark.parametrize(
    "data", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\0"]
)
def test_garbage_is_refused(tmp_path: Path, data: str) -> None:
    chain, key = files(tmp_path, LabPki().issue(f"*.{NAME}", key=KEY))
    for path in (chain, key):
        kept = path.read_text()
        path.write_text(data)
        with pytest.raises(ConfigError, match="holds no"):
            shown_certificate(chain, key, NAME)
        path.write_text(kept)
