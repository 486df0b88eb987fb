"""Which browser a User-Agent claims, and whether it is one that can be judged."""

from __future__ import annotations

import pytest

from detector.knowledge.browser_hellos import browser_hellos

CLAIMS = browser_hellos()._claims
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name", "since"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/140.0.0.0 Safari/537.36", "Chrome 140", 99),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/140.0.0.0 Safari/537.36", "Chrome 140", 99),
        (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/140.0.0.0 Mobile Safari/537.36", "Chrome 140", 99),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Ubuntu Chromium/80.0 Chrome/80.0 Safari/537.36", "Chrome 80", 55),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0", "Edge 120", 98),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/64.0 Safari/537.36 Edge/18.17763", "Edge (EdgeHTML) 18", 12),
        ("Mozilla/5.0 (Android 13; Mobile; rv:109.0) Gecko/118.0 Firefox/118.0", "Firefox 118", 91),
        ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer 11", 7),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)", "Internet Explorer 8", 7),
        (f"{IPHONE} Version/17.0 Mobile/15E148 Safari/604.1", "Safari 17", 16),
    ],
)  # fmt: skip
def test_browsers_are_taken_at_their_word(agent: str, name: str, since: int) -> None:
    claim = CLAIMS.of(agent, "tcp")
    assert (claim.name, claim.reason) == (name, "")
    assert claim.rule is not None
    assert claim.rule.since == since


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0", "OPR"),
        (f"Mozilla/5.0 (Linux; Android 13) {WEBKIT} SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36", "SamsungBrowser"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0.0.0 YaBrowser/25.2 Safari/537.36", "YaBrowser"),
        (f"Mozilla/5.0 (X11; Linux) {WEBKIT} app/1.0 Chrome/140.0.0.0 Electron/38.0 Safari/537.36", "app"),
        (f"Mozilla/5.0 (Linux; U; Android 10) {WEBKIT} Version/4.0 Chrome/100.0 UCBrowser/13.4 Mobile Safari/537.36", "Version"),
        (f"Mozilla/5.0 (Linux; Android 13; wv) {WEBKIT} Version/4.0 Chrome/140.0 Mobile Safari/537.36", "WebView"),
        (f"Mozilla/5.0 (X11; Linux) {WEBKIT} QtWebEngine/6.5 Chrome/108.0 Safari/537.36", "QtWebEngine"),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/140.0.0.0 Safari/537.36", "Googlebot"),
        (f"Mozilla/5.0 (Linux; Tizen 7.0) {WEBKIT} Chrome/94.0 Safari/537.36", "television"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)", "crawler"),
        (f"{IPHONE} CriOS/140.0.0.0 Mobile/15E148 Safari/604.1", "no browser"),
        (f"{IPHONE} FxiOS/140.0 Mobile/15E148 Safari/605.1.15", "no browser"),
        (f"{IPHONE} Version/17.0 EdgiOS/120.0 Mobile/15E148 Safari/604.1", "no browser"),
        (f"{IPHONE} Version/17.0 Mobile/15E148 Safari/604.1 [FBAN/FBIOS;FBAV/440.0]", "another product"),
        (f"{IPHONE} Version/17.0 Mobile/15E148 Safari/604.1 DuckDuckGo/7", "DuckDuckGo"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Safari/605.1.15", "this platform"),
        ("Mozilla/5.0 (Linux; U; Android 4.4) AppleWebKit/534.30 (KHTML, like Gecko) Version/9.0 Safari/534.30", "this platform"),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1)", "this platform"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0 SeaMonkey/2.53", "SeaMonkey"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Goanna/6.0 Firefox/102.0 PaleMoon/32.0", "Goanna"),
        ("curl/8.1", "no browser"),
        ("", "no browser"),
        ("Chrome", "no browser"),
        ("Mozilla/5.0 (" * 5000 + " Chrome/140.0", "no browser"),
    ],
)  # fmt: skip
def test_who_only_uses_a_browsers_words_is_not_judged_and_the_reason_says_why(
    agent: str, told: str
) -> None:
    claim = CLAIMS.of(agent, "tcp")
    assert claim.rule is None
    assert told in claim.reason


def test_a_version_of_thousands_of_digits_is_one_like_others() -> None:
    claim = CLAIMS.of(f"Mozilla/5.0 Chrome/{'9' * 5000}.0.0.0", "tcp")
    assert claim.name == "Chrome 999999999"


def test_what_a_peer_writes_into_its_agent_does_not_come_into_the_reason_unless_it_is_plain() -> (
    None
):
    claim = CLAIMS.of("Mozilla/5.0 \x1b[31m[link=x] Chrome/140.0", "tcp")
    assert claim.reason == "The User-Agent also names another product, whose hello is not known."
