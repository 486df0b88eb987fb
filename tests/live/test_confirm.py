"""To be sure: every command that a diagnosis gives is run, against the server it is about and a healthy one."""

from __future__ import annotations

import ast
import asyncio
import itertools
import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from detector.causes.confirm import confirmation
from detector.knowledge.causes import cause_table
from detector.lab.cases import CASES, HOST, Case, case
from detector.lab.world import open_world
from detector.model.asked import Asked
from tests.cli.conftest import Run, running
from tests.cli.test_check import again
from tests.lab.test_cases import investigated
from tests.live.conftest import TABLES
from tests.live.forward_proxies import PASSWORD, USER, LoginSquid, Microsocks, PlainProxyPy

pytestmark = pytest.mark.live

SAID = TABLES.setdefault("to be sure: lab case, and the command that shows its cause", {})
_FAULTY = [one for one in CASES if one.cause != "healthy"]
_BIN = str(Path(sys.executable).parent)


async def run(command: str) -> tuple[int, str]:
    """A command as somebody types it, with its exit code and all it says."""
    clean = {
        k: v for k, v in os.environ.items() if "proxy" not in k.lower() and k[:8] != "TLSIGHT_"
    }
    shell = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", command,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=clean | {"PATH": f"{_BIN}:{os.environ['PATH']}", "COLUMNS": "200", "TLSIGHT_TIMEOUT": "1.5"},
    )  # fmt: skip
    said, _ = await shell.communicate()
    assert shell.returncode is not None
    return shell.returncode, said.decode(errors="replace")


def days_apart(said: str) -> float:
    """Between this clock and the server's."""
    theirs = re.search(r"(?im)^date: (.+)$", said)
    assert theirs is not None, said
    return abs(datetime.now(UTC) - parsedate_to_datetime(theirs[1].strip())) / timedelta(days=1)


def days_valid(said: str) -> float:
    dates = re.findall(r"not(?:Before|After)=(.+) GMT", said)
    start, end = (datetime.strptime(date, "%b %d %H:%M:%S %Y") for date in dates)
    return (end - start) / timedelta(days=1)


def chain_of(said: str) -> list[tuple[str, str]]:
    """Subject and issuer of each certificate in the order in which they were sent."""
    subjects, issuers = (re.findall(rf"(?m)^ *\d* {letter}:(.+)$", said) for letter in "si")
    return list(zip(subjects, issuers, strict=True))


def out_of_order(said: str) -> bool:
    chain = chain_of(said)
    return any(issuer != after for (_, issuer), (after, _) in itertools.pairwise(chain))


def superfluous(said: str) -> bool:
    """A root, or what nobody in the list was issued by."""
    return any(subject == issuer for subject, issuer in chain_of(said)) or out_of_order(said)


# What a person sees in what `look` commands say.
LOOKED_AT: dict[str, Callable[[str], bool]] = {
    "client-clock-wrong": lambda said: days_apart(said) > 1,
    "validity-too-long": lambda said: days_valid(said) > 398,
    "chain-out-of-order": out_of_order,
    "superfluous-certificates": superfluous,
}


def confirms(cause: str, shows: str, code: int, said: str) -> bool:
    """What the command said means that the cause holds, as those who run it are told."""
    if not shows:
        return LOOKED_AT[cause](said)
    if shows == "fails":
        return code != 0
    texts = [ast.literal_eval(text) for text in shows.removeprefix("says ").split(" or ")]
    return any(text in said for text in texts)


@pytest.mark.parametrize("one", _FAULTY, ids=lambda one: one.id)
@pytest.mark.timeout(300)
def test_the_command_shows_the_cause_and_does_not_show_it_at_a_healthy_server(
    one: Case, tmp_path: Path
) -> None:
    healthy = case("healthy")
    assert healthy is not None

    async def both() -> None:
        async with open_world(tmp_path) as pki, healthy.make(pki) as good:
            async with one.make(pki) as server:
                found = await investigated(one, server.port, tmp_path, pki.knowledge())
                assert found.causes[0].id == one.cause
                for cause in found.causes:
                    code, said = await run(cause.confirm)
                    row = SAID.setdefault(f"{one.id}: {cause.id}", {})
                    row |= {"program": cause.confirm.split(" -")[0], "shows": cause.shows}
                    assert confirms(cause.id, cause.shows, code, said), (
                        f"{cause.confirm}\n{code}\n{said}"
                    )
            root, logs = str(tmp_path / "root.pem"), str(tmp_path / "logs.json")
            words = ("--roots", root, "--ct-logs", logs)
            asked = Asked(HOST, good.port, HOST, roots=root, words=words)
            for cause in found.causes:
                sure = confirmation(cause_table()[cause.id], asked)
                code, said = await run(sure.command)
                assert not confirms(cause.id, sure.shows, code, said), (
                    f"{sure.command}\n{code}\n{said}"
                )

    asyncio.run(both())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("proxy", [PlainProxyPy, Microsocks], ids=["http", "socks"])
def test_the_command_goes_the_way_that_was_asked(
    proxy: type[PlainProxyPy | Microsocks], tmp_path: Path, tlsight: Run
) -> None:
    scheme = "http" if proxy is PlainProxyPy else "socks5h"
    knows = ("--roots", tmp_path / "root.pem", "--ct-logs", tmp_path / "logs.json", "--no-history")
    with running(open_world(tmp_path)) as pki, proxy(tmp_path / "proxy") as stands:
        for name in ("expired", "portal", "mysql", "client-certificate", "tls-1.0", "closes"):
            one = case(name)
            assert one is not None
            with running(one.make(pki)) as server:
                way = ("--proxy", f"{scheme}://127.0.0.1:{stands.port}", "--timeout", "1.5")
                asked = (*knows, *way, *one.words(server.port, tmp_path))
                cause = json.loads(tlsight("diagnose", "--json", *asked).stdout)["causes"][0]
                assert (cause["id"], str(stands.port) in cause["confirm"]) == (one.cause, True)
                code, said = asyncio.run(run(cause["confirm"]))
                assert confirms(cause["id"], cause["shows"], code, said), f"{cause}\n{said}"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("given", ["option", "variable"])
def test_a_report_asks_again_through_a_proxy_that_knows_its_clients(
    given: str, tmp_path: Path, tlsight: Run
) -> None:
    one = case("expired")
    assert one is not None
    page = tmp_path / "page.html"
    with (
        running(open_world(tmp_path)) as pki,
        LoginSquid(tmp_path / "proxy", "Basic") as stands,
        running(one.make(pki)) as server,
    ):
        proxy = f"http://{USER}:{quote(PASSWORD)}@127.0.0.1:{stands.port}"
        way: tuple[object, ...] = ("--proxy", proxy) if given == "option" else ()
        variables = {"HTTPS_PROXY": proxy} if given == "variable" else {}
        for verb in ("check", "diagnose"):
            told = tlsight(
                verb, "--json", "--html", page, "--roots", tmp_path / "root.pem", *way,
                *one.words(server.port, tmp_path), **variables,
            )  # fmt: skip
            assert json.loads(told.stdout)["schema"] == f"tlsight.{verb}/1"
            written = page.read_text()
            assert PASSWORD not in written + told.stdout
            assert quote(PASSWORD) not in written + told.stdout
            (line,) = again(page)
            assert line.startswith("TLSIGHT_PROXY=http://ann:")
            known = f"export PROXY_PASSWORD={quote(PASSWORD)}; {line}"
            _, said = asyncio.run(run(known.replace(f"tlsight {verb}", f"tlsight {verb} --json")))
            before, after = json.loads(told.stdout), json.loads(said)
            assert [c["id"] for c in after["causes"]] == [c["id"] for c in before["causes"]]
            assert "certificate-expired" in [c["id"] for c in after["causes"]]
            _, said = asyncio.run(run(line))
            assert "certificate-expired" not in said, "it goes through the proxy"


def test_what_has_to_be_looked_at_is_little() -> None:
    looked = {row.id for row in cause_table().rows if row.look}
    # No case of the lab: what logs alone say, and each side's own files.
    assert looked == {
        *LOOKED_AT,
        "reason-not-logged",
        "client-lacks-ca",
        "own-certificate-unusable",
    }
