import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import detector
from detector.errors import TargetError
from detector.known.knowledge import Knowledge
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from detector.net.probe import ProbeOptions


@pytest.fixture(scope="module")
def port(pki: LabPki) -> Iterator[int]:
    """An origin for a.test and b.test in a thread of its own."""
    loop = asyncio.new_event_loop()
    origin = Origin({h: pki.issue(h) for h in ("a.test", "b.test")})
    threading.Thread(target=loop.run_forever, daemon=True).start()
    asyncio.run_coroutine_threadsafe(origin.__aenter__(), loop).result()
    yield origin.port
    asyncio.run_coroutine_threadsafe(origin.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    while loop.is_running():
        pass
    loop.close()


def test_check_answers_in_the_order_that_was_asked(known: Knowledge, port: int) -> None:
    options = ProbeOptions(connect_to=("127.0.0.1", port))
    found = detector.check("b.test", "a.test", "b.test:444", knowledge=known, options=options)
    assert [(j.observation.target.host, j.verdict) for j in found] == [
        ("b.test", "direct"),
        ("a.test", "direct"),
        ("b.test", "direct"),
    ]


def test_check_async_and_judge_agree(known: Knowledge, port: int) -> None:
    options = ProbeOptions(connect_to=("127.0.0.1", port))

    async def run() -> list[detector.Judgement]:
        return [j async for j in detector.check_async(["a.test"], knowledge=known, options=options)]

    (online,) = asyncio.run(run())
    assert detector.judge(online.observation, known) == [online]


def test_a_bad_target_raises_before_anything_is_dialled() -> None:
    with pytest.raises(TargetError):
        detector.check("a b")


def test_judge_reads_files(pki: LabPki, known: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "chain.pem"
    path.write_text(pki.issue("a.test").chain_pem)
    assert detector.judge(path, known)[0].verdict == "consistent"


def test_importing_the_package_brings_nothing_heavy() -> None:
    script = (
        "import sys, detector\n"
        "heavy = {'ssl', 'asyncio', 'cryptography', 'rich', 'typer', 'msgspec', 'mitmproxy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_every_public_name_exists() -> None:
    for name in detector.__all__:
        assert getattr(detector, name) is not None
    with pytest.raises(AttributeError):
        detector.nothing_like_that  # noqa: B018
