import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.errors import TargetError
from detector.model.targets import normal_host, parse_target, read_targets


@pytest.mark.parametrize(
    ("text", "host", "port", "starttls"),
    [
        ("example.com", "example.com", 443, None),
        ("Example.COM.", "example.com", 443, None),
        ("example.com:8443", "example.com", 8443, None),
        ("192.0.2.1", "192.0.2.1", 443, None),
        ("[2001:DB8::1]:993", "2001:db8::1", 993, None),
        ("2001:db8::1", "2001:db8::1", 443, None),
        ("https://user:pw@example.com:444/path?x#y", "example.com", 444, None),
        ("imaps://mail.example.com", "mail.example.com", 993, None),
        ("smtp://mail.example.com", "mail.example.com", 25, "smtp"),
        ("postgresql://db.example.com/x", "db.example.com", 5432, "postgres"),
        ("bücher.example", "xn--bcher-kva.example", 443, None),
        ("_dmarc.example.com", "_dmarc.example.com", 443, None),
    ],
)
def test_targets_as_people_write_them(
    text: str, host: str, port: int, starttls: str | None
) -> None:
    found = parse_target(text)
    assert (found.host, found.port, found.starttls) == (host, port, starttls)


def test_names_are_sent_as_sni_and_addresses_are_not() -> None:
    assert parse_target("example.com").sni == "example.com"
    assert parse_target("192.0.2.1").sni is None


def test_starttls_brings_its_own_port() -> None:
    assert parse_target("mail.example.com", starttls="imap").port == 143
    assert parse_target("mail.example.com:1143", starttls="imap").port == 1143


@pytest.mark.parametrize(
    "text",
    ["", "  ", ":443", "a b", "a..b", "-a.com", "a.com:", "a.com:0", "a.com:65536", "a.com:x",
     "[::1", "gopher://a.com", "256.1.1.1", "a" * 64 + ".com", "a." * 130, "a.com:²", "0x7f000001"],
)  # fmt: skip
def test_nonsense_is_refused_with_the_target_in_the_error(text: str) -> None:
    if text == "a.com:":
        assert parse_target(text).port == 443
        return
    with pytest.raises(TargetError) as caught:
        parse_target(text)
    assert "host:port" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["u:S3crPW@localhost:9001", "user:S3crPW@localhost", "u:S3c/rPW@a.com", "https://u:S3crPW@a b/",
     "https://u:S3c/rPW@a.com/", "https://u:S3crPW@a.com:x/", "gopher://u:S3crPW@a.com", "u:x@S3crPW@a.com"],
)  # fmt: skip
def test_a_login_in_a_target_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_target(text)
    assert "S3c" not in str(caught.value)
    assert "rPW" not in str(caught.value)
    assert "***@" in str(caught.value)
    assert "S3c" not in caught.value.target


def test_lists_skip_blank_lines_and_comments_lazily() -> None:
    def lines() -> object:
        yield from ["a.com\n", "\n", "# all of it\n", " b.com # why\n"]
        raise AssertionError("read too far")

    found = read_targets(lines())  # type: ignore[arg-type]
    assert [next(found), next(found)] == ["a.com", "b.com"]


@given(st.text(max_size=80))
def test_any_text_is_a_target_or_our_own_error(text: str) -> None:
    try:
        found = parse_target(text)
    except TargetError:
        return
    assert normal_host(found.host) == found.host
    assert 1 <= found.port <= 65535
