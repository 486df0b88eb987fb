import pytest

from detector.errors import ConfigError
from detector.net.routes import Proxy, parse_proxy, routing_from


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
