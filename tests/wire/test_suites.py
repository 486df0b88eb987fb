"""Suites by number, and what named standards say of them."""

from __future__ import annotations

import subprocess

import pytest

from detector.wire import suites


@pytest.mark.parametrize(
    ("code", "name", "grade", "profile"),
    [
        (0x1301, "TLS_AES_128_GCM_SHA256", "good", "modern"),
        (0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "good", "intermediate"),
        (0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "good", "intermediate"),
        (0x009C, "TLS_RSA_WITH_AES_128_GCM_SHA256", "dated", "old"),
        (0xC013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "dated", "old"),
        (0x000A, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "weak", "old"),
        (0x0005, "TLS_RSA_WITH_RC4_128_SHA", "weak", None),
        (0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", "weak", None),
        (0x0001, "TLS_RSA_WITH_NULL_MD5", "weak", None),
        (0xC018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "weak", None),
    ],
)
def test_a_suite_is_graded_by_rfc_9325_and_listed_by_mozilla(
    code: int, name: str, grade: str, profile: str | None
) -> None:
    assert suites.suite_name(code) == name
    assert suites.grade(code) == grade
    assert suites.profile(code) == profile


def test_forward_secrecy_is_a_matter_of_the_key_exchange() -> None:
    assert suites.has_forward_secrecy(0x1302)
    assert suites.has_forward_secrecy(0xC02F)
    assert suites.has_forward_secrecy(0x009E)
    assert not suites.has_forward_secrecy(0x009C)
    assert not suites.has_forward_secrecy(0xC02D)  # ECDH with a fixed key


def test_unknown_numbers_are_shown_as_numbers() -> None:
    assert suites.suite_name(0xFAFA) == "0xfafa"


@pytest.mark.live
def test_names_are_those_that_openssl_knows_too() -> None:
    words = ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    theirs = {}
    for line in lines:
        code, _, name, *_ = line.split()
        high, low = code.split(",")
        theirs[int(high, 16) << 8 | int(low, 16)] = name
    assert len(theirs) > 100
    assert {code: suites.suite_name(code) for code in theirs} == theirs
