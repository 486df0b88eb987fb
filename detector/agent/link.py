"""What an agent hears from its fleet: signed lists, and questions. It listens as long as it runs, and dials out alone.

Theory of operation
-------------------
After each connect it first begins to listen, then asks for the last value of each list and of its own questions: what
is published in between is heard, and what was published while it was away is there. A list that is verified and later
than the one that stands is kept, then put in force; what was heard twice is known by its serial. Questions are
answered one after the other, each once.

What is heard may be from anybody in the fleet, though it cannot be signed (addons.fleet.rights). So what is heard and
refused is no more than a sign to look: only what the fleet keeps under that name is told of as refused, and it is
looked at once for all that was heard in a while.

Nothing that goes wrong with one question or one list ends this: it is told, and the next one is taken. Where the
agent's own database cannot be written, the same is tried again later and later.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from detector.agent import subjects
from detector.agent.line import Line, NotYetError, line_of
from detector.agent.questions import MOST_AN_HOUR, Question, read_sheet, refusal, sheet_name
from detector.agent.signed import LISTS, Signed, judged, unseal
from detector.errors import ConfigError, DialError, FetchError, ListError, TlsightError
from detector.net.nats_link import DeniedError, NatsLink, UntrustedError, pause
from detector.net.stream import resolve

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from detector.knowledge.database import Database
    from detector.report.event_json import NoticeCode

Notice = Callable[["NoticeCode", str, str], None]
_WAITING = 64
# Seconds between two looks at what is kept, after something that was heard was refused.
_LOOK_AGAIN = 1.0
_LONGEST_WAIT = 60.0
_TOGETHER = 2.0
_KEPT_DAYS = 30


class Link:
    """Of one agent.

    Args:
        folder: the agent's state; fleet.json is there.
        store: the agent's database; its tables `list` and `question` are this class's.
        now: the clock.
        notice: takes what is to be told of the agent itself: code, text, what it is about.
        private: whether a question about this name is answered also where it leads to an address that not everybody
            reaches: a fleet's keeper is no scanner of the networks that its agents are in.

    """

    def __init__(
        self,
        folder: Path,
        store: Database,
        *,
        now: Callable[[], datetime],
        notice: Notice,
        private: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._folder = folder
        self._store = store
        self._now = now
        self._notice = notice
        self._private = private
        self._line: Line | None = None
        self._told = ""
        self._standing: dict[str, Signed] = {}
        self._sheet: Signed | None = None
        self._open: dict[str, Question] = {}
        self._asked = asyncio.Event()

    async def run(
        self,
        on_list: Callable[[str, bytes, int], None],
        on_question: Callable[[Question], Awaitable[None]],
    ) -> None:
        """Until it is cancelled; a line that is down is no error. Raises ConfigError where the agent has no fleet.

        Args:
            on_list: puts a list in force: its name, its content, its serial. Called first for those that were kept.
                What it raises as a TlsightError refuses the list: the one before stays in force.
            on_question: checks the host and tells the answer.

        """
        self._line = line_of(self._folder)
        self._kept(self._line.member().signer, on_list)
        line = self._line
        tasks = (
            asyncio.ensure_future(self._forever(lambda: self._once(line, on_list), "lists")),
            asyncio.ensure_future(self._forever(lambda: self._answer(on_question), "questions")),
        )
        try:
            # Neither ends by itself; should one do so, it is not to be silently.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Hang up; never raises."""
        if self._line is not None:
            await self._line.close()

    async def _forever(self, once: Callable[[], Awaitable[None]], about: str) -> None:
        """Again and again; after a failure of our own later and later, told once for as long as it lasts."""
        failures, told = 0, ""
        while True:
            try:
                await once()
            except ConfigError:
                raise  # fleet.json is gone: there is no fleet
            except Exception as error:
                failures += 1
                if str(error) != told:
                    told = str(error)
                    self._notice(
                        "cannot-check", f"the fleet's {about} are not taken now: {error}", about
                    )
                await asyncio.sleep(pause(failures, random.random(), _LONGEST_WAIT))  # noqa: S311
            else:
                failures, told = 0, ""

    async def _once(self, line: Line, on_list: Callable[[str, bytes, int], None]) -> None:
        """One connection, from its beginning to its end, or one failure to have one and the wait after it."""
        try:
            link = await line.get()
            self._say("")
            try:
                await self._listen(link, line.member().signer, line.member().name, on_list)
            finally:
                await line.close()
            # A server that starts again has all of its agents waiting.
            await asyncio.sleep(random.random() * _TOGETHER)  # noqa: S311
        except NotYetError as error:
            # A while, but not all of it: the file may have been changed.
            await asyncio.sleep(min(error.wait, 30.0) + 0.05)
        except DeniedError as error:
            self._say(
                "revoked", f"{error}: revoked there, or another fleet's; events are kept here"
            )
        except UntrustedError as error:
            self._say("sink-failing", str(error))
        except FetchError:
            pass  # told by the sink, which has something to deliver

    async def _listen(
        self, link: NatsLink, signer: str, device: str, on_list: Callable[[str, bytes, int], None]
    ) -> None:
        heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(_WAITING)

        async def take(message: Msg) -> None:
            await heard.put((message.subject, message.data))

        lists = subjects.key_subject(subjects.LISTS, "")
        mine = subjects.key_subject(subjects.QUESTIONS, device)
        await link.hear(f"{lists}>", take)
        await link.hear(mine, take)
        doubted = {*LISTS, mine}
        loop, due = asyncio.get_running_loop(), 0.0
        ended = asyncio.ensure_future(link.ended())
        try:
            while link.open:
                if doubted and loop.time() >= due:
                    due = loop.time() + _LOOK_AGAIN * (0.5 + random.random())  # noqa: S311
                    for name in (*LISTS, mine):
                        if name in doubted:
                            await self._look(link, name, signer, device, on_list)
                    doubted.clear()
                wait = max(0.0, due - loop.time()) if doubted else None
                hearing = asyncio.ensure_future(heard.get())
                await asyncio.wait(
                    (hearing, ended), timeout=wait, return_when=asyncio.FIRST_COMPLETED
                )
                if not hearing.done():
                    hearing.cancel()
                    if ended.done():
                        return
                    continue
                subject, blob = hearing.result()
                name = subject if subject == mine else subject.removeprefix(lists)
                if self._refused(name, blob, signer, device, on_list):
                    doubted.add(name)
        finally:
            ended.cancel()

    async def _look(
        self,
        link: NatsLink,
        name: str,
        signer: str,
        device: str,
        on_list: Callable[[str, bytes, int], None],
    ) -> None:
        """Take what the fleet keeps under a name; what is refused of that is told."""
        is_list = name in LISTS
        bucket, key = (subjects.LISTS, name) if is_list else (subjects.QUESTIONS, device)
        found = await link.last(bucket, key)
        why = self._refused(name, found[0], signer, device, on_list) if found is not None else ""
        if not why:
            return
        if not is_list:
            self._notice("list-refused", f"the fleet's questions are refused: {why}", "questions")
            return
        standing = self._standing.get(name)
        stays = f"; serial {standing.serial} stays in force" if standing is not None else ""
        self._notice("list-refused", f"the fleet's list is refused: {why}{stays}", name)

    def _refused(
        self,
        name: str,
        blob: bytes,
        signer: str,
        device: str,
        on_list: Callable[[str, bytes, int], None],
    ) -> str:
        """Take a list or the questions; why not, empty where they are taken. Raises StoreError."""
        try:
            if name == subjects.key_subject(subjects.QUESTIONS, device):
                self._take_sheet(blob, signer, device)
            elif name in LISTS:
                self._take(name, blob, signer, on_list)
        except ListError as error:
            return str(error)
        return ""

    def _kept(self, signer: str, on_list: Callable[[str, bytes, int], None]) -> None:
        """Put the last good lists in force again. One that does not verify any more is no longer the fleet's."""
        for name, blob in self._rows("SELECT name, body FROM list"):
            try:
                found = unseal(str(name), bytes(blob), signer)  # type: ignore[call-overload]
                on_list(found.name, found.content, found.serial)
            except TlsightError as error:
                self._notice(
                    "list-refused", f"the list that was kept is left out: {error}", str(name)
                )
                continue
            self._standing[found.name] = found

    def _take(
        self, name: str, blob: bytes, signer: str, on_list: Callable[[str, bytes, int], None]
    ) -> None:
        """Raises ListError for one that is refused, StoreError where it cannot be kept."""
        found = unseal(name, blob, signer)
        change = judged(found, self._standing.get(name), self._now())
        if change == "taken":
            try:
                on_list(name, found.content, found.serial)
            except TlsightError as error:  # by who is to follow it
                raise ListError(str(error)) from None
        self._write(
            "INSERT INTO list (name, serial, body) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET serial = excluded.serial, body = excluded.body",
            (name, found.serial, blob),
        )
        self._standing[name] = found
        if change == "taken":
            self._notice("list-taken", f"the fleet's list {name} {found.serial} is in force", name)

    def _take_sheet(self, blob: bytes, signer: str, device: str) -> None:
        """Raises ListError."""
        found = unseal(sheet_name(device), blob, signer)
        judged(found, self._sheet, self._now())
        questions = read_sheet(found.content)
        self._sheet = found
        self._open = {one.id: one for one in questions}
        self._asked.set()

    async def _answer(self, on_question: Callable[[Question], Awaitable[None]]) -> None:
        """One question after the other, those of an hour counted."""
        while True:
            question = self._next()
            if question is None:
                self._asked.clear()
                await self._asked.wait()
                continue
            if self._answered_since(self._now() - timedelta(hours=1)) >= MOST_AN_HOUR:
                await asyncio.sleep(60)
                continue
            why = await self._refusal(question)
            if why:
                text = f"a question of the fleet's is not answered: {why}"
                self._notice("cannot-check", text, question.id)
            else:
                await asyncio.sleep(random.random() / 4)  # noqa: S311 (that fifty do not begin together)
                try:
                    await on_question(question)
                except Exception as error:
                    text = f"a question of the fleet's is not answered: {error}"
                    self._notice("cannot-check", text, question.id)
            self._write(
                "INSERT OR IGNORE INTO question (id, answered) VALUES (?, ?)",
                (question.id, self._now().isoformat()),
            )

    def _next(self) -> Question | None:
        now = self._now()
        self._write(
            "DELETE FROM question WHERE answered < ?",
            ((now - timedelta(days=_KEPT_DAYS)).isoformat(),),
        )
        for one in self._open.values():
            if one.until > now and not self._rows("SELECT 1 FROM question WHERE id = ?", one.id):
                return one
        return None

    def _answered_since(self, since: datetime) -> int:
        ((count,),) = self._rows(
            "SELECT count(*) FROM question WHERE answered > ?", since.isoformat()
        )
        return int(str(count))

    async def _refusal(self, question: Question) -> str:
        try:
            found = await resolve(question.host, question.port)
        except DialError:
            return ""  # that it does not resolve here is an answer
        addresses = [address for _, address, _ in found]
        return refusal(question.host, addresses, private=self._private(question.host))

    def _say(self, code: NoticeCode | str, text: str = "") -> None:
        """Once for as long as it lasts."""
        if code and code != self._told:
            self._notice(code, text, "nats")  # type: ignore[arg-type]
        self._told = code

    def _rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        try:
            return self._store.db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._store.failure(error) from None

    def _write(self, query: str, values: tuple[object, ...]) -> None:
        try:
            with self._store.db:
                self._store.db.execute(query, values)
        except sqlite3.Error as error:
            raise self._store.failure(error) from None
