import pytest

from detector.errors import ProxyError
from detector.net.socks5 import connect
from tests.net.transcripts import play

GRANTED = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x90"


def test_names_are_left_to_the_proxy() -> None:
    sent, early = play(connect("a.com", 443), b"\x05\x00", GRANTED + b"early")
    assert sent == [b"\x05\x01\x00", b"\x05\x01\x00\x03\x05a.com\x01\xbb"]
    assert early == b"early"


def test_addresses_are_sent_as_addresses() -> None:
    sent, _ = play(connect("192.0.2.1", 443), b"\x05\x00", GRANTED)
    assert sent[1] == b"\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb"
    sent, _ = play(connect("::1", 443), b"\x05\x00", b"\x05\x00\x00\x04" + bytes(18))
    assert sent[1][3:4] == b"\x04"


def test_a_bound_name_of_any_length_is_read_over() -> None:
    _, early = play(connect("a.com", 443), b"\x05\x00", b"\x05\x00\x00\x03\x03abc\x00\x50!")
    assert early == b"!"


def test_user_and_password() -> None:
    sent, _ = play(connect("a.com", 443, "me", "pw"), b"\x05\x02", b"\x01\x00", GRANTED)
    assert sent[:2] == [b"\x05\x02\x00\x02", b"\x01\x02me\x02pw"]


@pytest.mark.parametrize(
    ("answers", "cause", "fault", "text"),
    [
        ((b"\x05\xff",), "proxy-auth-required", "login", "wants authentication"),
        ((b"HT",), "proxy-refused", "scheme", "name it as http://"),
        ((b"\x15\x03",), "proxy-refused", "scheme", "name it as https://"),
        ((b"\x00\x5b",), "proxy-refused", "scheme", "SOCKS4"),
        ((b"\x05\x00", b"\x05\x01\x00\x01"), "bad-gateway", "failed", "general failure"),
        ((b"\x05\x00", b"\x05\x02\x00\x01"), "proxy-refused", "policy", "its rules"),
        ((b"\x05\x00", b"\x05\x03\x00\x01"), "connection-timeout", "unreachable", "network"),
        ((b"\x05\x00", b"\x05\x04\x00\x01"), "connection-timeout", "unreachable", "host un"),
        ((b"\x05\x00", b"\x05\x05\x00\x01"), "connection-refused", "refused", "refused"),
        ((b"\x05\x00", b"\x05\x06\x00\x01"), "connection-timeout", "silence", "time to live"),
        ((b"\x05\x00", b"\x05\x07\x00\x01"), "proxy-refused", "no-proxy", "command"),
        ((b"\x05\x00", b"\x05\x08\x00\x01"), "proxy-refused", "address-kind", "address type"),
        ((b"\x05\x00", b"\x05\x63\x00\x01"), "bad-gateway", "failed", "reply 99"),
        ((b"\x05",), "proxy-refused", "scheme", "does not speak SOCKS5"),
        ((), "proxy-refused", "cut", "closed"),
    ],
)
def test_refusals_become_faults_and_causes(
    answers: tuple[bytes, ...], cause: str, fault: str, text: str
) -> None:
    with pytest.raises(ProxyError, match=text) as caught:
        play(connect("a.com", 443), *answers)
    assert (caught.value.cause, caught.value.fault) == (cause, fault)


def test_a_login_that_is_no_password_is_named() -> None:
    with pytest.raises(ProxyError, match="GSSAPI") as caught:
        play(connect("a.com", 443, "u", "p"), b"\x05\xff")
    assert caught.value.fault == "other-login"


def test_a_wrong_password_is_an_authentication_problem() -> None:
    with pytest.raises(ProxyError, match="did not accept") as caught:
        play(connect("a.com", 443, "u", "p"), b"\x05\x02", b"\x01\x01")
    assert caught.value.cause == "proxy-auth-required"
