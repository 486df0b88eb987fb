"""Real clients through a real mitmdump that records: the class of each attempt is the truth."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from addons.bypass.attempt import Attempt, classify
from addons.bypass.learning import replay
from addons.bypass.weighing import LearningOptions
from addons.scripts import bypass_script
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.mitmdump import Mitmdump
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from tests.cli.conftest import Run
from tests.live.clients import said
from tests.live.conftest import TABLES
from tests.live.programs import find

pytestmark = pytest.mark.live
HOSTS = ("one.test", "two.test", "pinned.test")
WRONG_PIN = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@asynccontextmanager
async def recording(
    folder: Path, origin: Origin, root: str, *settings: str
) -> AsyncGenerator[tuple[Mitmdump, Path]]:
    """A mitmdump in front of `origin` that records."""
    folder.mkdir(parents=True, exist_ok=True)
    trust = folder / "root.pem"
    trust.write_text(root)
    store = folder / "bypass.sqlite3"
    async with Mitmdump(
        folder / "mitm", trust=trust, scripts=(bypass_script(),),
        settings=(f"bypass_store={store}", *settings),
    ) as mitm:  # fmt: skip
        yield mitm, store


def attempts_of(
    folder: Path, commands: Callable[[int, int, Path], list[list[str]]], **how: object
) -> list[Attempt]:
    """What was recorded while the commands ran, given origin's port, proxy's port and proxy's CA."""

    async def run() -> Path:
        pki = LabPki()
        prepare = how.get("prepare")
        shown = how.get("shown") or (lambda: {h: pki.issue(h, "127.0.0.1") for h in HOSTS})
        origin = Origin(shown(), prepare=prepare)  # type: ignore[operator, arg-type]
        async with (
            origin,
            recording(folder, origin, pki.root.pem, "connection_strategy=lazy") as (mitm, store),
        ):
            ca = folder / "mitm" / "mitmproxy-ca-cert.pem"
            for command in commands(origin.port, mitm.port, ca):
                await asyncio.to_thread(said, *command)
            await mitm.caught_up()
        return store

    with BypassStore(asyncio.run(run()), clock.now) as store:
        return list(store.traffic.attempts())


def curl(port: int, proxy: int, *more: object) -> list[str]:
    """CONNECT to the origin's address; the name is in SNI alone."""
    return [
        find("curl"), "-sS", "-m", "30", "-x", f"http://127.0.0.1:{proxy}", *map(str, more),
    ]  # fmt: skip


def client_classes(found: list[Attempt]) -> list[str]:
    return [classify(one) for one in found if one.side == "client"]


PYTHON = """
import socket, ssl, sys
proxy, port, host = int(sys.argv[1]), sys.argv[2], sys.argv[3]
raw = socket.create_connection(("127.0.0.1", proxy), timeout=30)
raw.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\\r\\n\\r\\n".encode())
raw.recv(4096)
ssl.create_default_context().wrap_socket(raw, server_hostname=host)
"""
RESET = """
import socket, ssl, struct, sys
raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=30)
raw.sendall(f"CONNECT 127.0.0.1:{sys.argv[2]} HTTP/1.1\\r\\n\\r\\n".encode())
raw.recv(4096)
out = ssl.MemoryBIO()
tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=sys.argv[3])
try:
    tls.do_handshake()
except ssl.SSLWantReadError:
    raw.sendall(out.read())
raw.recv(10)
raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
raw.close()
"""


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("curl with the CA", lambda p, x, ca: curl(p, x, "--cacert", ca, f"https://127.0.0.1:{p}/"),
         "trusted"),
        ("curl without the CA", lambda p, x, _: curl(p, x, f"https://127.0.0.1:{p}/"), "refused"),
        ("curl, TLS 1.2, without the CA",
         lambda p, x, _: curl(p, x, "--tls-max", "1.2", f"https://127.0.0.1:{p}/"), "refused"),
        ("curl with a wrong pin",
         lambda p, x, ca: curl(p, x, "--cacert", ca, "--pinnedpubkey", WRONG_PIN,
                               f"https://127.0.0.1:{p}/"), "refused-silently"),
        ("wget without the CA",
         lambda p, x, _: [find("wget"), "-q", "-O", "/dev/null", "-T", "8", "-t", "1",
                          "-e", "use_proxy=yes", "-e", f"https_proxy=http://127.0.0.1:{x}",
                          f"https://127.0.0.1:{p}/"], "refused-silently"),
        ("openssl that verifies",
         lambda p, x, _: [find("openssl"), "s_client", "-proxy", f"127.0.0.1:{x}",
                          "-connect", f"127.0.0.1:{p}", "-servername", "one.test",
                          "-verify_return_error"], "refused"),
        ("Python", lambda p, x, _: ["python3", "-c", PYTHON, str(x), str(p), "one.test"], "refused"),
        ("a reset in the handshake",
         lambda p, x, _: ["python3", "-c", RESET, str(x), str(p), "one.test"], "hung-up"),
    ],
)  # fmt: skip
def test_a_real_clients_attempt_has_its_class(
    name: str, words: Callable[..., list[str]], expected: str, tmp_path: Path
) -> None:
    found = attempts_of(tmp_path, lambda p, x, ca: [words(p, x, ca)])
    classes = client_classes(found)
    TABLES.setdefault("attempts: class by client", {})[name] = {"class": ", ".join(classes)}
    assert classes == [expected], found
    assert all(one.ja4 and one.ja4.startswith("t1") for one in found if one.side == "client")


def test_a_server_that_wants_a_certificate_is_recognised_in_both_versions(tmp_path: Path) -> None:
    own = Authority("clients")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):

        def prepare(context: ssl.SSLContext, most: ssl.TLSVersion = version) -> None:
            context.maximum_version = most
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=own.pem)

        found = attempts_of(
            tmp_path / version.name,
            lambda p, x, ca: [curl(p, x, "--cacert", ca, f"https://127.0.0.1:{p}/")],
            prepare=prepare,
        )
        classes = [classify(one) for one in found if one.side == "server"]
        assert all(one.asked_certificate for one in found if one.side == "server")
        assert "upstream-mtls" in classes, found


def test_a_server_with_a_bad_certificate_is_told_as_that(tmp_path: Path) -> None:
    stranger = Authority("Stranger", profile=False)
    found = attempts_of(
        tmp_path,
        lambda p, x, ca: [curl(p, x, "--cacert", ca, f"https://127.0.0.1:{p}/")],
        shown=lambda: {"one.test": stranger.issue("127.0.0.1")},
    )
    classes = Counter(classify(one) for one in found if one.side == "server")
    assert classes["upstream-certificate-invalid"] >= 1
    learned = replay(found, LearningOptions(), None)
    assert learned.candidates == ()
    assert learned.invalid == ("127.0.0.1",)


def test_the_attempts_are_read_by_the_command(tlsight: Run, tmp_path: Path) -> None:
    attempts_of(tmp_path, lambda p, x, _: [curl(p, x, f"https://127.0.0.1:{p}/")])
    store = ("--store", tmp_path / "bypass.sqlite3")
    printed = tlsight("bypass", "attempts", *store).stdout
    (tmp_path / "attempts.ndjson").write_text(printed)
    for words in ((), (tmp_path / "attempts.ndjson",)):
        done = tlsight("bypass", "replay", *words, *store)
        assert (done.returncode, done.stdout) == (0, "nothing stands out\n")
    assert "1 refused" in tlsight("bypass", "stats", *store).stdout
