"""The review page as a browser and as an enemy asks it, without a browser."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from addons.bypass.attempt import Attempt
from addons.bypass.coverage import Leaf
from addons.bypass.feed import Edition, Settings
from addons.bypass.learning import Candidate
from addons.bypass.rule import RuleRow
from addons.review.access import Access
from addons.review.app import Review
from addons.review.guesses import FREE
from addons.review.server import start
from addons.store.bypass_store import BypassStore
from detector.errors import ConfigError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:8090"
HOSTS = frozenset(["127.0.0.1:8090"])
FORM = {
    "owner": "net",
    "reason": "pinned app",
    "expires": "2027-02-01",
    "scope": "bank.example:443",
}


PAGES = (
    "/", "/candidates", "/candidate/bank.example", "/rules", "/rule?pattern=a.example", "/add", "/import", "/audit",
    "/undo?entry=1", "/stats", "/host?host=bank.example", "/live", "/metrics",
)  # fmt: skip


class Ticks:
    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "b.sqlite3"


@pytest.fixture
def store(path: Path) -> Generator[BypassStore]:
    with BypassStore(path, lambda: NOW) as opened:
        for host in ("bank.example", "<script>alert(1)</script>.example"):
            fields = (4.0, ("10.0.0.1",), NOW, NOW, "It refuses.")
            opened.propose(Candidate(host, "certificate-pinned", *fields))
        opened.traffic.write(
            [
                Attempt(
                    NOW, "client", "bank.example", 443, "10.0.0.1", "failed", error="<b>bold</b>"
                )
            ],
            [],
        )
        yield opened


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def anybody(path: Path, store: BypassStore, ticks: Ticks) -> TestClient:
    access = Access("the token", HOSTS, "http", ticks)
    app = Review(path, access, lambda: NOW).app()
    return TestClient(app, base_url=ORIGIN, follow_redirects=False)


def log_in(client: TestClient, token: str = "the token") -> int:
    headers = {"origin": ORIGIN}
    return client.post("/login", data={"token": token}, headers=headers).status_code


@pytest.fixture
def admin(anybody: TestClient) -> TestClient:
    assert log_in(anybody) == 303
    return anybody


def csrf(client: TestClient) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/").text)
    assert found is not None
    return found[1]


Post = Callable[..., int]


@pytest.fixture
def post(admin: TestClient) -> Post:
    def send(where: str, data: dict[str, str], **headers: str) -> int:
        data = {"csrf": csrf(admin), **data}
        return admin.post(where, data=data, headers={"origin": ORIGIN} | headers).status_code

    return send


@pytest.mark.parametrize("where", PAGES)
def test_without_a_session_nothing_is_shown(anybody: TestClient, where: str) -> None:
    assert anybody.get(where).status_code == 401
    page = anybody.get(where, headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login")


def test_a_session_ends_and_can_be_ended(admin: TestClient, post: Post, ticks: Ticks) -> None:
    assert admin.get("/").status_code == 200
    cookie = admin.cookies.jar
    assert [
        (c.has_nonstandard_attr("HttpOnly"), c.get_nonstandard_attr("SameSite")) for c in cookie
    ] == [(True, "strict")] * 2
    assert post("/logout", {}) == 303
    assert admin.get("/").status_code == 401
    log_in(admin)
    ticks.at += 13 * 3600
    assert admin.get("/").status_code == 401


def test_wrong_tokens_lock_their_address_and_never_the_right_token(
    anybody: TestClient, ticks: Ticks
) -> None:
    assert [log_in(anybody, "wrong") for _ in range(FREE)] == [403] * FREE
    assert log_in(anybody, "wrong") == 429
    assert log_in(anybody) == 303
    ticks.at += 3601
    assert log_in(anybody, "wrong") == 403


def test_wrong_bearers_count_like_logins(anybody: TestClient) -> None:
    def read(token: str) -> int:
        return anybody.get("/", headers={"authorization": f"Bearer {token}"}).status_code

    assert [read("wrong") for _ in range(FREE)] == [401] * FREE
    assert read("wrong") == 429
    assert log_in(anybody, "wrong") == 429
    assert anybody.get("/", headers={"authorization": "Bearer no"}).headers["retry-after"] == "31"
    assert read("the token") == 200
    assert anybody.get("/", headers={"authorization": "Basic xyz"}).status_code == 401


@pytest.fixture
def guarded(path: Path, store: BypassStore, ticks: Ticks) -> Callable[[str], TestClient]:
    """The page behind a password, as clients of different addresses see it."""
    access = Access("the password", HOSTS, "http", ticks, guessable=True)
    app = Review(path, access, lambda: NOW).app()

    def client(address: str) -> TestClient:
        return TestClient(app, ORIGIN, follow_redirects=False, client=(address, 5000))

    return client


def test_before_a_password_a_locked_address_waits_and_others_do_not(
    guarded: Callable[[str], TestClient], ticks: Ticks
) -> None:
    admin, mallory = guarded("192.0.2.1"), guarded("192.0.2.66")
    assert [log_in(mallory, "wrong") for _ in range(FREE)] == [403] * FREE
    assert log_in(mallory, "the password") == 429
    assert log_in(admin, "the password") == 303
    ticks.at += 31
    assert log_in(mallory, "wrong") == 403
    ticks.at += 31
    assert log_in(mallory, "wrong") == 429  # the delay has doubled
    ticks.at += 31
    assert log_in(mallory, "the password") == 303


def test_a_browser_that_logged_in_before_is_not_locked_out_by_its_neighbours(
    guarded: Callable[[str], TestClient],
) -> None:
    admin, mallory = guarded("192.0.2.1"), guarded("192.0.2.1")
    assert log_in(admin, "the password") == 303
    for _ in range(FREE + 1):
        log_in(mallory, "wrong")
    assert log_in(mallory, "the password") == 429
    admin.cookies.delete("tlsight_session")
    assert log_in(admin, "the password") == 303
    # What it is known by is no way in.
    admin.cookies.delete("tlsight_session")
    assert admin.get("/").status_code == 401


def test_the_token_for_metrics_reads_them_and_nothing_else(
    path: Path, store: BypassStore, ticks: Ticks
) -> None:
    access = Access("the token", HOSTS, "http", ticks, "the other")
    client = TestClient(Review(path, access, lambda: NOW).app(), ORIGIN, follow_redirects=False)
    bearer = {"authorization": "Bearer the other", "origin": ORIGIN}
    assert client.get("/metrics", headers=bearer).status_code == 200
    for where in ("/", "/rules", "/audit", "/stats", "/live", "/candidate/bank.example"):
        assert client.get(where, headers=bearer).status_code == 401, where
    assert client.post("/candidate/bank.example/reject", headers=bearer).status_code == 401
    assert log_in(client, "the other") == 403


def test_what_somebody_wrote_cannot_turn_a_page_round(
    admin: TestClient, store: BypassStore
) -> None:
    store.add_rule(RuleRow(host="a.example", reason="x\u202emoc.live\u2066", owner="\x1b[2J"))
    for where in ("/rules", "/audit"):
        text = admin.get(where).text
        assert not {"\u202e", "\u2066", "\x1b"} & set(text), where


def test_the_audit_page_names_what_differs(
    admin: TestClient, store: BypassStore, path: Path
) -> None:
    store.add_rule(RuleRow(host="a.example"))
    assert "every link holds" in admin.get("/audit").text
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM rule")
        db.commit()
    assert "the rule a.example is gone" in admin.get("/audit").text


def test_another_host_or_origin_is_refused(admin: TestClient, post: Post) -> None:
    assert admin.get("/", headers={"host": "evil.example:8090"}).status_code == 421
    where = "/candidate/bank.example/approve"
    for origin in (
        "http://evil.example",
        "null",
        "",
        "https://127.0.0.1:8090",
        "http://127.0.0.1:80",
    ):
        assert post(where, FORM, origin=origin) == 403, origin


def test_a_form_needs_its_own_token(admin: TestClient, post: Post, store: BypassStore) -> None:
    where = "/candidate/bank.example/approve"
    for token in ("", "x" * 43):
        assert post(where, {**FORM, "csrf": token}) == 403
    assert store.rules() == []


def test_a_bearer_reads_and_never_decides(anybody: TestClient, store: BypassStore) -> None:
    bearer = {"authorization": "Bearer the token", "origin": ORIGIN}
    page = anybody.get("/metrics", headers=bearer)
    assert "tlsight_bypass_candidates 2.0" in page.text
    assert 'tlsight_bypass_attempts{class="glitch"} 1.0' in page.text
    where = "/candidate/bank.example/approve"
    assert anybody.post(where, data=FORM, headers=bearer).status_code == 401
    assert anybody.get("/metrics", headers={"authorization": "Bearer no"}).status_code == 401
    assert store.rules() == []


def test_a_candidate_says_what_else_its_certificate_would_hide(
    admin: TestClient, store: BypassStore
) -> None:
    page = "/candidate/bank.example"
    assert "also hides" not in admin.get(page).text
    names = ("bank.example", "shop.example")
    store.leaves.write([Leaf(NOW, "bank.example", "203.0.113.10", 443, names)])
    assert "also hides" not in admin.get(page).text  # nobody asked for it so far
    store.traffic.write([Attempt(NOW, "client", "shop.example", 443, "10.0.0.1", "accepted")], [])
    assert "Passing bank.example also hides shop.example, which" in admin.get(page).text


def test_what_clients_send_is_text_and_never_markup(admin: TestClient) -> None:
    assert "<script>alert" not in admin.get("/").text
    page = admin.get("/candidate/bank.example").text
    assert "&lt;b&gt;bold" in page
    assert "<b>bold" not in page


@pytest.mark.parametrize("where", ["/", "/login", "/static/review.css", "/nowhere", "/metrics"])
def test_every_answer_forbids_framing_keeping_and_foreign_code(
    admin: TestClient, where: str
) -> None:
    headers = admin.get(where).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"


def test_pages_hold_no_inline_code_and_no_foreign_address(admin: TestClient) -> None:
    for where in (*PAGES[:-2], "/login"):
        text = admin.get(where).text
        assert not re.search(r"<script(?! src=\"/static/)|style=|\son\w+=|https?://", text), where


def test_too_much_is_refused_before_it_is_read(admin: TestClient) -> None:
    big = {"reason": "x" * 70_000}
    answer = admin.post("/logout", data=big, headers={"origin": ORIGIN})
    assert answer.status_code == 413


def test_a_store_that_cannot_be_used_is_a_page_that_says_so(
    admin: TestClient, store: BypassStore, path: Path
) -> None:
    store.close()
    for beside in path.parent.iterdir():
        beside.unlink()
    path.write_bytes(b"rubbish " * 500)
    page = admin.get("/")
    assert page.status_code == 503
    assert "move the file away" in page.text
    assert admin.get("/candidate/nobody.example").status_code == 503


def test_an_unknown_candidate_is_not_found(admin: TestClient) -> None:
    assert admin.get("/candidate/unknown.example").status_code == 404


@pytest.mark.parametrize(
    ("listen", "why"),
    [
        ("0.0.0.0:0", "give --certificate and --users"),
        ("[::]:0", "give --certificate and --users"),
        ("192.0.2.1:0", "give --certificate and --users"),
        ("nowhere:80", "is no ADDRESS:PORT"),
        ("127.0.0.1:99999", "is no ADDRESS:PORT"),
        ("127.0.0.1", "is no ADDRESS:PORT"),
    ],
)
def test_beyond_this_machine_tls_and_a_password_are_needed(
    path: Path, listen: str, why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        start(path, listen)


def test_the_token_is_for_its_owner_alone_and_new_at_every_start(path: Path) -> None:
    tokens: list[str] = []
    metrics: set[str] = set()
    for _ in range(2):
        page, stop = start(path, "127.0.0.1:0")
        assert page.secret_file is not None
        assert page.secret_file.stat().st_mode & 0o077 == 0
        tokens.append(page.secret_file.read_text())
        stop()
        assert page.metrics_file.stat().st_mode & 0o077 == 0
        metrics.add(page.metrics_file.read_text())
    assert tokens[0] != tokens[1]
    assert len(metrics) == 1  # programs have it in their settings


def test_old_sessions_make_room(anybody: TestClient) -> None:
    for _ in range(105):
        log_in(anybody)
    assert anybody.get("/").status_code == 200


def test_charts_are_drawn_for_nothing_one_day_and_many() -> None:
    from addons.review import charts

    day = (NOW - timedelta(days=1)).date().isoformat()
    assert charts.sparkline([], "x").startswith("<svg")
    drawn = charts.timeline({day: {"refused": 3, "trusted": 1}}, "x")
    assert "<title>" in drawn
    assert ">attempts a day</text>" in drawn
    assert [n for n in range(6) if f">{n}</text>" in drawn] == [0, 1, 2, 3, 4]
    assert charts.shares([], "x").count("<circle") == 0
    assert charts.shares([(day, 0.5), (day, 1.0)], "<&>").count("<circle") == 2
    assert "&lt;&amp;&gt;" in charts.shares([], "<&>")


def test_the_metrics_say_how_each_feed_is(anybody: TestClient, store: BypassStore) -> None:
    store.feeds.add("ours", Settings("https://lists.example/", "list", max_age=1))
    store.feeds.arrive("ours", Edition("aa", NOW - timedelta(days=2), 1), (RuleRow(host="a.com"),))
    bearer = {"authorization": "Bearer the token", "origin": ORIGIN}
    assert (
        'tlsight_bypass_feed_waiting{feed="ours"} 1.0'
        in anybody.get("/metrics", headers=bearer).text
    )
    store.feeds.accept("ours")
    page = anybody.get("/metrics", headers=bearer).text
    assert 'tlsight_bypass_feed_rules{feed="ours"} 1.0' in page
    assert 'tlsight_bypass_feed_stale{feed="ours"} 1.0' in page
    assert 'tlsight_bypass_feed_waiting{feed="ours"} 0.0' in page
    assert 'tlsight_bypass_feed_age_seconds{feed="ours"}' in page
