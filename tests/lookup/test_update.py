"""Updates from a real HTTPS server: signed lists by signature, unsigned ones by connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from detector.knowledge.installed import InstalledLists
from detector.lab.answer import Answer, Request
from detector.lab.ct_log import LabLog
from detector.lab.pki import Credential, LabPki
from detector.lab.web import Web
from detector.lists.log_list import parse_list
from detector.lookup.update import Outcome, Updater, stale_lists
from detector.net.fetch import Fetcher, FetchOptions
from tests.lists.signing import CRX_KEY, EXPECTED, EXTENSION, LIST_KEY, a_crx, a_list, signed
from tests.lists.test_ccadb import RECORDS, ROOT, SUB, pems, row

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEY = "A" * 43 + "="
Run = Callable[..., tuple[dict[str, Outcome], list[Request]]]


def site(day: str = "2026-11-20", sequence: int = 5) -> dict[str, bytes]:
    """Everything that is published on that day."""
    body = a_list(day, LabLog())
    records = RECORDS + row(ROOT, "Root Owner") + row(SUB, "Root Owner", "Sub Owner")
    found = {"records": records.encode(), "pems?y=2026": pems(ROOT, SUB)}
    found |= {f"{name}.json": body for name in ("log_list", "all_logs_list")}
    found |= {f"{name}.sig": signed(body) for name in ("log_list", "all_logs_list")}
    return {**found, "crx": a_crx(sequence, KEY)}


@pytest.fixture
def lists(tmp_path: Path) -> InstalledLists:
    return InstalledLists(tmp_path / "lists", EXPECTED)


@pytest.fixture
def update(world: LabPki, asking: FetchOptions, lists: InstalledLists) -> Run:
    """`update(files)`: one run against a server of these files."""

    def go(
        files: dict[str, bytes], *names: str, shown: Credential | None = None
    ) -> tuple[dict[str, Outcome], list[Request]]:
        def serve(request: Request) -> Answer:
            name = request.target.removeprefix("/")
            if name == "moved":
                return Answer(status=302, headers={"Location": "/crx"})
            if name not in files:
                return (
                    Answer(b'"SHA-256 Fingerprint","X.509 Certificate (PEM)"\n')
                    if (name.startswith("pems"))
                    else Answer(status=404)
                )
            etag = f'"{hash(files[name])}"'
            if request.headers.get("if-none-match") == etag:
                return Answer(status=304)
            return Answer(files[name], headers={"ETag": etag})

        async def run() -> tuple[dict[str, Outcome], list[Request]]:
            async with (
                Web(shown or world.issue("127.0.0.1"), serve) as web,
                Fetcher(asking) as fetch,
            ):
                base = f"https://127.0.0.1:{web.port}/"
                updater = Updater(
                    lists, world.knowledge(), lambda: NOW, base=base, extension=EXTENSION,
                    ccadb_records=f"{base}records", ccadb_pems=f"{base}pems?y=",
                    crlset_at=f"{base}moved",
                )  # fmt: skip
                wanted = names or ("all_logs_list", "log_list", "ccadb", "crlset")
                found = await updater.from_network(fetch, wanted)
                return {outcome.name: outcome for outcome in found}, web.asked

        return asyncio.run(run())

    return go


def test_every_list_is_installed(update: Run, lists: InstalledLists) -> None:
    found, _ = update(site())
    assert {outcome.status for outcome in found.values()} == {"updated"}
    assert found["ccadb"].text == "2 CA keys, 1 public roots"
    log_list, crl_set, owners = lists.log_list("log_list"), lists.crl_set(), lists.ca_owners()
    assert log_list is not None
    assert crl_set is not None
    assert owners is not None
    assert (log_list.version, crl_set.sequence, len(owners.owners)) == ("2026-11-20", 5, 2)


def test_a_packed_list_is_refused(
    world: LabPki, asking: FetchOptions, lists: InstalledLists
) -> None:
    bomb = Answer(zstandard.compress(bytes(64 << 20)), headers={"Content-Encoding": "zstd"})

    async def run() -> list[Outcome]:
        async with (
            Web(world.issue("127.0.0.1"), lambda _: bomb) as web,
            Fetcher(asking) as fetch,
        ):
            base = f"https://127.0.0.1:{web.port}/"
            updater = Updater(lists, world.knowledge(), lambda: NOW, base=base)
            return await updater.from_network(fetch, ("log_list", "all_logs_list"))

    for outcome in asyncio.run(run()):
        assert outcome.status == "failed"
        assert "packed" in outcome.text


def test_the_second_time_nothing_is_sent_again(update: Run) -> None:
    files = site()
    update(files)
    found, asked = update(files)
    assert {outcome.status for outcome in found.values()} == {"current"}
    assert not [request for request in asked if request.target.endswith(".sig")]
    assert not [request for request in asked if request.target.startswith("/pems")]


def test_an_older_list_is_refused_and_the_last_one_kept(update: Run, lists: InstalledLists) -> None:
    update(site())
    found, _ = update(site("2026-11-19", sequence=4))
    assert "older than the installed one; the installed one is kept" in found["log_list"].text
    assert "sequence 4 is older" in found["crlset"].text
    log_list, crl_set = lists.log_list("log_list"), lists.crl_set()
    assert log_list is not None
    assert crl_set is not None
    assert (log_list.version, crl_set.sequence) == ("2026-11-20", 5)


def test_a_list_signed_by_anybody_else_is_refused(update: Run, lists: InstalledLists) -> None:
    files = site()
    files["log_list.sig"] = signed(files["log_list.json"], CRX_KEY)
    files["crx"] = a_crx(9, key=LIST_KEY)
    found, _ = update(files, "log_list", "crlset")
    assert "not signed by its key" in found["log_list"].text
    assert "not signed by its extension's key" in found["crlset"].text
    assert lists.log_list("log_list") is None
    assert lists.crl_set() is None


def test_over_a_doubtful_connection_what_is_signed_counts_and_what_is_not_does_not(
    update: Run, lists: InstalledLists, world: LabPki
) -> None:
    found, _ = update(site(), shown=world.issue("127.0.0.1", logs=()))
    assert (found["log_list"].status, found["crlset"].status) == ("updated", "updated")
    assert "not signed, and the connection to 127.0.0.1 is consistent" in found["ccadb"].text
    assert lists.ca_owners() is None


def test_half_of_ccadb_is_not_taken_for_the_whole(update: Run, lists: InstalledLists) -> None:
    update(site())
    files = site()
    files["pems?y=2026"] = pems()
    files["records"] += b"\n"
    found, _ = update(files, "ccadb")
    assert "name 0 keys, 2 before; the installed ones are kept" in found["ccadb"].text
    owners = lists.ca_owners()
    assert owners is not None
    assert len(owners.owners) == 2


def test_one_list_that_fails_does_not_stop_the_others(update: Run) -> None:
    files = site()
    del files["all_logs_list.json"], files["crx"]
    found, _ = update(files)
    assert [found[name].status for name in ("all_logs_list", "log_list", "ccadb", "crlset")] == [
        "failed", "updated", "updated", "failed",
    ]  # fmt: skip


def test_a_machine_without_internet_takes_files(
    tmp_path: Path, lists: InstalledLists, world: LabPki
) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    files = site()
    names = {
        "log_list.json": "log_list.json", "log_list.sig": "log_list.sig", "crx": "crlset.crx",
        "records": "AllCertificateRecordsCSVFormatv5",
        "pems?y=2026": "AllCertificatePEMsCSVFormat_2026.csv",
        "all_logs_list.json": "all_logs_list.json",
    }  # fmt: skip
    for source, name in names.items():
        (folder / name).write_bytes(files[source])
    updater = Updater(lists, world.knowledge(), lambda: NOW, extension=EXTENSION)
    found = {o.name: o for o in asyncio.run(updater.from_folder(folder))}
    assert "all_logs_list.sig: missing; fetch it beside the list" in found["all_logs_list"].text
    assert [found[n].status for n in ("log_list", "ccadb", "crlset")] == ["updated"] * 3


def test_a_monitor_is_told_what_is_too_old(update: Run, lists: InstalledLists) -> None:
    shipped = parse_list(a_list("2026-08-20", LabLog()))
    assert stale_lists(lists, shipped, NOW) == [
        "the list of CT logs is 94 days old; browsers stop trusting one after 70"
    ]
    files = site()
    files["crx"] = a_crx(5, NotAfter=1700000000)
    update(files)
    assert stale_lists(lists, shipped, NOW) == ["the CRLSet expired on 2023-11-14"]
