"""Whom the exporter dials, for whom, and what its files may say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from detector.agent.exporter import (
    Exporter,
    barred,
    check_openness,
    load_modules,
    load_targets,
)
from detector.errors import ConfigError
from detector.known.hosts import HostPattern
from detector.known.knowledge import Knowledge
from detector.lab.pki import LabPki
from detector.net.answering import Asked


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        path = tmp_path / "file"
        path.write_text(text)
        path.chmod(0o600)
        return path

    return written


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1%eth0", "fd00:ec2::254",
        "168.63.129.16", "100.100.100.200", "0.0.0.0", "::", "224.0.0.1", "64:ff9b::7f00:1",
    ],
)  # fmt: skip
def test_addresses_of_this_machine_and_of_clouds_are_not_dialled_for_others(address: str) -> None:
    why = barred(address)
    assert why is not None
    assert address in why


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "192.168.1.1", "93.184.215.14", "2606:2800:21f::1", "100.64.0.1"]
)
def test_other_machines_are_dialled(address: str) -> None:
    assert barred(address) is None


def answer(known: Knowledge, asked: Asked, **more: object) -> tuple[int, str]:
    async def ask() -> tuple[int, str]:
        modules = load_modules(more.pop("file", None))  # type: ignore[arg-type]
        reply = await Exporter(Path("/nonexistent"), lambda: known, modules, **more).answer(asked)  # type: ignore[arg-type]
        return reply.status, reply.body.decode()

    return asyncio.run(ask())


def probe(target: str, module: str = "tls", **headers: str) -> Asked:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Asked("/probe", {"target": target, "module": module}, named)


@pytest.fixture(scope="module")
def known() -> Knowledge:
    return LabPki().knowledge()


def test_a_name_that_leads_to_loopback_is_a_failed_probe_with_its_cause(known: Knowledge) -> None:
    code, text = answer(known, probe("localhost:1"))
    assert code == 200
    assert "probe_success 0\n" in text
    assert 'tlsight_failure_info{step="dns",cause="connection-refused"} 1' in text


def test_a_target_that_no_list_names_is_refused_before_anything_is_dialled(
    known: Knowledge, write: Callable[[str], Path]
) -> None:
    listed = (HostPattern(".example.com"),)
    assert answer(known, probe("localhost:1"), allowed=listed)[0] == 403
    file = write('[[module]]\nname = "tls"\ntargets = ["*.example.com"]\n')
    assert answer(known, probe("example.com"), file=file)[0] == 403
    assert (
        answer(known, probe("localhost"), file=file, allowed=(HostPattern("localhost"),))[0] == 403
    )


@pytest.mark.parametrize("seconds", ["x", "-1", "nan", "inf"])
def test_a_scrapes_time_that_is_none_is_refused(known: Knowledge, seconds: str) -> None:
    code, _ = answer(known, probe("localhost:1", x_prometheus_scrape_timeout_seconds=seconds))
    assert code == 400


def test_what_is_no_page_of_its_own_is_not_found(known: Knowledge) -> None:
    assert answer(known, Asked("/etc/passwd", {}, {}))[0] == 404
    assert answer(known, Asked("/", {}, {}))[0] == 200
    code, text = answer(known, Asked("/metrics", {}, {}))
    assert (code, "tlsight_agent_state_readable 0" in text) == (200, True)


def test_modules_are_read_beside_the_one_that_is_always_there(write: Callable[[str], Path]) -> None:
    file = write(
        '[[module]]\nname = "mail"\nstarttls = "smtp"\ntimeout = 2.5\nallow-sanctioned = true\n'
    )
    found = load_modules(file)
    assert sorted(found) == ["mail", "tls"]
    assert (found["mail"].starttls, found["mail"].timeout, found["mail"].allow_sanctioned) == (
        "smtp",
        2.5,
        True,
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[[module]]\nname = "a"\n\n[[module]]\nname = "a"\n', 4, "two modules"),
        ('[[module]]\nname = "a"\ntimeout = 0.0\n', 1, "timeout"),
        ('[[module]]\nname = "a"\nstarttls = "gopher"\n', 1, "gopher"),
        ('[[module]]\nname = "a"\nproxy = "ftp://x"\n', 1, "ftp"),
        ('[[module]]\nname = "a"\ntargets = ["a b"]\n', 1, "host name"),
        ('[[module]]\nname = "a"\ninsecure = true\n', 1, "insecure"),
        ("[[module]]\n", 1, "name"),
        ("modules = 1\n", None, "modules"),
        ("", 1, "no [[module]] rows"),
    ],
)
def test_a_module_that_is_none_is_refused_with_its_line(
    write: Callable[[str], Path], text: str, line: int | None, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_modules(write(text))
    assert words in str(caught.value)
    assert caught.value.line == line


def test_a_file_that_others_may_write_is_refused(write: Callable[[str], Path]) -> None:
    path = write("example.com\n")
    path.chmod(0o666)
    for load in (load_targets, load_modules):
        with pytest.raises(ConfigError, match="write"):
            load(path)


def test_who_listens_for_others_has_to_name_targets(write: Callable[[str], Path]) -> None:
    some = load_targets(write("# ours\n.example.com\n\n*.example.net\n"))
    assert [one.text for one in some] == [".example.com", "*.example.net"]
    modules = load_modules(None)
    check_openness("127.0.0.1:9219", modules, ())
    check_openness("[::1]:9219", modules, ())
    check_openness("0.0.0.0:9219", modules, some)
    for listen in ("0.0.0.0:9219", "[::]:9219", "10.0.0.1:9219"):
        with pytest.raises(ConfigError, match="names no targets"):
            check_openness(listen, modules, ())
