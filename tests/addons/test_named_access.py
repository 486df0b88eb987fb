"""The page with named users: their passwords, roles and sessions, and a reverse proxy that names them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from addons.bypass.audit import Actor
from addons.bypass.learning import Candidate
from addons.review.access import Access
from addons.review.app import Review
from addons.review.forwarded import PROOF_HEADER, Forwarded, forwarded
from addons.review.guesses import FREE
from addons.review.users_file import UsersFile
from addons.store.bypass_store import BypassStore
from detector.errors import ConfigError, StoreError
from tests.addons.reviewing import form_of

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
ORIGIN, PUBLIC = "http://127.0.0.1:8090", "https://bypass.example"
HOSTS = frozenset(["127.0.0.1:8090"])
PASSWORDS = {
    "alice": "the passphrase of alice",
    "bob": "the passphrase of bob",
    "vic": "the passphrase of vic",
}
ROLES = {"alice": "admin", "bob": "approver", "vic": "viewer"}
SECRET = "s" * 40
PROXY = "10.0.0.5"
HASHES = {name: PasswordHasher(1, 64, 1).hash(word) for name, word in PASSWORDS.items()}


class Ticks:
    at = 1000.0

    def __call__(self) -> float:
        return self.at


class World:
    """A page over a store with one candidate."""

    def __init__(self, folder: Path) -> None:
        self.store, self.users, self.ticks = folder / "b.sqlite3", folder / "review-users", Ticks()
        self.write(ROLES)

    def write(self, roles: dict[str, str]) -> None:
        self.users.write_text("".join(f"{n}:{role}:{HASHES[n]}\n" for n, role in roles.items()))
        self.users.chmod(0o600)

    def page(self, **options: Any) -> Callable[[str], TestClient]:
        access = Access(
            options.pop("secret", None), HOSTS, "http", self.ticks, "the metrics token",
            users=options.pop("users", UsersFile(self.users)), **options,
        )  # fmt: skip
        app = Review(self.store, access, lambda: NOW).app()

        def client(address: str = "192.0.2.1") -> TestClient:
            return TestClient(app, ORIGIN, follow_redirects=False, client=(address, 5000))

        return client


@pytest.fixture
def world(tmp_path: Path) -> World:
    found = World(tmp_path)
    with BypassStore(found.store, lambda: NOW) as store:
        for host in ("bank.example", "shop.example"):
            fields = (4.0, ("10.0.0.1",), NOW, NOW, "It refuses.")
            store.propose(Candidate(host, "certificate-pinned", *fields))
    return found


def log_in(client: TestClient, name: str, password: str | None = None) -> int:
    fields = {"user": name, "token": PASSWORDS.get(name, "") if password is None else password}
    return client.post("/login", data=fields, headers={"origin": ORIGIN}).status_code


def csrf(client: TestClient, headers: dict[str, str] | None = None) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/", headers=headers).text)
    assert found is not None
    return found[1]


def reject(client: TestClient, about: str = "bank.example", /, **headers: str) -> int:
    where = f"/candidate/{about}/reject"
    page = client.get(
        f"/candidate/{about}", headers={n: v for n, v in headers.items() if n != "origin"}
    ).text
    known = {"csrf": csrf[1]} if (csrf := re.search('name="csrf" value="([^"]+)"', page)) else {}
    fields = form_of(page, where) if f'action="{where}"' in page else known
    headers = {"origin": ORIGIN} | headers
    return client.post(where, data=fields, headers=headers).status_code


def last(world: World) -> tuple[str, str, str | None]:
    with BypassStore(world.store, lambda: NOW) as store:
        entry = list(store.audit())[-1]
    return entry.action, entry.by, msgspec.json.decode(entry.who or "", type=Actor).login


def test_a_decision_bears_the_name_of_who_made_it_and_how_he_got_in(world: World) -> None:
    client = world.page()("192.0.2.7")
    assert "Password" in client.get("/login").text
    assert log_in(client, "bob", "wrong") == 403
    assert log_in(client, "bob") == 303
    assert client.get("/login").status_code == 303
    assert reject(client) == 303
    assert last(world) == ("reject", "bob", "page: password, from 192.0.2.7")


def test_a_viewer_looks_on_and_decides_nothing(world: World) -> None:
    client = world.page()()
    assert log_in(client, "vic") == 303
    assert client.get("/rules").status_code == 200
    assert reject(client) == 403
    assert client.post("/rules/remove", data={}, headers={"origin": ORIGIN}).status_code == 403
    assert last(world)[0] == "candidate"
    fields = {"csrf": csrf(client)}
    assert client.post("/logout", data=fields, headers={"origin": ORIGIN}).status_code == 303
    assert client.get("/").status_code == 401


def test_who_is_removed_or_changed_is_out_at_the_next_request_and_others_stay(world: World) -> None:
    page = world.page()
    alice, bob, vic = page(), page(), page()
    for name, client in (("alice", alice), ("bob", bob), ("vic", vic)):
        assert log_in(client, name) == 303
    world.write({"alice": "admin", "bob": "viewer"})
    assert [one.get("/").status_code for one in (alice, bob, vic)] == [200, 401, 401]
    assert log_in(vic, "vic") == 403
    assert log_in(bob, "bob") == 303
    assert reject(bob) == 403  # a viewer by now
    world.users.chmod(0o666)
    assert alice.get("/").status_code == 401
    assert log_in(alice, "alice") == 403


def test_one_token_for_all_is_none_where_users_have_names(world: World) -> None:
    page = world.page()
    assert log_in(page(), "", "the metrics token") == 403
    assert log_in(page(), "review page", "the metrics token") == 403
    bearer = {"authorization": f"Bearer {PASSWORDS['alice']}"}
    assert page().get("/", headers=bearer).status_code == 401
    bearer = {"authorization": "Bearer the metrics token"}
    assert page().get("/metrics", headers=bearer).status_code == 200
    assert page().get("/rules", headers=bearer).status_code == 401


def test_an_address_waits_after_wrong_guesses_and_so_does_a_name(world: World) -> None:
    page = world.page()
    mallory = page("198.51.100.9")
    assert [log_in(mallory, f"n{n}", "wrong") for n in range(FREE)] == [403] * FREE
    assert log_in(mallory, "alice") == 429
    # A name is guessed at from many addresses.
    for n in range(FREE):
        assert log_in(page(f"203.0.113.{n}"), "bob", "wrong") == 403
    assert log_in(page("203.0.113.99"), "bob", "wrong") == 429
    assert log_in(page("203.0.113.98"), "bob") == 429
    assert log_in(page("203.0.113.97"), "alice") == 303
    # Names that nobody has wait likewise: it tells nothing.
    for n in range(FREE):
        assert log_in(page(f"203.0.113.{100 + n}"), "nobody", "wrong") == 403
    assert log_in(page("203.0.113.96"), "nobody", "wrong") == 429


def test_a_browser_that_was_his_gets_in_while_others_guess_at_his_name(world: World) -> None:
    page = world.page()
    his, others = page("192.0.2.50"), page("192.0.2.51")
    assert log_in(his, "bob") == 303
    assert log_in(others, "vic") == 303
    for n in range(FREE):
        log_in(page(f"203.0.113.{n}"), "bob", "wrong")
    his.cookies.delete("tlsight_session")
    others.cookies.delete("tlsight_session")
    assert log_in(his, "bob") == 303
    assert log_in(others, "bob") == 429  # it is known, and not as his


def test_a_wrong_password_takes_as_long_for_a_name_that_nobody_has(world: World) -> None:
    slow = PasswordHasher(3, 16384, 1).hash(PASSWORDS["alice"])
    world.users.write_text(f"alice:admin:{slow}\n")
    users = UsersFile(world.users)

    def spent(name: str) -> float:
        times = []
        for _ in range(7):
            before = time.process_time()
            assert users.check(name, "wrong") is None
            times.append(time.process_time() - before)
        return min(times)

    known, unknown = spent("alice"), spent("nobody")
    assert 0.4 < known / unknown < 2.5


# A reverse proxy.


def through(**more: str) -> dict[str, str]:
    return {PROOF_HEADER: SECRET, **more}


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def trusted(proof: Path) -> Forwarded:
    found = forwarded(
        "X-Forwarded-User", "X-Forwarded-Groups", [PROXY], proof, ["net ops=admin", "staff=viewer"]
    )
    assert found is not None
    return found


def test_a_user_whom_the_proxy_names_decides_under_his_name(
    world: World, trusted: Forwarded
) -> None:
    client = world.page(users=None, forwarded=trusted, public=PUBLIC)(PROXY)
    headers = through(
        **{"x-forwarded-user": "carol@corp.example", "x-forwarded-groups": "staff, net ops, other"}
    )
    headers |= {"host": "bypass.example"}
    assert reject(client, **headers, origin=PUBLIC) == 303
    assert last(world) == (
        "reject",
        "carol@corp.example",
        f"page: named by the reverse proxy {PROXY}",
    )
    assert reject(client, "shop.example", **headers, origin="https://evil.example") == 403
    # Without the form's own token, or with another's, nothing is decided.
    other = headers | {"x-forwarded-user": "dave"}
    fields = {"csrf": csrf(client, other), "reason": "no"}
    answer = client.post(
        "/candidate/shop.example/reject", data=fields, headers=headers | {"origin": PUBLIC}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.66", through(**{"x-forwarded-user": "alice"})),  # knows the secret, is elsewhere
        ("192.0.2.66", {"x-forwarded-user": "alice"}),
        ("192.0.2.66", {"x-forwarded-groups": "net ops"}),
        ("192.0.2.66", through()),
        (PROXY, {"x-forwarded-user": "alice", "x-forwarded-groups": "admin"}),  # another program
        (PROXY, {PROOF_HEADER: "x", "x-forwarded-user": "alice", "x-forwarded-groups": "admin"}),
        (PROXY, through(**{"x-forwarded-user": "alice"})),  # has no role
        (PROXY, through(**{"x-forwarded-user": "alice", "x-forwarded-groups": "strangers"})),
        (PROXY, through(**{"x-forwarded-user": "al ice", "x-forwarded-groups": "admin"})),
        (PROXY, through(**{"x-forwarded-user": "", "x-forwarded-groups": "admin"})),
        (PROXY, through(**{"x-forwarded-user": "a,b", "x-forwarded-groups": "admin"})),
    ],
)
def test_a_header_of_anybody_else_is_refused_also_with_a_session(
    world: World, trusted: Forwarded, peer: str, headers: dict[str, str]
) -> None:
    client = world.page(forwarded=trusted)(peer)
    assert client.get("/", headers=headers).status_code == 403
    assert log_in(client, "alice") == 303
    assert client.get("/").status_code == 200
    assert client.get("/", headers=headers).status_code == 403


def test_a_header_that_is_there_twice_is_refused(world: World, trusted: Forwarded) -> None:
    client = world.page(forwarded=trusted)(PROXY)
    twice = [
        (PROOF_HEADER, SECRET), ("x-forwarded-user", "vic"), ("x-forwarded-user", "alice"),
        ("x-forwarded-groups", "admin"),
    ]  # fmt: skip
    assert client.get("/", headers=twice).status_code == 403  # type: ignore[arg-type]
    secrets = [*twice[1:2], twice[3], (PROOF_HEADER, SECRET), (PROOF_HEADER, "x")]
    assert client.get("/", headers=secrets).status_code == 403  # type: ignore[arg-type]


def test_without_the_option_such_headers_mean_nothing(world: World) -> None:
    client = world.page()(PROXY)
    headers = through(**{"x-forwarded-user": "alice", "x-forwarded-groups": "admin"})
    assert client.get("/", headers=headers).status_code == 401


def test_the_users_file_says_the_role_where_the_proxy_sends_none(world: World, proof: Path) -> None:
    named = forwarded("Remote-User", None, ["10.0.0.0/24", "::1"], proof, [])
    assert named is not None
    client = world.page(forwarded=named)(PROXY)
    assert reject(client, **through(**{"remote-user": "bob"})) == 303
    assert reject(client, **through(**{"remote-user": "vic"})) == 403
    assert reject(client, **through(**{"remote-user": "unknown"})) == 403
    world.write({"alice": "admin"})
    assert reject(client, "shop.example", **through(**{"remote-user": "bob"})) == 403
    assert named.is_source("::ffff:10.0.0.9")
    assert not named.is_source("10.0.1.9")
    assert not named.is_source("testclient")


def test_options_that_would_believe_anybody_are_refused(proof: Path, tmp_path: Path) -> None:
    for words in (
        ("X-User", None, [], proof, []),
        ("X-User", None, [PROXY], None, []),
        ("X User", None, [PROXY], proof, []),
        ("Cookie", None, [PROXY], proof, []),
        ("X-User", "X-User", [PROXY], proof, []),
        (PROOF_HEADER, None, [PROXY], proof, []),
        ("X-User", "X-Groups", ["proxy.example"], proof, []),
        ("X-User", "X-Groups", [PROXY], proof, ["ops=root"]),
        (None, None, [PROXY], proof, []),
    ):
        with pytest.raises(ConfigError):
            forwarded(*words)  # type: ignore[arg-type]
    proof.chmod(0o640)
    with pytest.raises(StoreError, match="others can read"):
        forwarded("X-User", None, [PROXY], proof, [])
    with pytest.raises(ConfigError, match="no secret"):
        forwarded("X-User", None, [PROXY], tmp_path / "none", [])
    assert forwarded(None, None, [], None, []) is None


def test_cookies_are_for_tls_alone_where_the_browser_speaks_it(world: World) -> None:
    client = world.page(public=PUBLIC)()
    fields = {"user": "bob", "token": PASSWORDS["bob"]}
    for host, origin, secure in (
        ("bypass.example", PUBLIC, True),
        ("127.0.0.1:8090", ORIGIN, False),
    ):
        headers = {"host": host, "origin": origin}
        answer = client.post("/login", data=fields, headers=headers)
        assert answer.status_code == 303
        assert ("secure" in answer.headers["set-cookie"].lower()) == secure
