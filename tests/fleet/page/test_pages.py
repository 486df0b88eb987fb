"""What the fleet page says: who intercepts, where, on whose laptops; that silence is no answer; and that nobody is believed."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addons.fleet.database import Row
from addons.fleet.members import Member
from addons.fleet.sqlite_database import open_sqlite
from addons.review.visit import address
from detector.errors import FetchError
from detector.judging.judge import judge_all
from detector.report.check_json import check_record
from detector.report.event_json import FindingRecord
from detector.runs.saved import load_observations
from tests.addons.reviewing import ORIGIN, form_of
from tests.fleet.page.looking import Onlooker
from tests.fleet.page.story import (
    FORTINET,
    HOSTS,
    WIFI,
    ZSCALER,
    Story,
    digest,
    everyday,
    knowledge,
    seen,
)

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
# An issuer's name may hold what a page, a terminal or a sheet would obey.
HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m'\"}}{{7*7}}"


def write(path: Path, *statements: tuple[str, list[Row]]) -> None:
    async def written() -> None:
        database = await open_sqlite(path)
        await database.write(statements)
        await database.close()

    asyncio.run(written())


def keep(story: Story, path: Path) -> Path:
    async def kept() -> None:
        await (await story.keep(path)).close()

    asyncio.run(kept())
    return path


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(everyday(NOW), tmp_path_factory.mktemp("fleet") / "fleet.sqlite3")


@pytest.fixture(scope="module")
def admin(fleet: Path) -> Generator[Onlooker]:
    with Onlooker(fleet, NOW) as found:
        yield found


def subject(gateway: object) -> str:
    return f"spki:{seen(gateway, NOW - timedelta(days=9))[1]}"  # type: ignore[arg-type]


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


def test_the_start_names_who_is_not_allowed_first_and_links_on(admin: Onlooker) -> None:
    page = admin.get("/")
    said = words(page)
    assert "14 agents intercepted, not sanctioned" in said
    rows = [said.index(name) for name in ("Free WiFi", "FortiGate", "Kaspersky", "Zscaler")]
    assert rows == sorted(rows)
    assert "not sanctioned 9" in said.partition("Free WiFi")[2]
    assert "11 findings opened, 0 changed, 1 closed" in said
    assert "do not count as free of interception" in said
    for link in set(re.findall(r'href="(/[^"#]*)"', page)):
        if not link.startswith("/static/"):
            assert admin.client.get(link.replace("&amp;", "&")).status_code == 200, link


def test_an_interceptor_has_its_networks_agents_and_the_policy_that_would_allow_it(
    admin: Onlooker, tmp_path: Path
) -> None:
    page = admin.get(address("/interceptor", subject=subject(WIFI)))
    said = words(page)
    assert "not sanctioned" in said
    assert "Agents 9" in said
    assert "lap-0100" in said
    lines = re.findall(r"<pre[^>]*><code>(.*?)</code>", page, re.DOTALL)[0]
    policy = tmp_path / "policy.toml"
    policy.write_text(lines.replace("&#34;", '"').replace("&#39;", "'"))
    # The policy does allow what was seen, by the judge that the agents have.
    from detector.api import default_knowledge

    shown = [one.observation for one in seen(WIFI, NOW - timedelta(days=9))[0]]
    assert "www.google.com" in policy.read_text()
    allowed = judge_all(shown, default_knowledge(policy=policy, local=False))
    by_host = {one.observation.target.host: one.sanctioned for one in allowed}
    assert by_host["www.google.com"]
    linted = subprocess.run(
        [sys.executable, "-m", "detector", "policy", "lint", policy],
        capture_output=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout
    # And a page never allows anything by itself.
    assert admin.client.post("/interceptor", headers={"origin": ORIGIN}).status_code in (405, 413)


def test_a_silent_agent_is_called_silent_and_never_clean(admin: Onlooker) -> None:
    silent = admin.get("/agents?state=silent")
    names = re.findall(r"lap-\d{4}", silent)
    assert names == ["lap-0010", "lap-0021", "lap-0032", "lap-0043"]
    said = words(admin.get(address("/agent", device=digest("lap-0010"))))
    assert "Silent: a heartbeat was due" in said
    assert "nothing is known of it since" in said
    heard = words(admin.get("/agents?state=heard&q=lap-0010"))
    assert "None is like that" in heard


def test_an_agent_that_is_silent_without_findings_is_not_said_to_have_none(tmp_path: Path) -> None:
    story = Story(NOW)
    story.lives("quiet", "somewhere", ago=9 * HOUR)
    story.lives("loud", "somewhere")
    with Onlooker(keep(story, tmp_path / "f.sqlite3"), NOW) as admin:
        said = words(admin.get(address("/agent", device=digest("quiet"))))
        assert "It tells of none." not in said
        assert "told of none that is still open; that was 2026-11-23 00:00 UTC" in said
        assert "It tells of none." in words(admin.get(address("/agent", device=digest("loud"))))
        assert "1 silent" in words(admin.get("/"))


def test_an_agents_page_shows_its_budget_and_its_sinks(admin: Onlooker) -> None:
    said = words(admin.get(address("/agent", device=digest("lap-0001"))))
    assert "0.42 s 0.047 % of a core" in said
    assert "51.3 kB" in said
    assert "syslog 3 refused" in said
    assert "List policy serial 3" in said


def test_agents_are_searched_filtered_and_sorted(admin: Onlooker) -> None:
    assert re.findall(r"lap-\d{4}", admin.get("/agents?q=LAP-010")) == [
        f"lap-010{n}" for n in range(9)
    ]
    assert "lap-0100" not in admin.get("/agents?q=lap%25")
    bad = set(re.findall(r"lap-\d{4}", admin.get("/agents?state=intercepted")))
    assert bad == {f"lap-{n:04}" for n in (*range(100, 109), *range(120, 124), 130)}
    up, down = (
        re.findall(r"lap-\d{4}", admin.get(f"/agents?order=name{more}")) for more in ("", "&down=1")
    )
    assert up == sorted(up)
    assert down == sorted(down, reverse=True)
    assert 'aria-sort="descending"' in admin.get("/agents?order=last")
    assert admin.get("/agents?order=nonsense&state=nonsense&page=x")


def test_a_finding_says_in_words_what_it_rests_on(admin: Onlooker) -> None:
    finding = digest("lap-0100", WIFI, "lounge", "interception")
    page = admin.get(address("/finding", device=digest("lap-0100"), id=finding))
    said = words(page)
    assert "intercepted" in said
    assert "Chain that was shown" in said
    assert "CN=Free WiFi Root CA,O=Lounge Networks,C=US" in said
    judged = seen(WIFI, NOW - timedelta(days=9))[0][0]
    for evidence in judged.evidence:
        assert f"({evidence.id})" in said
    assert "History 1" in said


def test_an_observation_is_judged_again_beside_what_the_agent_said_and_taken_away(
    admin: Onlooker, tmp_path: Path
) -> None:
    finding = digest("lap-0120", FORTINET, "hotel", "interception")
    page = admin.get(address("/finding", device=digest("lap-0120"), id=finding))
    event = re.findall(r"/event\?id=([0-9a-f]{32})", page)[0]
    said = words(admin.get(f"/event?id={event}"))
    assert said.index("What the agent said") < said.index("Judged again now")
    assert "FortiGate" in said
    answer = admin.client.get(f"/observation?id={event}")
    assert (
        answer.headers["content-disposition"]
        == f'attachment; filename="observation-{event}.ndjson"'
    )
    saved = tmp_path / "saved.ndjson"
    saved.write_bytes(answer.content)
    (back,) = load_observations(saved)
    assert back == seen(FORTINET, NOW - timedelta(days=9))[0][0].observation
    (judgement,) = judge_all([back], knowledge())
    assert check_record(judgement).summary in words(admin.get(f"/event?id={event}")).replace(
        "&#39;", "'"
    )


def test_where_agent_and_page_differ_the_page_says_why(admin: Onlooker) -> None:
    finding = digest("lap-0000", ZSCALER, "Berlin office", "interception")
    page = admin.get(address("/finding", device=digest("lap-0000"), id=finding))
    event = re.findall(r"/event\?id=([0-9a-f]{32})", page)[0]
    assert "They differ" in words(admin.get(f"/event?id={event}"))  # the agent had a policy


def test_a_network_is_named_by_an_admin_alone(fleet: Path, admin: Onlooker) -> None:
    where = address("/network", id=digest("lounge"))
    page = admin.get(where)
    assert "A network without a name" in page
    done = admin.send(page, "/network/label", label=f"Lounge {HOSTILE}")
    assert done.status_code == 303
    named = admin.get(done.headers["location"])
    assert "<script>alert" not in named
    assert "\x1b" not in named
    assert "{{7*7}}" in named
    assert admin.send(named, "/network/label", label="x" * 81).status_code == 400
    with Onlooker(fleet, NOW, "approver") as other:
        assert "/network/label" not in other.get(where)
        fields = {"id": digest("lounge"), "label": "mine", "csrf": other.csrf()}
        assert other.post("/network/label", fields).status_code == 403
    assert admin.send(named, "/network/label", label="Lounge").status_code == 303
    assert "Lounge" in admin.get("/networks")


def test_products_lead_to_their_cas(admin: Onlooker) -> None:
    said = words(admin.get("/products"))
    assert "FortiGate enterprise-gateway not sanctioned 4" in said
    assert "Zscaler enterprise-gateway sanctioned 48" in said
    assert "FGT60FTK20012345" in admin.get("/product?product=FortiGate")
    assert "nothing of it intercepts now" in admin.get("/product?product=nothing", 404)


def test_findings_are_filtered(admin: Onlooker) -> None:
    assert "Findings 14" in words(admin.get("/findings?state=open&allowed=no"))
    assert "Findings 48" in words(admin.get("/findings?state=open&allowed=yes"))
    assert "Findings 1 " in words(admin.get("/findings?state=closed"))
    assert "Findings 0" in words(admin.get("/findings?q=nothing.example"))
    assert "Findings 63" in words(admin.get("/findings?q=www.google"))
    assert "Findings 0" in words(admin.get("/findings?q=%25%25_"))


def test_one_box_finds_agents_hosts_issuers_and_networks(admin: Onlooker) -> None:
    assert "lap-0123" in words(admin.get("/search?q=lap-0123"))
    assert "Free WiFi" in words(admin.get("/search?q=lounge+net"))
    assert "Findings by host 63" in words(admin.get("/search?q=google"))
    assert "Nothing here is called that" in words(admin.get("/search?q=%E2%80%AE%00zzz"))


class Asked:
    """Where questions go."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, str, str]] = []
        self.fails = False

    async def __call__(self, host: str, agents: int, network: str, by: str) -> str:
        if self.fails:
            raise FetchError("nats://127.0.0.1", "is not there")
        self.heard.append((host, agents, network, by))
        return "5" * 32


def test_agents_are_asked_by_who_may_and_only_where_there_is_a_bus(
    fleet: Path, admin: Onlooker
) -> None:
    assert "/questions/ask" not in admin.get("/questions")
    sent = {"host": "a.example", "agents": "5", "csrf": admin.csrf()}
    assert admin.post("/questions/ask", sent).status_code == 400
    bus = Asked()
    with Onlooker(fleet, NOW, "approver", bus) as approver:
        page = approver.get("/questions?network=" + digest("hotel"))
        done = approver.send(page, "/questions/ask", host="https://Example.com/x", agents="20")
        assert done.headers["location"].startswith(f"/question?id={'5' * 32}")
        assert bus.heard == [("example.com:443", 20, digest("hotel"), "a approver")]
        for fields, why in (
            ({"host": "not a host!"}, "not a host"),
            ({"host": "a.example", "agents": "0"}, "between 1 and 500"),
            ({"host": "a.example", "agents": "5000"}, "between 1 and 500"),
            ({"host": "a.example", "network": "nowhere"}, "no such network"),
        ):
            refused = approver.send(page, "/questions/ask", **fields)
            assert refused.status_code == 400
            assert why in refused.text
        bus.fails = True
        assert approver.send(page, "/questions/ask", host="a.example").status_code == 503
        assert len(bus.heard) == 1
    with Onlooker(fleet, NOW, "viewer", bus) as viewer:
        assert "/questions/ask" not in viewer.get("/questions")


def test_answers_are_told_apart_from_silence(tmp_path: Path) -> None:
    story = Story(NOW)
    for name in ("one", "two"):
        story.lives(name, "here")
    path = keep(story, tmp_path / "f.sqlite3")
    asked: Row = (
        "7" * 32,
        "a.example:443",
        "2026-11-23T08:00:00Z",
        "2026-11-23T09:00:00Z",
        "ann",
        3,
        "",
    )
    answer: Row = ("7" * 32, digest("one"), "2026-11-23T08:01:00Z", "direct", "")
    write(
        path,
        ("INSERT INTO question VALUES (?, ?, ?, ?, ?, ?, ?)", [asked]),
        ("INSERT INTO answer VALUES (?, ?, ?, ?, ?)", [answer]),
    )
    with Onlooker(path, NOW) as admin:
        said = words(admin.get(f"/question?id={'7' * 32}"))
        assert "1 of 3" in said
        assert "direct 1" in said
        assert "that is no verdict" in said


def test_what_agents_tell_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    story = Story(NOW)
    judged, _ = seen(WIFI, NOW - timedelta(days=9))
    finding = FindingRecord(
        id=digest("evil"), kind="interception", subject=f"issuer:{HOSTILE}", opened=NOW, seen=NOW,
        hosts=(f"{HOSTILE}.example:443",), host_count=1,
    )  # fmt: skip
    record = check_record(judged[0])
    assert record.interceptor is not None
    import msgspec

    who = msgspec.structs.replace(record.interceptor, issuer=HOSTILE, product=HOSTILE)
    evidence = [msgspec.structs.replace(one, text=HOSTILE) for one in record.evidence]
    evil = msgspec.structs.replace(
        record, interceptor=who, evidence=evidence, summary=HOSTILE, explanation=HOSTILE, next_step=HOSTILE
    )  # fmt: skip
    event = story.tell(
        HOSTILE, "opened", network="n", finding=finding, check=evil, observation=judged[0].observation,
        changes=(HOSTILE,),
    )  # fmt: skip
    path = keep(story, tmp_path / "f.sqlite3")
    with (
        closing(sqlite3.connect(path)) as db,
        db,
    ):  # as if it were proved: its words are shown everywhere
        db.execute("UPDATE finding SET proven = 1")
    with Onlooker(path, NOW) as admin:
        device = digest(HOSTILE)
        for where in (
            "/", "/interceptors", address("/interceptor", subject=f"issuer:{HOSTILE}"), "/products",
            address("/product", product=HOSTILE), "/agents", address("/agent", device=device), "/findings",
            address("/finding", device=device, id=finding.id), f"/event?id={event}", "/search?q=script",
            address("/network", id=digest("n")),
        ):  # fmt: skip
            page = admin.get(where)
            assert "<script>alert" not in page, where
            assert "\u202e" not in page, where
            assert "\x1b" not in page, where
            assert "&lt;script&gt;" in page, where


def test_what_is_not_there_is_a_page_that_says_so(admin: Onlooker) -> None:
    for where in (
        "/interceptor?subject=no", "/network?id=no", "/agent?device=no", "/agent?device=%00", "/finding?device=a&id=b",
        "/event?id=../../etc", "/observation?id=no", "/correlation?id=no", "/question?id=no", "/agent",
    ):  # fmt: skip
        page = admin.get(where, 404)
        assert "That was not done" in page
    event = admin.get(address("/agent", device=digest("lap-0131")))
    notice = re.findall(r'/event\?id=([0-9a-f]{32})">the captive portal', event)[0]
    assert "the captive portal lets traffic through" in words(admin.get(f"/event?id={notice}"))
    assert "has no observation" in admin.get(f"/observation?id={notice}", 404)


def test_an_event_of_another_version_is_said_to_be_unreadable(tmp_path: Path) -> None:
    story = Story(NOW)
    _, event = story.behind("one", WIFI, "n", ago=HOUR)
    path = keep(story, tmp_path / "f.sqlite3")
    write(
        path, ("UPDATE event SET body = ? WHERE id = ?", [('{"schema":"tlsight.event/9"}', event)])
    )
    write(path, ("UPDATE agent SET heartbeat = ? WHERE device = ?", [("[" * 9000, digest("one"))]))
    with Onlooker(path, NOW) as admin:
        assert "cannot read the event" in admin.get(f"/event?id={event}")
        assert "none that this version can read" in admin.get(
            address("/agent", device=digest("one"))
        )


def test_a_correlation_shows_what_the_collector_kept_of_it(tmp_path: Path) -> None:
    story = Story(NOW)
    story.behind("one", WIFI, "n", ago=HOUR)
    path = keep(story, tmp_path / "f.sqlite3")
    body = '{"hosts":["a.example","b.example"],"why":"<b>x","deep":{"a":[1]}}'
    row: Row = (
        "c" * 32, "unknown-issuer", subject(WIFI), digest("n"), "one issuer on 9 laptops of one network", 9,
        "2026-11-23T08:00:00Z", "2026-11-23T08:50:00Z", None, body,
    )  # fmt: skip
    write(path, (f"INSERT INTO correlation VALUES ({', '.join('?' * 10)})", [row]))
    with Onlooker(path, NOW) as admin:
        assert "one issuer on 9 laptops of one network" in words(admin.get("/"))
        page = admin.get(f"/correlation?id={'c' * 32}")
        assert "a.example, b.example" in page
        assert "&lt;b&gt;x" in page
        assert address("/interceptor", subject=subject(WIFI)) in page


def test_prometheus_reads_counts_with_its_own_token(admin: Onlooker) -> None:
    text = admin.get("/metrics")
    for line in (
        "tlsight_fleet_agents 63.0", "tlsight_fleet_agents_silent 4.0", "tlsight_fleet_agents_intercepted 14.0",
        'tlsight_fleet_findings{kind="interception"} 14.0', "tlsight_fleet_findings_sanctioned 48.0",
    ):  # fmt: skip
        assert line in text
    admin.client.cookies.clear()
    bearer = {"authorization": "Bearer for metrics"}
    assert admin.client.get("/metrics", headers=bearer).status_code == 200
    assert admin.client.get("/agents", headers=bearer).status_code == 401
    assert admin.client.get("/").status_code == 401
    admin.log_in("admin")


def test_forms_from_elsewhere_and_old_ones_do_nothing(admin: Onlooker) -> None:
    fields = {"id": digest("lounge"), "label": "mine"}
    elsewhere = {"origin": "http://evil.example"}
    assert admin.client.post("/network/label", data=fields, headers=elsewhere).status_code == 403
    assert admin.post("/network/label", {**fields, "csrf": "old"}).status_code == 403
    assert "mine" not in admin.get("/networks")
    assert admin.client.get("/", headers={"host": "evil.example"}).status_code == 421
    headers = admin.client.get("/").headers
    assert "default-src 'none'" in headers["content-security-policy"]


def test_an_empty_fleet_says_what_to_do(tmp_path: Path) -> None:
    with Onlooker(keep(Story(NOW), tmp_path / "f.sqlite3"), NOW) as admin:
        assert "tlsight fleet token" in admin.get("/")
        for where in (
            "/agents",
            "/findings",
            "/networks",
            "/products",
            "/questions",
            "/interceptors",
            "/correlations",
        ):
            assert admin.get(where)


def test_every_site_of_the_story_is_of_everybodys_list() -> None:
    assert set(HOSTS) <= knowledge().canaries | {
        "www.wikipedia.org",
        "github.com",
        "www.google.com",
    }


def test_a_session_ends_at_the_log_out(fleet: Path) -> None:
    with Onlooker(fleet, NOW) as admin:
        assert admin.post("/logout", form_of(admin.get("/"), "/logout")).status_code == 303
        assert admin.client.get("/").status_code == 401


def test_agents_that_were_never_heard_and_those_that_cannot_look_are_no_clean_ones(
    tmp_path: Path,
) -> None:
    story = Story(NOW)
    for one in ("lap-1", "lap-2"):
        story.lives(one, "lounge")
    path = keep(story, tmp_path / "f.sqlite3")
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "UPDATE agent SET heartbeat = ? WHERE device = ?",
            ('{"up":1.0,"every":900.0,"mood":"blocked"}', digest("lap-1")),
        )
    with Onlooker(path, NOW) as admin:
        assert "is not known here" in admin.get("/agents")
        assert "is not known here" in admin.get("/")
        assert "cannot look" in admin.get("/agents?state=cannot+look")
        assert "nobody answers" in admin.get(f"/agent?device={digest('lap-1')}")
        assert "It tells of none." not in admin.get(f"/agent?device={digest('lap-1')}")
    at = (NOW - timedelta(days=1)).isoformat()
    never = Member("U", "agent", digest("lap-9"), "lap-9", "linux", at, None, None, "")
    with Onlooker(path, NOW, enrolled=lambda: [never]) as admin:
        assert "lap-9" in admin.get("/agents?state=silent")
        assert "<strong>1</strong> silent" in admin.get("/")
        assert "tlsight_fleet_agents_never_heard 1.0" in admin.get("/metrics")


def test_a_claim_that_nothing_proves_is_shown_as_one(tmp_path: Path) -> None:
    story = Story(NOW)
    finding = FindingRecord(
        id=digest("claim"), kind="interception", subject="spki:" + "0" * 64, opened=NOW, seen=NOW,
        hosts=("google.com:443",), host_count=(1 << 31) - 1,
    )  # fmt: skip
    story.tell("lap-1", "opened", network="n", finding=finding)
    path = keep(story, tmp_path / "f.sqlite3")
    with Onlooker(path, NOW) as admin:
        start = admin.get("/")
        assert "<strong>0</strong> agents intercepted" in start
        assert "<strong>1</strong> claimed, not proved" in start
        assert "2,147,483" not in admin.get("/findings")
        page = admin.get(address("/finding", device=digest("lap-1"), id=finding.id))
        assert "Nothing here proves it" in page
