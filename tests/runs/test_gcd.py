"""The computation in a process of its own: it gives the key, ends when it is told, and keeps its bounds."""

from __future__ import annotations

import os
import signal
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from detector.chain.certificate import Certificate
from detector.chain.recover import RsaSignature, rsa_signature
from detector.lab.pki import Authority
from detector.runs.gcd import Computation, Limits, seconds_needed

QUICK, SLOW = (rsa.generate_private_key(exponent, 2048) for exponent in (3, 65537))


def pair(key: rsa.RSAPrivateKey) -> tuple[RsaSignature, RsaSignature]:
    authority = Authority("A forger", key=key)
    found = [rsa_signature(Certificate(authority.issue(h).der)) for h in ("a.com", "b.com")]
    assert found[0] is not None
    assert found[1] is not None
    return found[0], found[1]


def ended(computation: Computation) -> None:
    begin = time.monotonic()
    while not computation.done():
        assert time.monotonic() < begin + 60
        time.sleep(0.01)


def test_it_gives_the_key() -> None:
    computation = Computation(*pair(QUICK))
    try:
        assert computation.result() == Authority("x", key=QUICK).spki
        assert computation.trouble == ""
    finally:
        computation.end()


def test_two_keys_give_none() -> None:
    limits = Limits(exponents=(3, 17))
    computation = Computation(pair(QUICK)[0], pair(SLOW)[0], limits)
    try:
        assert computation.result() is None
        assert computation.trouble == ""
    finally:
        computation.end()


def test_an_interrupt_ends_it_at_once() -> None:
    computation = Computation(*pair(SLOW))
    try:
        time.sleep(2)  # by now it is in the midst of it
        assert not computation.done()
        os.kill(computation._process.pid, signal.SIGINT)
        ended(computation)
        assert computation.result() is None
        assert computation.trouble.startswith("the computation was stopped")
    finally:
        computation.end()


def test_it_can_be_ended_and_leaves_no_process() -> None:
    computation = Computation(*pair(SLOW))
    computation.end()
    assert computation.done()
    with pytest.raises(ProcessLookupError):
        os.kill(computation._process.pid, 0)


def test_it_takes_no_more_memory_than_it_may() -> None:
    computation = Computation(*pair(SLOW), Limits(memory=40 << 20))
    try:
        ended(computation)
        assert computation.result() is None
        assert computation.trouble
    finally:
        computation.end()


def test_longer_keys_are_said_to_take_longer() -> None:
    assert 1 < seconds_needed(1024) < seconds_needed(4096)
