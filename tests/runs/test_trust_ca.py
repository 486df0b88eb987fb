"""Which CA anybody may be told to trust."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from detector.chain.certificate import Certificate
from detector.errors import ConfigError
from detector.known.knowledge import Policy, PrivateIssuer, PublishedKey, PublishedKeys, Sanctioned
from detector.lab.pki import Authority
from detector.runs.trust_ca import read_ca, trustworthy_ca

NOW = datetime.now(UTC)
NONE = PublishedKeys(())


@pytest.fixture
def file(tmp_path: Path, corporate: Authority) -> Path:
    path = tmp_path / "ca.pem"
    path.write_text(corporate.pem)
    return path


def trusted(
    path: Path, *, sha256: str | None = None, policy: Policy | None = None,
    published: PublishedKeys = NONE, at: datetime = NOW,
) -> Certificate:  # fmt: skip
    return trustworthy_ca(path, sha256=sha256, policy=policy, published=published, at=at)


def test_its_owner_says_the_digest_of_certificate_or_file(file: Path, corporate: Authority) -> None:
    digest = Certificate(corporate.der).sha256
    colons = ":".join(digest[n : n + 2] for n in range(0, 64, 2)).upper()
    of_file = hashlib.sha256(file.read_bytes()).hexdigest()
    for said in (digest, colons, of_file):
        assert trusted(file, sha256=said).der == corporate.der


def test_a_der_file_is_read_too(file: Path, corporate: Authority) -> None:
    file.write_bytes(corporate.der)
    assert read_ca(file).der == corporate.der


def test_a_policy_that_declares_its_key_is_an_answer_until_it_expires(
    file: Path, corporate: Authority
) -> None:
    spki = Certificate(corporate.der).spki_sha256
    over, on = date(2020, 1, 1), date(2999, 1, 1)
    assert trusted(file, policy=Policy(private=(PrivateIssuer(spki, (), "", on),)))
    assert trusted(file, policy=Policy(sanctioned=(Sanctioned("x", "0", (), also=(spki,)),)))
    for policy in (Policy(), Policy(private=(PrivateIssuer(spki, (), "", over),)),
                   Policy(sanctioned=(Sanctioned("x", spki, (), expires=over),))):  # fmt: skip
        with pytest.raises(ConfigError, match="policy does not declare"):
            trusted(file, policy=policy)


def test_without_an_answer_it_is_refused_with_the_digest_to_ask_for(
    file: Path, corporate: Authority
) -> None:
    with pytest.raises(ConfigError, match=Certificate(corporate.der).sha256):
        trusted(file)
    with pytest.raises(ConfigError, match="not what --sha256 says"):
        trusted(file, sha256="0" * 64)
    with pytest.raises(ConfigError, match="64 hex digits"):
        trusted(file, sha256="abc")


def test_what_nobody_shall_trust_is_refused_whoever_answers(
    tmp_path: Path, corporate: Authority
) -> None:
    leaf = corporate.issue("a.test")
    below = Authority("Below", parent=corporate)
    cases = {
        "is no CA's certificate": (leaf.der, NONE, NOW),
        "is no root": (below.der, NONE, NOW),
        "expired on": (corporate.der, NONE, NOW + timedelta(days=5000)),
        "is not valid before": (corporate.der, NONE, NOW - timedelta(days=400)),
        "private key of Leaked is public": (
            corporate.der,
            PublishedKeys((PublishedKey("Leaked", "x", Certificate(corporate.der).spki_sha256),)),
            NOW,
        ),
    }
    for says, (der, published, at) in cases.items():
        path = tmp_path / "x.der"
        path.write_bytes(der)
        with pytest.raises(ConfigError, match=says) as caught:
            trusted(path, sha256=Certificate(der).sha256, published=published, at=at)
        assert caught.value.remedy


@pytest.mark.parametrize(
    "data", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_holds_none_is_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        read_ca(path)
    with pytest.raises(ConfigError, match="No such file"):
        read_ca(tmp_path / "gone")


def test_a_file_of_two_is_refused(file: Path) -> None:
    file.write_text(file.read_text() + Authority("Other").pem)
    with pytest.raises(ConfigError, match="holds 2 certificates"):
        read_ca(file)
