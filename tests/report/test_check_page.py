"""Judgements as a page: interception first, every host, a card with its proof, and a bound."""

from __future__ import annotations

import re
from dataclasses import replace

from detector.judging.judge import judge_all
from detector.known.knowledge import Knowledge
from detector.lab.pki import Authority, LabPki
from detector.model.observation import Failure, Judgement
from detector.report import check_page
from detector.report.check_json import check_record
from detector.report.check_page import CheckPage
from detector.report.page import html
from tests.conftest import Observe


def some(pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe) -> list[Judgement]:
    """Two intercepted hosts among others, the best first."""
    seen = [observe(host, pki.issue(host)) for host in ("bank.example", "shop.example")]
    seen += [observe(h, (corporate.issue(h).der, corporate.der)) for h in ("a.com", "github.com")]
    failure = Failure("tcp", "connection-refused", "192.0.2.1:443 refuses the connection")
    seen.append(observe("closed.example", (), handshake=None, failure=failure))
    return judge_all(seen, known)


def text_of(made: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", made.partition("<body>")[2]))


def test_interception_comes_first_wherever_it_came(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    page = CheckPage()
    for one in some(pki, corporate, known, observe):
        page.add(one)
    made = page.page()
    assert made.first[0].title == "2 of 5 hosts are intercepted"
    assert made.first[0].tone == "intercepted"
    (table,) = made.first[0].tables
    assert table.rows[0][1:4] == (
        "2", "a.com:443, github.com:443", "CN=Example Corp CA,O=Example Corp,C=US",
    )  # fmt: skip
    (hosts,) = made.leading
    assert [row[0] for row in hosts.rows] == ["intercepted"] * 2 + [
        "inconclusive", "direct", "direct",
    ]  # fmt: skip
    assert [block.badge for block in made.blocks] == [row[0] for row in hosts.rows]
    assert [block.anchor for block in made.blocks] == list(hosts.anchors)
    assert dict(made.figures) == {
        "hosts": "5", "intercepted": "2", "inconclusive": "1", "direct": "2",
    }  # fmt: skip


def test_a_card_says_what_json_says(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    for judgement in some(pki, corporate, known, observe):
        record = check_record(judgement)
        page = CheckPage()
        page.add(judgement)
        said = text_of(html(page.page())).replace("&#39;", "'").replace("&#34;", '"')
        for text in (
            record.summary, record.explanation, record.next_step, record.target.host,
            *(e.text for e in record.evidence), *(e.id for e in record.evidence),
            *(c.sha256 for c in record.chain), *(c.spki_sha256 for c in record.chain),
            *(c.subject for c in record.chain), *(a.text for a in [record.error] if a is not None),
        ):  # fmt: skip
            assert text in said


def test_a_card_has_commands_that_ask_the_same_question_again(
    corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    seen = [observe(h, (corporate.issue(h).der, corporate.der)) for h in ("a.com", "github.com")]
    card = check_page.card(judge_all(seen, known)[1], "x")
    assert [code.text for code in card.more] == [
        "tlsight check github.com",
        "openssl s_client -connect github.com:443 -servername github.com -showcerts </dev/null"
        " | openssl x509 -noout -issuer -fingerprint -sha256",
    ]
    assert card.links[0][1].startswith("https://crt.sh/?q=")


def test_ten_thousand_hosts_and_more_keep_the_worst_and_say_what_is_left_out(
    pki: LabPki, corporate: Authority, known: Knowledge, observe: Observe
) -> None:
    found = some(pki, corporate, known, observe)
    direct, intercepted = found[0], found[3]
    page = CheckPage()
    target = direct.observation.target
    for number in range(check_page.MAX_ROWS + 200):
        named = replace(target, host=f"host-{number}.example")
        page.add(replace(direct, observation=replace(direct.observation, target=named)))
    page.add(intercepted)
    made = page.page()
    assert made.leading[0].rows[0][:2] == ("intercepted", "github.com:443")
    assert made.blocks[0].title == "github.com:443"
    assert len(made.leading[0].rows) == check_page.MAX_ROWS
    assert len(made.blocks) == check_page.MAX_CARDS
    assert [note.partition(":")[0] for note in made.notes] == [
        "201 of 10,201 hosts have no row here, those of which least has to be said",
        "9,201 of 10,201 hosts have no card here, those of which least has to be said",
    ]
    assert made.leading[0].anchors[-1] == ""


def test_a_run_that_was_cut_short_says_so(pki: LabPki, known: Knowledge, observe: Observe) -> None:
    page = CheckPage()
    page.add(judge_all([observe("a.com", pki.issue("a.com"))], known)[0])
    assert page.page(whole=False).notes[0].startswith("The run was cut short")
    assert page.page().first == ()


def test_no_host_is_a_page_too() -> None:
    assert "no host was asked" in html(CheckPage().page())
