"""A row's command becomes the exact one for a question, program by program."""

from __future__ import annotations

import shlex

import pytest
from msgspec import structs

from detector.causes.confirm import Confirmation, confirmation
from detector.knowledge.causes import cause_table
from detector.model.asked import Asked, asked_of_nobody

TABLE = cause_table()
SITE = Asked("a.com", sni="a.com")


def sure(cause: str, **more: object) -> Confirmation:
    return confirmation(TABLE[cause], structs.replace(SITE, **more))


def command(cause: str, **more: object) -> str:
    return sure(cause, **more).command


def test_openssl_is_led_to_the_server_by_the_way_that_was_asked() -> None:
    plain = "openssl s_client -connect a.com:443 -servername a.com -brief </dev/null"
    assert command("certificate-expired") == plain
    assert "-connect '[::1]:8443'" in command("certificate-expired", connect=("::1", 8443))
    assert "-servername b.com" in command("certificate-expired", sni="b.com")
    assert "-noservername" in command("certificate-expired", sni=None)
    assert "-starttls smtp" in command("certificate-expired", starttls="smtp")
    assert "-xmpphost a.com" in command("certificate-expired", starttls="xmpp")
    assert "-proxy p.net:3128" in command("certificate-expired", proxy="http://p.net:3128")
    assert "-CAfile 'my roots.pem'" in command("certificate-expired", roots="my roots.pem")
    assert "-cert c.pem -key k.pem" in command("certificate-expired", credential=("c.pem", "k.pem"))


def test_a_port_is_filled_in_where_the_word_stands_alone() -> None:
    assert ":EXPORT:" in command("weak-cipher-accepted", port=8443)
    assert command("captive-portal", port=8443).endswith(" http://a.com:8443/")


def test_curl_is_led_to_the_server_by_the_way_that_was_asked() -> None:
    assert command("client-certificate-required").endswith(" https://a.com/")
    assert command("client-certificate-required", port=8443).endswith(" https://a.com:8443/")
    deep = command("client-certificate-required", path="/a b", port=8443)
    assert deep.endswith(" 'https://a.com:8443/a b'")
    given = command("client-certificate-required", connect=("127.0.0.1", 9), roots="r.pem")
    assert "--connect-to ::127.0.0.1:9" in given
    assert "--cacert r.pem" in given
    other = command("client-certificate-required", sni="b.com")
    assert "--connect-to ::a.com:443" in other
    assert other.endswith(" https://b.com/")
    assert "-x socks5h://p:1080" in command("client-certificate-required", proxy="socks5h://p:1080")
    assert "--noproxy '*'" in command("client-certificate-required", words=("--no-proxy",))
    assert "telnet://a.com:25" in command("connection-refused", port=25, starttls="smtp")
    assert "'https://[::1]/'" in command("client-certificate-required", host="::1", sni=None)


def test_a_name_is_resolved_where_the_question_had_it_resolved() -> None:
    assert command("dns-failure") == "getent ahosts a.com"
    assert command("dns-failure", proxy="socks5://p.net:1080") == "getent ahosts a.com"
    assert command("dns-failure", proxy="http://p.net:3128") == "getent ahosts p.net"


@pytest.mark.parametrize(
    ("cause", "way"),
    [
        ("certificate-expired", {"proxy": "socks5h://p:1080"}),
        ("client-certificate-required", {"starttls": "imap"}),
        ("client-certificate-required", {"sni": None}),
        ("must-staple-missing", {"proxy": "http://p:3128"}),
        ("must-staple-missing", {"starttls": "mysql"}),
    ],
)
def test_where_a_program_cannot_go_tlsight_asks_again_with_all_its_options(
    cause: str, way: dict[str, object]
) -> None:
    found = sure(cause, port=8443, words=("--roots", "r.pem", "--proxy", "x"), **way)
    assert found.command.startswith("tlsight diagnose --roots r.pem --proxy x ")
    assert found.command.endswith(" a.com:8443")
    assert found.texts == (cause,)


def test_a_url_that_implied_starttls_is_asked_with_it_again() -> None:
    assert "--starttls imap" in command("tls-intercepted", starttls="imap", port=143)


def test_the_password_of_a_proxy_appears_nowhere_and_its_user_does() -> None:
    way = {"proxy": "http://p.net:3128", "proxy_user": "me"}
    assert "-proxy_user me -proxy_pass env:PROXY_PASSWORD" in command("certificate-expired", **way)
    assert "--proxy-user me" in command("connection-refused", **way)


@pytest.mark.parametrize("cause", list(TABLE))
@pytest.mark.parametrize("evil", ["$(touch it)", "'; touch it; '", "`touch it`", "$(seq 1 2),x"])
def test_no_word_of_the_question_is_run_by_the_shell(cause: str, evil: str) -> None:
    quoted = shlex.quote(evil)
    given = command(cause, roots=evil, words=("--roots", evil), credential=(evil, evil))
    assert evil not in given.replace(quoted, "")


def test_a_text_that_names_no_host_keeps_the_placeholder() -> None:
    given = confirmation(TABLE["hostname-mismatch"], asked_of_nobody(None)).command
    assert "-connect HOST:443 -servername HOST" in given
    assert "-verify_hostname HOST" in given


def test_what_there_is_to_see_is_a_sentence_without_its_end() -> None:
    assert sure("certificate-expired").shows == "says 'certificate has expired'"
    assert sure("sni-required").shows == "fails"
    assert sure("validity-too-long").shows == ""


def test_tlsight_is_called_only_where_no_other_tool_shows_it() -> None:
    ours = {row.id for row in TABLE.rows if "tlsight" in row.confirm}
    assert ours == {
        "tls-intercepted",  # who answers is proven by logs, pins and rules together
        "certificate-pinned",  # the pins are ours
        "split-hello-intolerant", "post-quantum-intolerant", "extension-intolerant",  # hellos of our own
        "client-lacks-ca", "reason-not-logged",  # no server to ask
    }  # fmt: skip
