import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
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


def test_a_target_that_is_named_twice_is_answered_twice(known: Knowledge, port: int) -> None:
    options = ProbeOptions(connect_to=("127.0.0.1", port))
    found = detector.check("a.test", "b.test", "a.test", knowledge=known, options=options)
    assert [j.observation.target.host for j in found] == ["a.test", "b.test", "a.test"]


def test_check_async_and_judge_agree(known: Knowledge, port: int) -> None:
    options = ProbeOptions(connect_to=("127.0.0.1", port))

    async def run() -> list[detector.Judgement]:
        return [j async for j in detector.check_async(["a.test"], knowledge=known, options=options)]

    (online,) = asyncio.run(run())
    assert detector.judge(online.observation, known) == [online]


def test_check_async_takes_one_name_as_one_target(known: Knowledge, port: int) -> None:
    options = ProbeOptions(connect_to=("127.0.0.1", port))

    async def run() -> list[detector.Judgement]:
        return [j async for j in detector.check_async("a.test", knowledge=known, options=options)]

    (only,) = asyncio.run(run())
    assert only.observation.target.host == "a.test"


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
        "heavy = {'ssl', 'asyncio', 'cryptography', 'rich', 'click', 'msgspec', 'mitmproxy'}\n"
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


NAMES = ("check", "judge", "diagnose", "explain", "read_logs", "read_captures", "trust")


@pytest.mark.parametrize("first", ["import detector.messages.explaining", "import detector.auditing.audit",
                                   "import detector.runs.explain, detector.runs.trust", ""])  # fmt: skip
@pytest.mark.parametrize("package", ["detector", "tlsight"])
def test_the_door_opens_whatever_was_imported_before(package: str, first: str) -> None:
    script = f"{first}\nfrom {package} import {', '.join(NAMES)}\nprint(all(map(callable, ({', '.join(NAMES)}))))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_every_function_has_a_twin_for_event_loops() -> None:
    for name in NAMES:
        assert callable(getattr(detector, f"{name}_async"))


def test_certificates_are_taken_as_pem_der_and_path(
    pki: LabPki, known: Knowledge, tmp_path: Path
) -> None:
    made = pki.issue("a.test")
    path = tmp_path / "chain.pem"
    path.write_text(made.chain_pem)
    ways = (made.chain_pem, made.chain_pem.encode(), path, str(path))
    assert {detector.judge(way, known)[0].verdict for way in ways} == {"consistent"}
    assert detector.judge(made.der, known, host="a.test")[0].observation.chain == (made.der,)


def test_saved_observations_are_taken_as_content(pki: LabPki, known: Knowledge) -> None:
    from detector.runs.saved import encode_observation

    (found,) = detector.judge(pki.issue("a.test").chain_pem, known)
    assert detector.judge(encode_observation(found.observation), known) == [found]


def test_results_say_what_the_command_prints(
    pki: LabPki, known: Knowledge, tmp_path: Path, port: int
) -> None:
    path = tmp_path / "chain.pem"
    path.write_text(pki.issue("a.test").chain_pem)
    roots = tmp_path / "root.pem"
    roots.write_text(pki.root.pem)
    at = "2026-11-20T12:00:00Z"
    done = subprocess.run(
        [sys.executable, "-m", "tlsight", "judge", "--json", "--no-store", "--roots", str(roots), "--at", at,
         f"a.test={path}"],
        capture_output=True, text=True,
    )  # fmt: skip
    from detector.cli.judge import parse_time
    from detector.runs.saved import load_observations

    seen = load_observations(path, "a.test", parse_time(at))
    (found,) = detector.judge(seen, detector.default_knowledge(roots=roots))
    assert found.to_json() == done.stdout.strip()
    assert found.to_dict()["schema"] == "tlsight.check/1"
    options = ProbeOptions(connect_to=("127.0.0.1", port))
    how = detector.Investigation(options)
    (why,) = detector.diagnose("a.test", knowledge=known, how=how)
    assert why.to_dict()["schema"] == "tlsight.diagnose/1"
    assert detector.explain("certificate has expired").to_dict()["schema"] == "tlsight.explain/1"
    line = b"2026/11/20 10:00:00 [info] 7#7: *1 SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking, client: 192.0.2.7, server: 0.0.0.0:443\n"
    (group,) = [g for g in detector.read_logs(line).to_dict() if g["schema"] == "tlsight.logs/1"]
    assert (group["cause"], group["clients"]) == ("untrusted-root", 1)
    empty = tmp_path / "image"
    empty.mkdir()
    assert detector.trust(root=empty).to_dict()["schema"] == "tlsight.trust/1"


def test_captures_are_taken_as_content_and_as_path(tmp_path: Path, known: Knowledge) -> None:
    from bench.captures import write_handshakes

    path = tmp_path / "a.pcap"
    write_handshakes(path, 1)
    reading = detector.read_captures(path.read_bytes(), knowledge=known)
    first = next(iter(reading))
    assert first.to_dict()["schema"] == "tlsight.pcap/1"
    whole = detector.read_captures(path, knowledge=known)
    assert reading.story.connections == whole.story.connections > 80
    kept = asyncio.run(detector.read_captures_async(path, knowledge=known)).kept
    assert len(kept) == whole.story.connections


def test_reading_captures_leaves_the_callers_collector_as_it_was(
    known: Knowledge, tmp_path: Path
) -> None:
    from bench.captures import write_handshakes

    path = tmp_path / "a.pcap"
    write_handshakes(path, 1)
    before = gc.get_threshold()
    next(iter(detector.read_captures(path.read_bytes(), knowledge=known)))
    assert gc.get_threshold() == before


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: detector.check("a.test", concurrency=0),
        lambda: detector.check("a.test", knowledge="certifi"),  # type: ignore[arg-type]
        lambda: detector.check("a.test", options=5.0),  # type: ignore[arg-type]
        lambda: ProbeOptions(maximum="1.2"),
        lambda: detector.check(443),  # type: ignore[arg-type]
        lambda: detector.diagnose("a.test", how="fast"),  # type: ignore[arg-type]
        lambda: detector.judge(443),  # type: ignore[arg-type]
        lambda: detector.judge(["x"]),  # type: ignore[list-item]
        lambda: detector.explain(5),  # type: ignore[arg-type]
        lambda: detector.explain("x", side="middle"),  # type: ignore[arg-type]
        lambda: detector.read_logs("/nothing/there"),
        lambda: detector.read_logs(b"", form="nope"),
        detector.read_captures,
        lambda: detector.trust(root="/nothing/there"),
        lambda: detector.default_knowledge(ct_logs="x"),
        lambda: detector.default_knowledge(roots=5),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_argument_is_a_config_error(wrong: Callable[[], object]) -> None:
    with pytest.raises(detector.ConfigError):
        wrong()


def test_inside_a_running_loop_the_twin_is_named() -> None:
    async def run() -> None:
        detector.check("a.test")

    with pytest.raises(detector.ConfigError, match="await check_async instead"):
        asyncio.run(run())
