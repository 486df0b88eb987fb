import asyncio

import pytest

from detector.errors import ConfigError
from detector.model.observation import Route
from detector.net.routes import Proxy, Routing, parse_pac_answer, parse_proxy, routing_from


def test_proxy_urls() -> None:
    assert parse_proxy("http://proxy:3128") == Proxy("http-connect", "proxy", 3128)
    assert parse_proxy("proxy:8080") == Proxy("http-connect", "proxy", 8080)
    assert parse_proxy("socks5h://u:p%40ss@[::1]:1080") == Proxy("socks5", "::1", 1080, "u", "p@ss")
    assert parse_proxy("socks5://p").remote_dns is False
    assert parse_proxy("socks5h://p").port == 1080


def test_secrets_are_in_no_repr_and_no_route() -> None:
    found = parse_proxy("http://alice:hunter2@proxy:3128")
    assert "hunter2" not in repr(found)
    assert (found.route.kind, found.route.proxy) == ("http-connect", "proxy:3128")


@pytest.mark.parametrize(
    "url", ["socks4://p:1", "pac+file:///p", "ftp://p", "http://", "http://p:x", "http://a b"]
)
def test_other_urls_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(Exception) as caught:
        parse_proxy(url.replace("://", "://u:hunter2@"))
    assert "hunter2" not in str(caught.value)


def test_the_flag_wins_and_no_proxy_forgets_everything() -> None:
    environment = {"HTTPS_PROXY": "http://env:1", "NO_PROXY": "*"}
    flagged = routing_from("http://flag:2", environment)
    assert flagged.proxy_for("a.com", 443) == Proxy("http-connect", "flag", 2)
    assert routing_from("http://flag:2", environment, no_proxy=True).proxy is None


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({"https_proxy": "a:1", "HTTPS_PROXY": "b:1"}, "a"),
        ({"HTTPS_PROXY": "b:1", "ALL_PROXY": "c:1"}, "b"),
        ({"ALL_PROXY": "socks5h://c:1"}, "c"),
        ({"TLSIGHT_PROXY": "t:1", "https_proxy": "a:1"}, "t"),
    ],
)
def test_variables_in_their_order(environment: dict[str, str], host: str) -> None:
    found = routing_from(None, environment).proxy
    assert found is not None
    assert found.host == host


def test_an_empty_environment_goes_straight() -> None:
    assert routing_from(None, {"HTTPS_PROXY": ""}).proxy_for("a.com", 443) is None


@pytest.mark.parametrize(
    ("rules", "host", "port", "straight"),
    [
        ("*", "a.com", 443, True),
        ("a.com", "a.com", 443, True),
        ("a.com", "www.a.com", 443, True),
        (".a.com", "a.com", 443, True),
        ("*.a.com", "www.a.com", 443, True),
        ("a.com", "nota.com", 443, False),
        ("A.COM, b.org", "b.org", 443, True),
        ("a.com:8443", "a.com", 443, False),
        ("a.com:8443", "a.com", 8443, True),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("::1", "::1", 443, True),
        ("[::1]:443", "::1", 443, True),
        ("192.0.2.1", "192.0.2.1", 443, True),
        ("", "a.com", 443, False),
    ],
)
def test_no_proxy_rules(rules: str, host: str, port: int, straight: bool) -> None:
    routing = routing_from(None, {"HTTPS_PROXY": "p:1", "NO_PROXY": rules})
    assert (routing.proxy_for(host, port) is None) is straight


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(ConfigError, match="HTTPS_PROXY"):
        routing_from(None, {"HTTPS_PROXY": "gopher://x"})


def test_an_https_proxy_is_known_by_its_scheme_and_keeps_it() -> None:
    found = parse_proxy("https://u:hunter2@p", "ALL_PROXY")
    assert (found.tls, found.port, found.kind) == (True, 443, "http-connect")
    assert found.url == "https://p:443"
    assert found.route == Route("http-connect", "p:443", tls=True, named_by="ALL_PROXY")
    assert parse_proxy("http://p").url == "http://p:80"
    assert parse_proxy("socks5://p").url == "socks5://p:1080"


def test_socks4_is_named_as_what_it_is() -> None:
    with pytest.raises(ConfigError, match="SOCKS4 is not spoken"):
        parse_proxy("socks4a://p:1080")


def test_the_answer_of_a_pac_file_is_a_list_of_ways() -> None:
    def read(answer: str) -> list[str]:
        ways, unknown = parse_pac_answer(answer, "the PAC file")
        return [way.url if way else "DIRECT" for way in ways] + [f"?{kind}" for kind in unknown]

    assert read("PROXY a:1; https b:2 ;SOCKS c:3;SOCKS5 d:4; HTTP e:5; DIRECT") == [
        "http://a:1", "https://b:2", "socks5h://c:3", "socks5h://d:4", "http://e:5", "DIRECT",
    ]  # fmt: skip
    assert read("") == ["DIRECT"]
    assert read(" ; ") == ["DIRECT"]
    assert read("SOCKS4 a:1; PROXY; PROXY a b; PROXY :x; QUIC q:1") == [
        "?SOCKS4",
        "?PROXY",
        "?QUIC",
    ]
    assert len(read(";".join(f"PROXY p{n}:1" for n in range(100)))) == 8


class Nobody:
    """A PAC file that is only looked at."""

    def __init__(self, *named: str) -> None:
        self.named = named

    def ways(self, _host: str, _port: int) -> tuple[Proxy | None, ...]:
        return (None,)

    def failed(self, proxy: Proxy) -> None:
        raise AssertionError(proxy)


def test_pac_files_are_named_by_the_flag_and_by_variables_that_come_last() -> None:
    def named(flag: str | None, **environment: str) -> object:
        found = routing_from(flag, environment, open_pac=Nobody)
        return found.pac.named if isinstance(found.pac, Nobody) else found.proxy

    assert named("pac+file:///x.pac") == ("file:///x.pac", "--proxy")
    assert named("PAC+https://a/x", AUTO_PROXY="y") == ("https://a/x", "--proxy")
    assert named(None, HTTPS_PROXY="pac+http://a/x") == ("http://a/x", "HTTPS_PROXY")
    assert named(None, AUTO_PROXY="http://wpad/wpad.dat") == ("http://wpad/wpad.dat", "AUTO_PROXY")
    assert named(None, auto_proxy="", AUTO_PROXY="") is None
    assert named(None, AUTO_PROXY="x", HTTPS_PROXY="p:1") == Proxy("http-connect", "p", 1)
    left_out = routing_from(None, {"AUTO_PROXY": "x", "NO_PROXY": "a.com"}, open_pac=Nobody)
    assert left_out.ways("www.a.com", 443) == (None,)
    with pytest.raises(ConfigError, match="cannot be asked here"):
        routing_from("pac+file:///x", {})


def test_ways_are_chosen_while_others_go_on() -> None:
    plain, script = Routing(parse_proxy("p:1")), Routing(pac=Nobody())
    assert asyncio.run(plain.choose("a.com", 443)) == (Proxy("http-connect", "p", 1),)
    assert asyncio.run(script.choose("a.com", 443)) == (None,)
    assert script.proxy_for("a.com", 443) is None
