"""`tlsight update`: bring the published lists up to date, and never back.

Rules
-----
1. A list that is signed is believed for its signature, over whatever connection it came; a list that
   is not, only over a connection that the judge calls direct or consistent.
2. A list older than the installed one is refused: a replayed old list would hide a distrusted log.
3. Each list is checked whole before it takes the place of the last one, by one rename, under a lock: of
   two runs at once the one with the older list must see the newer one.
4. Requests are conditional; "not modified" counts as done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from detector.bounded import read_bounded
from detector.errors import ListError, StoreError, TlsightError
from detector.knowledge.installed import LOG_LISTS, Fetch, InstalledLists
from detector.known.knowledge import Knowledge
from detector.lists import ccadb, crlset, log_list
from detector.lookup.connection import distrust
from detector.model.observation import Observation
from detector.net.fetch import Fetched, Fetcher, Pace

Status = Literal["updated", "current", "failed", "missing"]
FEEDS = (*LOG_LISTS, "ccadb", "crlset")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one list.

    Attributes:
        text: for a person: the edition, or what went wrong.

    """

    name: str
    status: Status
    text: str


class Updater:
    """One run of `tlsight update`.

    Args:
        lists: where the installed ones are.
        known: for judging connections.
        base: where the log lists are, if not at Google's; theirs is the signature all the same.

    """

    def __init__(
        self,
        lists: InstalledLists,
        known: Knowledge,
        now: Callable[[], datetime],
        *,
        base: str = log_list.BASE,
        ccadb_records: str = ccadb.RECORDS,
        ccadb_pems: str = ccadb.PEMS,
        crlset_at: str = crlset.WHERE,
        extension: str = crlset.EXTENSION,
    ) -> None:
        self.lists = lists
        self.known = known
        self.now = now
        self.base = base
        self.ccadb_records = ccadb_records
        self.ccadb_pems = ccadb_pems
        self.crlset_at = crlset_at
        self.extension = extension

    async def from_network(self, fetch: Fetcher, names: tuple[str, ...] = FEEDS) -> list[Outcome]:
        """Every list that is asked for, one after the other. Raises StoreError."""
        return [await self._guard(name, self._fetch(name, fetch)) for name in names]

    async def from_folder(self, folder: Path, names: tuple[str, ...] = FEEDS) -> list[Outcome]:
        """The lists whose files are in `folder`, under the names that they are published under.

        Raises StoreError.
        """
        return [await self._guard(name, self._read(name, folder)) for name in names]

    async def _guard(self, name: str, work: Awaitable[Outcome]) -> Outcome:
        try:
            return await work
        except StoreError:
            raise  # what cannot be written once cannot be written for the next list
        except TlsightError as error:
            return Outcome(name, "failed", str(error))

    def _fetch(self, name: str, fetch: Fetcher) -> Awaitable[Outcome]:
        if name == "ccadb":
            return self._fetch_ccadb(fetch)
        if name == "crlset":
            return self._fetch_crlset(fetch)
        return self._fetch_log_list(name, fetch)

    async def _fetch_log_list(self, name: str, fetch: Fetcher) -> Outcome:
        headers = self._conditions(name) if self.lists.log_list(name) is not None else {}
        answer = await fetch.get(
            f"{self.base}{name}.json", limit=log_list.MAX_LIST, headers=headers
        )
        if answer.status == 304:
            return self._unchanged(name, answer)
        signature = await fetch.get(f"{self.base}{name}.sig", limit=4 * log_list.SIGNATURE_SIZE)
        outcome = self._install_log_list(name, answer.body, signature.body)
        self._note(name, answer)
        return outcome

    async def _fetch_crlset(self, fetch: Fetcher) -> Outcome:
        headers = self._conditions("crlset") if self.lists.crl_set() is not None else {}
        answer = await fetch.get(self.crlset_at, limit=crlset.MAX_CRX, headers=headers, follow=True)
        if answer.status == 304:
            return self._unchanged("crlset", answer)
        outcome = self._install_crlset(answer.body)
        self._note("crlset", answer)
        return outcome

    async def _fetch_ccadb(self, fetch: Fetcher) -> Outcome:
        headers = self._conditions("ccadb") if self.lists.ca_owners() is not None else {}
        answer = await fetch.get(self.ccadb_records, limit=ccadb.MAX_REPORT, headers=headers)
        ways: list[Observation | None] = [answer.connection]
        self._believe(ways)
        if answer.status == 304:
            return self._unchanged("ccadb", answer)
        records = ccadb.parse_records(answer.body, self.now().date())
        years = sorted({record.year for record in records if record.usable and record.year})
        pace = Pace(0.5)
        reports: list[bytes] = []
        for year in years:
            report = await fetch.get(f"{self.ccadb_pems}{year}", limit=ccadb.MAX_REPORT, pace=pace)
            ways.append(report.connection)
            reports.append(report.body)
        self._believe(ways)
        outcome = self._install_ccadb(records, reports)
        self._note("ccadb", answer)
        return outcome

    def _read(self, name: str, folder: Path) -> Awaitable[Outcome]:
        async def read() -> Outcome:
            if name == "ccadb":
                return self._read_ccadb(folder)
            if name == "crlset":
                crx = _file(folder / "crlset.crx", crlset.MAX_CRX)
                return _missing(name) if crx is None else self._install_crlset(crx)
            body = _file(folder / f"{name}.json", log_list.MAX_LIST)
            signature = _file(folder / f"{name}.sig", 4 * log_list.SIGNATURE_SIZE)
            if body is None:
                return _missing(name)
            if signature is None:
                raise ListError(f"{folder / name}.sig: missing", remedy="fetch it beside the list")
            return self._install_log_list(name, body, signature)

        return read()

    def _read_ccadb(self, folder: Path) -> Outcome:
        body = _file(folder / "AllCertificateRecordsCSVFormatv5", ccadb.MAX_REPORT)
        if body is None:
            return _missing("ccadb")
        records = ccadb.parse_records(body, self.now().date())
        found = (
            _file(path, ccadb.MAX_REPORT)
            for path in sorted(folder.glob("AllCertificatePEMsCSVFormat*"))
        )
        return self._install_ccadb(records, [body for body in found if body is not None])

    def _install_log_list(self, name: str, body: bytes, signature: bytes) -> Outcome:
        log_list.verify_list(body, signature, self.lists.key)
        found = log_list.parse_list(body)
        if found.timestamp is None:
            raise ListError(f"{name} does not say of when it is")
        with self.lists.changing():
            last = self.lists.log_list(name)
            text = f"version {found.version} of {found.timestamp:%Y-%m-%d %H:%M} UTC"
            text += f", {len(found.logs)} logs"
            if last is not None and last.timestamp is not None:
                if found.timestamp < last.timestamp:
                    why = f"{name} of {found.timestamp:%Y-%m-%d %H:%M} is older than the installed one"
                    raise ListError(why, remedy="the installed one is kept")
                if found.timestamp == last.timestamp:
                    return Outcome(name, "current", text)
            self.lists.save_log_list(name, body, signature)
            return Outcome(name, "updated", text)

    def _install_crlset(self, crx: bytes) -> Outcome:
        found = crlset.parse_crx(crx, self.extension)
        with self.lists.changing():
            last = self.lists.crl_set()
            text = f"sequence {found.sequence}, {len(found.known)} interception keys"
            if last is not None and found.sequence < last.sequence:
                why = f"the CRLSet of sequence {found.sequence} is older than the installed one"
                raise ListError(why, remedy="the installed one is kept")
            self.lists.save_crl_set(found)
            same = last is not None and last.sequence == found.sequence
            return Outcome("crlset", "current" if same else "updated", text)

    def _install_ccadb(self, records: tuple[ccadb.CaRecord, ...], reports: list[bytes]) -> Outcome:
        certificates = (c for report in reports for c in ccadb.parse_pems(report))
        found = ccadb.join(records, certificates)
        with self.lists.changing():
            last = self.lists.ca_owners()
            if last is not None and len(found.owners) < len(last.owners) // 2:
                why = f"CCADB's reports name {len(found.owners)} keys, {len(last.owners)} before"
                raise ListError(why, remedy="the installed ones are kept")
            self.lists.save_ca_owners(found)
            text = f"{len(found.owners)} CA keys, {len(found.roots)} public roots"
            return Outcome("ccadb", "updated", text)

    def _conditions(self, name: str) -> Mapping[str, str]:
        last = self.lists.fetches().get(name)
        if last is None:
            return {}
        found = {"If-None-Match": last.etag, "If-Modified-Since": last.modified}
        return {header: value for header, value in found.items() if value}

    def _note(self, name: str, answer: Fetched) -> None:
        fetch = Fetch(self.now(), answer.headers.get("etag"), answer.headers.get("last-modified"))
        self.lists.note_fetch(name, fetch)

    def _unchanged(self, name: str, answer: Fetched) -> Outcome:
        last = self.lists.fetches().get(name)
        etag = answer.headers.get("etag") or (last.etag if last else None)
        self.lists.note_fetch(name, Fetch(self.now(), etag, last.modified if last else None))
        return Outcome(name, "current", "not modified")

    def _believe(self, ways: list[Observation | None]) -> None:
        why = distrust(ways, self.known)
        if why is not None:
            remedy = "fetch CCADB's reports elsewhere and use --from"
            raise ListError(f"CCADB's reports are not signed, and {why}", remedy=remedy)


def stale_lists(lists: InstalledLists, shipped: log_list.LogList, at: datetime) -> list[str]:
    """What a monitor should complain about: lists in force that are older than browsers accept."""
    found: list[str] = []
    newest = [lists.log_list(name) for name in LOG_LISTS]
    stamps = [one.timestamp for one in (*newest, shipped) if one and one.timestamp]
    youngest = max(stamps, default=None)
    if youngest is None or at - youngest > log_list.STALE:
        days = (at - youngest).days if youngest else None
        age = f"{days} days old" if days is not None else "of unknown age"
        found.append(f"the list of CT logs is {age}; browsers stop trusting one after 70")
    crl_set = lists.crl_set()
    if crl_set is not None and crl_set.expires is not None and crl_set.expires < at:
        found.append(f"the CRLSet expired on {crl_set.expires:%Y-%m-%d}")
    return [*found, *lists.troubles]


def _missing(name: str) -> Outcome:
    return Outcome(name, "missing", "not there")


def _file(path: Path, limit: int) -> bytes | None:
    try:
        data = read_bounded(path, limit + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ListError(f"{path}: {error.strerror or error}") from None
    if len(data) > limit:
        raise ListError(f"{path}: more than {limit} bytes")
    return data
