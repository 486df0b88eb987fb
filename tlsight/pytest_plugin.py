"""pytest's door to tlsight: who answers a test's hosts, and whether their handshakes work, as assertions.

    from tlsight.pytest_plugin import assert_direct, assert_healthy, assert_not_intercepted

    def test_nobody_stands_between_us_and_the_payment_service():
        assert_direct("api.payments.example")

or by the fixture `tlsight`, which has the same assertions as methods. A host is asked once a session, whoever asserts
what. Each assertion has a twin `..._async` for tests that run inside an event loop; the plain ones work there too, but
hold the loop up meanwhile.

A wrong verdict is an AssertionError with the verdict, what decided it and what is to be done. Where nobody could be
asked there is nothing to assert: that is an InconclusiveError, which is no AssertionError.

pytest loads this file wherever tlsight is installed. So nothing else of tlsight is loaded before the first
assertion, and nothing changes for a test that makes none.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from detector.model.inquiry import Diagnosis
    from detector.model.observation import Judgement, Target
    from tlsight.checking import Checker

# Option or ini setting, and what it says.
_SETTINGS = {
    "roots": "PEM file of roots to call public, instead of certifi's",
    "ct-logs": "more CT logs, as Google's log_list.json",
    "policy": "TOML file: internal names, expected private CAs, sanctioned interceptors",
    "pins": "TOML file of pins",
    "proxy": "proxy to go through, over the environment; direct goes straight",
    "timeout": "seconds for each step",
}
_running: list[pytest.Config] = []
_checkers: dict[pytest.Config | None, Checker] = {}

__all__ = [
    "InconclusiveError",
    "assert_direct",
    "assert_direct_async",
    "assert_healthy",
    "assert_healthy_async",
    "assert_not_intercepted",
    "assert_not_intercepted_async",
]


class InconclusiveError(Exception):
    """There was no handshake to judge: nobody answered, or not in TLS."""


def assert_direct(target: str | Target, *, connect: str | None = None) -> Judgement:
    """Somebody proves to be the owner: a pin, or Certificate Transparency.

    Args:
        target: "host", "host:port", "[v6]:port", a URL, or a Target.
        connect: address:port to dial instead.

    Raises:
        AssertionError: another verdict.
        InconclusiveError: there was nothing to judge.
        TargetError, ConfigError: an argument or a setting is wrong.

    """
    __tracebackhide__ = True
    return _checker().assert_direct(target, connect=connect)


async def assert_direct_async(target: str | Target, *, connect: str | None = None) -> Judgement:
    """As `assert_direct`, inside a running event loop."""
    __tracebackhide__ = True
    return await _checker().assert_direct_async(target, connect=connect)


def assert_not_intercepted(
    target: str | Target, *, connect: str | None = None, allow_sanctioned: bool = False
) -> Judgement:
    """Nothing speaks against who answers: direct, consistent or private.

    Args and errors as for `assert_direct`.
        allow_sanctioned: an interceptor that the policy allows is none.
    """
    __tracebackhide__ = True
    return _checker().assert_not_intercepted(
        target, connect=connect, allow_sanctioned=allow_sanctioned
    )


async def assert_not_intercepted_async(
    target: str | Target, *, connect: str | None = None, allow_sanctioned: bool = False
) -> Judgement:
    """As `assert_not_intercepted`, inside a running event loop."""
    __tracebackhide__ = True
    return await _checker().assert_not_intercepted_async(
        target, connect=connect, allow_sanctioned=allow_sanctioned
    )


def assert_healthy(target: str | Target, *, connect: str | None = None) -> Diagnosis:
    """The handshake works, and nothing about it would make a common client refuse it.

    Args and errors as for `assert_direct`, but a host that nobody can reach is not healthy.
    """
    __tracebackhide__ = True
    return _checker().assert_healthy(target, connect=connect)


async def assert_healthy_async(target: str | Target, *, connect: str | None = None) -> Diagnosis:
    """As `assert_healthy`, inside a running event loop."""
    __tracebackhide__ = True
    return await _checker().assert_healthy_async(target, connect=connect)


@pytest.fixture(scope="session")
def tlsight() -> Checker:
    """Assertions about who answers; each host is asked once a session."""
    return _checker()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tlsight", "tlsight: who answers on a TLS connection")
    for name, text in _SETTINGS.items():
        group.addoption(f"--tlsight-{name}", default=None, metavar="VALUE", help=text)
        parser.addini(f"tlsight_{name.replace('-', '_')}", f"{text} (tlsight)", default="")


def pytest_configure(config: pytest.Config) -> None:
    _running.append(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    _checkers.pop(config, None)
    if config in _running:
        _running.remove(config)


def _checker() -> Checker:
    """The one of this session; outside of pytest, of this process."""
    config = _running[-1] if _running else None
    found = _checkers.get(config)
    if found is None:
        from tlsight.checking import Checker

        found = Checker(partial(_setting, config), InconclusiveError)
        _checkers[config] = found
    return found


def _setting(config: pytest.Config | None, name: str) -> Any:
    """The option's value, else the ini file's, relative to the file's folder; None where neither says."""
    if config is None:
        return None
    given = config.getoption(f"--tlsight-{name}")
    if given is not None:
        return given
    said = str(config.getini(f"tlsight_{name.replace('-', '_')}"))
    if said and name in ("roots", "ct-logs", "policy", "pins"):
        return str(config.rootpath / said)
    return said or None
