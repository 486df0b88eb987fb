"""What facts of a machine come to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from detector.doctor import judging
from detector.doctor.facts import (
    AgentFacts,
    CaptureFacts,
    FolderFacts,
    Library,
    NetworkFacts,
    ProgramFacts,
    ProxyFacts,
    SettingFacts,
    StoreFacts,
    TableFacts,
    TrustFacts,
)
from detector.report.doctor_json import DoctorFinding

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def told(found: Iterable[DoctorFinding]) -> dict[str, list[str]]:
    """Texts by level; what is no ok has something to type, or nothing to mend."""
    by: dict[str, list[str]] = {"ok": [], "note": [], "problem": []}
    for one in found:
        assert one.level != "problem" or one.remedy
        by[one.level].append(one.text)
    return by


def program(*libraries: Library, missing: dict[str, tuple[str, ...]] | None = None) -> ProgramFacts:
    return ProgramFacts(
        "1.0", "3.13.0", "/usr/bin/python3", "OpenSSL 3.0", True, libraries, missing or {}
    )


def test_a_library_that_is_missing_or_too_old_is_a_problem_by_name() -> None:
    found = told(
        judging.program(
            program(Library("rich", "13.9", ""), Library("idna", "3.7", "3.10"), Library("httpx", "0.28", "0.9"))
        )
    )  # fmt: skip
    assert found["problem"] == [
        "the library rich is not installed",
        "the library httpx is 0.9, older than 0.28",
    ]


def test_an_extra_that_is_missing_says_what_is_lacking() -> None:
    (note,) = told(judging.program(program(Library("idna", "", "3"), missing={"pac": ("pypac",)})))[
        "note"
    ]
    assert note == "extra pac is not installed (pypac): no proxies of a PAC file"


def test_old_lists_are_a_problem_and_lists_never_fetched_a_note() -> None:
    stale = TableFacts(NOW, {"ccadb": None, "crlset": NOW - timedelta(days=40)}, ("too old",))
    found = told(judging.tables(stale, NOW))
    assert found["problem"] == ["too old"]
    assert len(found["note"]) == 2


def test_settings_that_do_not_count_are_told_with_the_reason_once() -> None:
    bad = SettingFacts("/x/config.toml", True, "/x/config.toml:3: unknown table [chek]")
    found = told(judging.settings((bad, SettingFacts("/x/agent.toml", False))))
    assert found["problem"] == ["/x/config.toml:3: unknown table [chek]"]


def test_a_full_disk_and_a_broken_store_are_problems_and_a_wide_mode_a_note() -> None:
    stores = (
        StoreFacts("/s/a.sqlite3", 10, 0o600, "is damaged: x", "mv it"),
        StoreFacts("/s/b.sqlite3", 10, 0o644),
        StoreFacts("/s/c.sqlite3", 10, 0o600),
    )
    found = told(judging.stores(FolderFacts("/s", True, "", 1_000_000, stores)))
    assert found["problem"] == ["1 MB are free where state is kept", "/s/a.sqlite3: is damaged: x"]
    assert found["note"] == ["/s/b.sqlite3 may be read or written by others (mode 644)"]


def test_a_machine_without_roots_trusts_nobody() -> None:
    gone = TrustFacts(140, "certifi", 0, "", (("SSL_CERT_FILE", "/gone.pem"),))
    found = told(judging.trust(gone))
    assert found["problem"][1] == "SSL_CERT_FILE names /gone.pem, which is not there"


def said(*minutes: int) -> list[tuple[str, datetime, datetime]]:
    return [(f"host{n}", NOW + minute * MINUTE, NOW) for n, minute in enumerate(minutes)]


def test_a_clock_is_wrong_where_two_servers_agree_on_that_and_no_sooner() -> None:
    assert told(judging.clock(NOW, None, said(60, 61)))["problem"] == [
        "the clock is 60 minutes behind, say host0, host1 (unsigned)"
    ]
    assert told(judging.clock(NOW, None, said(-60, -60)))["problem"][0].startswith(
        "the clock is 60 minutes ahead"
    )
    assert told(judging.clock(NOW, None, said(60)))["ok"]
    assert told(judging.clock(NOW, None, said(60, 0)))["note"]
    assert told(judging.clock(NOW, None, said(1, 2)))["ok"]


def test_a_clock_before_the_tables_were_made_is_wrong_whatever_servers_say() -> None:
    found = told(judging.clock(NOW, NOW + timedelta(days=1), said(0, 0)))
    assert "before this program's tables were made" in found["problem"][0]


def network(way: str, *resolved: tuple[str, int, str]) -> NetworkFacts:
    return NetworkFacts(("192.0.2.53",), resolved, way, True, ())


def test_a_dead_resolver_a_single_name_and_a_portal_are_told_apart() -> None:
    dead = told(judging.network(network("unknown", ("a", 0, "no"), ("b", 0, "no"))))
    assert dead["problem"] == ["no name resolves (a: no); resolvers: 192.0.2.53"]
    one = told(judging.network(network("open", ("a", 0, "no"), ("b", 2, ""))))
    assert (one["problem"], one["note"]) == ([], ["a does not resolve, other names do"])
    portal = told(judging.network(network("captive", ("a", 1, ""))))
    assert portal["problem"] == ["a captive portal answers in everybody's place"]


def test_a_proxy_that_is_used_and_dead_is_a_problem_and_one_of_others_is_a_note() -> None:
    dead = ProxyFacts("http://proxy:3128", "HTTPS_PROXY", True, "refuses", True)
    other = ProxyFacts("http://other:3128", "this system", False, "", True)
    found = told(judging.proxies((dead, other)))
    assert found["problem"] == ["http://proxy:3128 of HTTPS_PROXY: refuses"]
    assert "tlsight does not" in found["note"][0]


def test_packets_need_a_program_and_leave() -> None:
    assert told(judging.capture(CaptureFacts("", True)))["note"]
    assert "CAP_NET_RAW" in told(judging.capture(CaptureFacts("tcpdump", False)))["note"][0]
    assert told(judging.capture(CaptureFacts("tcpdump", True)))["ok"]


def test_a_service_that_does_not_run_is_a_problem_and_none_at_all_is_well() -> None:
    none = AgentFacts("", "", False, None, "", ())
    assert told(judging.agent(none, NOW))["ok"]
    down = AgentFacts("", "/etc/systemd/system/tlsight-agent.service", False, None, "", ())
    assert told(judging.agent(down, NOW))["problem"]
    sinks = AgentFacts("/s", "", True, NOW, "", (("siem", "refused"),))
    assert told(judging.agent(sinks, NOW))["problem"] == ["sink siem: refused"]


def test_a_part_that_cannot_be_looked_at_is_one_line() -> None:
    found = judging.unlooked("stores", RuntimeError("no\nhome"))
    assert found.text == "cannot be looked at: RuntimeError: no home"
