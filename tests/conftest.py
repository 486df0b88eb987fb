"""What all tests share: one lab world a session, and short ways to make observations."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings

from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, Credential, LabPki
from detector.model.observation import Handshake, Observation, Target

NOW = datetime.now(UTC).replace(microsecond=0)

# A job in the background is started with SIGINT ignored, and what tests start would ignore it as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long one example takes says how busy the machine is, and nothing of the claim. A change is refused for what it
# does and not for a draw: each run has the same examples. `--hypothesis-profile drawn` looks for others.
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("drawn", _UNHURRIED)
settings.register_profile("same", _UNHURRIED, derandomize=True)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every", type=int, default=1, help="of the tests chosen, run every n-th one")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A sample of all files, for a second Python."""
    every = config.getoption("every")
    chosen = items[::every]
    config.hook.pytest_deselected(items=[one for n, one in enumerate(items) if n % every])
    items[:] = chosen


@pytest.fixture(scope="session")
def pki() -> LabPki:
    """A public root, an intermediate and two CT logs."""
    return LabPki()


@pytest.fixture(scope="session")
def corporate() -> Authority:
    """A private CA with an everyday name."""
    return Authority("Example Corp CA", organization="Example Corp", profile=False)


@pytest.fixture(scope="session")
def known(pki: LabPki) -> Knowledge:
    """Shipped tables and the lab's own root and logs; no lab flag, so .test is special-use."""
    return pki.knowledge(lab=False)


Observe = Callable[..., Observation]


@pytest.fixture
def observe() -> Observe:
    """`observe("host", credential or chain, **changes)`: a completed TLS 1.3 handshake."""

    def make(
        host: str, shown: Credential | Sequence[bytes], *, at: datetime = NOW, **changes: object
    ) -> Observation:
        chain = shown.chain if isinstance(shown, Credential) else tuple(shown)
        seen = Observation(
            at=at,
            target=Target(host, sni=host),
            chain=chain,
            handshake=Handshake(True, "TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", "h2"),
        )
        return replace(seen, **changes)

    return make
