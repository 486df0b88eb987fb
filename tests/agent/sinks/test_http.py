"""Events by HTTP: what each answer means, and that an event no receiver takes is found."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.agent.sinks import RefusedError, Sink, SinkError, Surroundings
from detector.agent.sinks.http import Settings, bulk_statuses, open_sink
from detector.errors import ConfigError
from detector.net.fetch import Fetcher
from tests.agent.sample_events import NOON, finding, heartbeat

Answer = tuple[int, str, bytes]


class Receiver:
    """An HTTP/1.1 server on loopback that remembers requests and answers as it is told."""

    def __init__(self, answer: Callable[[bytes], Answer]) -> None:
        self.answer = answer
        self.bodies: list[bytes] = []
        self.heads: list[str] = []
        self.port = 0

    async def serve(self, work: Callable[[], Awaitable[None]]) -> None:
        server = await asyncio.start_server(self._one, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            await work()
        finally:
            server.close()
            await server.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                fields = dict(
                    line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line
                )
                body = await reader.readexactly(int(fields["content-length"]))
                self.heads.append(head)
                self.bodies.append(body)
                status, extra, said = self.answer(body)
                writer.write(
                    f"HTTP/1.1 {status} x\r\nContent-Length: {len(said)}\r\n{extra}\r\n".encode()
                    + said
                )
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def run(
    receiver: Receiver, work: Callable[[Sink], Awaitable[None]], path: Path, **more: object
) -> None:
    async def inner() -> None:
        around = Surroundings("d" * 32, path, lambda: NOON, print)
        url = f"http://127.0.0.1:{receiver.port}/in?secret=1"
        chosen = Settings(**{"url": url, "in_clear": True, **more})  # type: ignore[arg-type]
        sink = open_sink(chosen, around)
        await work(sink)
        await sink.close()

    asyncio.run(receiver.serve(inner))


def ids(body: bytes) -> list[int]:
    return [int(json.loads(line)["id"], 16) for line in body.splitlines()]


def test_a_batch_is_lines_with_a_token_that_may_be_renewed(tmp_path: Path) -> None:
    receiver = Receiver(lambda _: (200, "", b"ok"))
    token = tmp_path / "token"
    token.write_text("first\n")

    async def work(sink: Sink) -> None:
        await sink.send([finding(1), heartbeat(2)])
        token.write_text("second\n")
        await sink.send([finding(3)])

    run(receiver, work, tmp_path, token_file=str(token), gzip=True)
    assert [ids(gzip.decompress(body)) for body in receiver.bodies] == [[1, 2], [3]]
    assert "Authorization: Bearer first" in receiver.heads[0]
    assert "Authorization: Bearer second" in receiver.heads[1]
    assert "application/x-ndjson" in receiver.heads[0]


def test_a_batch_leaves_nothing_of_its_connection_in_memory(tmp_path: Path) -> None:
    """Else each one keeps a store of roots until Python's collector comes by, which an idle agent waits long for."""
    receiver = Receiver(lambda _: (200, "", b"ok"))
    left: list[object] = []

    async def work(sink: Sink) -> None:
        gc.collect()
        gc.disable()
        try:
            await sink.send([heartbeat(1)])
            left.extend(type(one) for one in gc.get_objects() if isinstance(one, Fetcher))
        finally:
            gc.enable()

    run(receiver, work, tmp_path)
    assert len(receiver.bodies) == 1
    assert left == []


def test_the_shapes_that_receivers_know(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    bodies: dict[str, bytes] = {}
    heads: dict[str, str] = {}
    for shape in ("array", "hec", "bulk"):
        said = b'{"errors":false,"items":[]}' if shape == "bulk" else b""
        receiver = Receiver(lambda _, said=said: (200, "", said))

        async def work(sink: Sink) -> None:
            await sink.send([finding(1), heartbeat(2)])

        run(receiver, work, tmp_path, shape=shape, token_file=str(token))
        (bodies[shape],), (heads[shape],) = receiver.bodies, receiver.heads
    assert [one["kind"] for one in json.loads(bodies["array"])] == ["opened", "heartbeat"]
    first, at = json.JSONDecoder().raw_decode(bodies["hec"].decode())
    second, _ = json.JSONDecoder().raw_decode(bodies["hec"].decode()[at:])
    assert (first["time"], first["host"]) == (NOON.timestamp() + 1, "laptop-7")
    assert (first["event"]["kind"], second["event"]["kind"]) == ("opened", "heartbeat")
    lines = [json.loads(line) for line in bodies["bulk"].splitlines()]
    assert lines[0] == {"create": {"_id": f"{1:032x}"}}
    assert lines[1]["event"]["id"] == f"{1:032x}"
    assert "Authorization: Splunk t" in heads["hec"]
    assert "Authorization: ApiKey t" in heads["bulk"]


def test_the_event_that_is_refused_is_found_and_the_rest_comes_once(tmp_path: Path) -> None:
    taken: list[int] = []

    def answer(body: bytes) -> Answer:
        if {3, 7} & set(ids(body)):
            return 400, "", b"bad"
        taken.extend(ids(body))
        return 200, "", b""

    async def work(sink: Sink) -> None:
        with pytest.raises(RefusedError) as caught:
            await sink.send([finding(n) for n in range(10)])
        assert caught.value.places == (3, 7)
        # as the delivery does it: what follows comes again, without what was refused
        await sink.send([finding(n) for n in range(4, 11) if n != 7])

    run(Receiver(answer), work, tmp_path)
    assert sorted(taken) == [n for n in range(11) if n not in (3, 7)]


def test_a_receiver_that_takes_nothing_refuses_no_event_for_good(tmp_path: Path) -> None:
    receiver = Receiver(lambda _: (400, "", b"what is this?"))

    async def work(sink: Sink) -> None:
        with pytest.raises(SinkError, match="has taken nothing so far") as caught:
            await sink.send([finding(n) for n in range(64)])
        assert not isinstance(caught.value, RefusedError)

    run(receiver, work, tmp_path)
    assert len(receiver.bodies) < 25


@pytest.mark.parametrize("status", [401, 403, 404, 405, 408, 410, 429, 500, 503, 301])
def test_what_is_a_matter_of_settings_or_time_keeps_everything(tmp_path: Path, status: int) -> None:
    extra = "Retry-After: 240\r\n" if status in (429, 503) else ""
    receiver = Receiver(lambda _: (status, extra, b""))

    async def work(sink: Sink) -> None:
        with pytest.raises(SinkError, match=f"answers {status}") as caught:
            await sink.send([finding(1), finding(2)])
        assert not isinstance(caught.value, RefusedError)
        assert caught.value.after == (240 if extra else None)
        assert "secret" not in str(caught.value)

    run(receiver, work, tmp_path)
    assert len(receiver.bodies) == 1


def test_a_bulk_answer_is_read_part_by_part(tmp_path: Path) -> None:
    statuses = iter([[201, 409, 400, 503], [200]])

    def answer(_: bytes) -> Answer:
        items = [{"create": {"_id": "x", "status": one}} for one in next(statuses)]
        return 200, "", json.dumps({"took": 1, "errors": True, "items": items}).encode()

    async def work(sink: Sink) -> None:
        batch = [finding(n) for n in range(4)]
        with pytest.raises(SinkError, match="answers 503 for some"):
            await sink.send(batch)
        await sink.send([batch[0], batch[1], batch[3]])

    receiver = Receiver(answer)
    run(receiver, work, tmp_path, shape="bulk")
    assert receiver.bodies[1].count(b'"_id"') == 1  # the two that it had are not sent again


@settings(max_examples=40, deadline=None)
@given(st.binary() | st.builds(lambda x: json.dumps(x).encode(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.sampled_from(["errors", "items", "create", "status", "x"]), c))))  # fmt: skip
def test_a_bulk_answer_of_anybody_is_statuses_or_a_value_error(body: bytes) -> None:
    try:
        found = bulk_statuses(body, 3)
    except ValueError:
        return
    assert len(found) == 3


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ({"url": "http://siem.example/in"}, "read by everybody"),
        ({"url": "https://user:pw@siem.example/in"}, "has a login"),
        ({"url": "ftp://siem.example/in"}, "neither https"),
        ({"url": "https://[::1"}, "is no URL"),
        ({"url": "https://siem.example:99999/in"}, "is no URL"),
        ({"url": "https://siem.example/in", "scheme": "a b\r\nX: y"}, "no scheme"),
        ({"url": "https://siem.example/in", "proxy": "gopher://x"}, "gopher"),
    ],
)
def test_settings_that_are_no_good_are_refused(
    tmp_path: Path, named: dict[str, str], why: str
) -> None:
    around = Surroundings("d" * 32, tmp_path, lambda: NOON, print)
    with pytest.raises(ConfigError, match=why) as caught:
        open_sink(Settings(**named), around)  # type: ignore[arg-type]
    assert "user:pw" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "two words", "ünïcode", "a\nb"])
def test_a_token_that_is_none_is_told_and_not_sent(tmp_path: Path, token: str) -> None:
    receiver = Receiver(lambda _: (200, "", b""))
    path = tmp_path / "token"
    path.write_text(token)

    async def work(sink: Sink) -> None:
        with pytest.raises(SinkError, match="holds no token"):
            await sink.send([finding(1)])

    run(receiver, work, tmp_path, token_file=str(path))
    assert receiver.bodies == []


@pytest.mark.parametrize(("own", "through"), [(None, True), ("none", False)])
def test_the_agents_proxy_is_the_sinks_unless_it_has_its_own_word(
    tmp_path: Path, own: str | None, through: bool
) -> None:
    receiver = Receiver(lambda _: (200, "", b""))

    async def go() -> None:
        around = Surroundings(
            "d" * 32, tmp_path, lambda: NOON, print, proxy=f"http://127.0.0.1:{receiver.port}"
        )
        url = "http://siem.invalid/in" if through else f"http://127.0.0.1:{receiver.port}/in"
        sink = open_sink(Settings(url=url, in_clear=True, proxy=own), around)
        await sink.send([finding(1)])

    asyncio.run(receiver.serve(go))
    (head,) = receiver.heads
    assert head.startswith("POST http://siem.invalid/in " if through else "POST /in ")
