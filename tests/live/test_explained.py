"""What real clients say against broken servers, explained: the true cause is first or second.

A client whose words are the same for several causes (git's one sentence for six) is held to naming the
true cause at all; no table can do better, and the command that tells them apart is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from detector.knowledge.explanations import error_table
from detector.lab.ca_service import ca_service, connected
from detector.lab.cases import HOST, case
from detector.lab.pki import LabPki
from detector.messages.explaining import explain
from tests.cli.conftest import running
from tests.live import clients
from tests.live.clients import Client
from tests.live.conftest import TABLES

pytestmark = pytest.mark.live
TABLE = error_table()
CASES = (
    "expired", "not-yet-valid", "wrong-host", "self-signed", "incomplete-chain", "untrusted-root",
    "plain-http", "closes", "resets",
)  # fmt: skip


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, int], Path]]:
    pki = LabPki()
    root = tmp_path_factory.mktemp("explained") / "root.pem"
    root.write_text(pki.root.pem)
    served: dict[str, int] = {}
    with ExitStack() as stack:
        service = stack.enter_context(running(ca_service(pki)))
        connected(pki, service)
        for name in CASES:
            one = case(name)
            assert one is not None
            served[one.cause] = stack.enter_context(running(one.make(pki))).port
        yield served, root


@pytest.fixture(scope="module")
def all_clients(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Client]:
    return {
        "curl": clients.curl,
        "openssl": clients.openssl,
        "Python": clients.python,
        "Node": clients.node,
        "wget": clients.wget,
        "git": clients.git,
        "Java": clients.java(),
        "gnutls-cli": clients.gnutls_cli,
        "Go": clients.go(tmp_path_factory.mktemp("go")),
        "Chromium": clients.chromium(tmp_path_factory.mktemp("chromium")),
        "Firefox": clients.firefox(tmp_path_factory.mktemp("firefox")),
    }


# One sentence for many causes: git says the same for six, Java's builder and Go for four.
AMBIGUOUS = {
    ("git", "certificate-expired"), ("git", "certificate-not-yet-valid"), ("git", "self-signed"),
    ("Java", "self-signed"), ("wget", "self-signed"), ("gnutls-cli", "self-signed"),
    ("Go", "self-signed"), ("Chromium", "self-signed"), ("git", "incomplete-chain"), ("Java", "untrusted-root"),
    ("Firefox", "incomplete-chain"),
}  # fmt: skip


CLIENTS = (
    "curl", "openssl", "Python", "Node", "wget", "git", "Java", "gnutls-cli", "Go", "Chromium",
    "Firefox",
)  # fmt: skip
# Fetches the missing intermediate by the address in the leaf, and says nothing.
SUCCEEDS = {("Chromium", "incomplete-chain")}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CLIENTS)
def test_the_true_cause_of_a_real_message_is_first_or_second(
    name: str, ports: tuple[dict[str, int], Path], all_clients: dict[str, Client]
) -> None:
    where, root = ports
    wrong: list[str] = []
    for cause, port in where.items():
        text = all_clients[name](HOST, port, root)
        found = [one.cause.id for one in explain(text, TABLE)]
        if (name, cause) in SUCCEEDS:
            assert ">ok" in text
            continue
        place = found.index(cause) + 1 if cause in found else 99
        most = 98 if (name, cause) in AMBIGUOUS else 2
        TABLES.setdefault("explained: place of the true cause", {}).setdefault(name, {})[cause] = (
            f"{place} of {len(found)}"
        )
        if place > most:
            wrong.append(f"{cause}: {found} for {text.strip()[-400:]!r}")
    assert wrong == []
