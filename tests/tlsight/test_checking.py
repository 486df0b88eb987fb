"""The assertions themselves, in this process."""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from detector.errors import ConfigError, TargetError
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Target
from tests.cli.conftest import running
from tests.live.programs import free_port
from tlsight.checking import Checker

Made = Callable[..., Checker]


@pytest.fixture
def made(world: LabPki, tmp_path: Path) -> Made:
    (tmp_path / "logs.json").write_text(world.ct_logs_json)

    def make(**settings: str) -> Checker:
        known = {"roots": str(tmp_path / "root.pem"), "ct-logs": str(tmp_path / "logs.json")}
        return Checker((known | settings).get)

    return make


@pytest.fixture
def world(tmp_path: Path) -> LabPki:
    found = LabPki()
    (tmp_path / "root.pem").write_text(found.root.pem)
    return found


def test_many_threads_that_ask_at_once_share_one_answer(made: Made, world: LabPki) -> None:
    checker = made()
    with running(Origin({"good.test": world.issue("good.test")})) as origin:
        found: list[int] = []

        def ask() -> None:
            found.append(id(checker.assert_direct("good.test", connect=f"127.0.0.1:{origin.port}")))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_another_way_is_another_question(made: Made, world: LabPki) -> None:
    checker = made()
    gateway = Authority("Gateway", organization="Example Corp", profile=False)
    with (
        running(Origin({"github.com": world.issue("github.com")})) as honest,
        running(Origin({"github.com": gateway.issue("github.com")})) as forged,
    ):
        checker.assert_direct(
            Target("github.com", sni="github.com"), connect=f"127.0.0.1:{honest.port}"
        )
        with pytest.raises(AssertionError, match="INTERCEPTED"):
            checker.assert_not_intercepted("github.com", connect=f"127.0.0.1:{forged.port}")


def test_an_interceptor_that_the_policy_allows_passes_where_that_is_asked(
    made: Made, world: LabPki, tmp_path: Path
) -> None:
    gateway = Authority("Gateway", organization="Example Corp", profile=False)
    (tmp_path / "policy.toml").write_text(
        '[[sanctioned]]\nname = "Gateway"\n'
        f'spki = "sha256//{b64encode(sha256(gateway.spki).digest()).decode()}"\ndecrypt = ["*"]\n'
    )
    checker = made(policy=str(tmp_path / "policy.toml"))
    with running(Origin({"github.com": gateway.issue("github.com")})) as origin:
        way = f"127.0.0.1:{origin.port}"
        with pytest.raises(AssertionError, match="INTERCEPTED"):
            checker.assert_not_intercepted("github.com", connect=way)
        found = checker.assert_not_intercepted("github.com", connect=way, allow_sanctioned=True)
    assert found.sanctioned


def test_the_twins_leave_the_loop_free(made: Made, world: LabPki) -> None:
    async def main() -> None:
        async with Origin({"good.test": world.issue("good.test")}) as origin:
            way = f"127.0.0.1:{origin.port}"
            await made().assert_direct_async("good.test", connect=way)
            await made().assert_healthy_async("good.test", connect=way)
            await made().assert_not_intercepted_async("good.test", connect=way)

    asyncio.run(main())


def test_nobody_is_inconclusive_and_not_healthy(made: Made) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with pytest.raises(RuntimeError, match="INCONCLUSIVE"):
        made().assert_direct(nobody)
    with pytest.raises(AssertionError, match="connection-refused"):
        made().assert_healthy(nobody)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": "nan"}, "timeout"),
        ({"timeout": "-1"}, "timeout"),
        ({"proxy": "gopher://x"}, "proxy"),
        ({"policy": "/nowhere.toml"}, "nowhere"),
        ({"proxy": "pac+file:///nowhere.pac"}, "pac"),
    ],
)
def test_a_wrong_setting_is_named(made: Made, settings: dict[str, str], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        made(**settings).assert_direct("127.0.0.1:9")


def test_a_wrong_target_is_told_at_once(made: Made) -> None:
    with pytest.raises(TargetError):
        made().assert_direct("no host:at all")
