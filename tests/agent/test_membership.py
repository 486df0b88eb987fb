"""The files that an agent carries of its fleet."""

from __future__ import annotations

import msgspec
import pytest

from detector.agent.enrolling import asked, is_proved
from detector.agent.membership import (
    Membership,
    Token,
    read_membership,
    read_token,
    write_membership,
)
from detector.errors import ConfigError
from detector.wire.nkey import NKey

USER = NKey("user", b"\3" * 32)
MEMBER = Membership(
    servers=("tls://fleet.example:4222", "tls://[2001:db8::1]:4222"), ca="PEM", signer="11" * 32, name="a" * 32,
    seed=USER.seed, jwt="x.y.z",
)  # fmt: skip
TOKEN = Token(
    servers=MEMBER.servers,
    signer=MEMBER.signer,
    name="b" * 16,
    seed=USER.seed,
    jwt="x.y.z",
    secret="s",
)


def test_what_was_written_is_read_and_a_token_is_no_membership() -> None:
    assert read_membership(write_membership(MEMBER), "it") == MEMBER
    assert read_token(write_membership(TOKEN), "it") == TOKEN
    for read, other in ((read_membership, TOKEN), (read_token, MEMBER)):
        with pytest.raises(ConfigError, match="is no tlsight"):
            read(write_membership(other), "it")


@pytest.mark.parametrize(
    "wrong",
    [{"servers": ()}, {"servers": ("http://fleet.example:4222",)}, {"servers": ("tls://u:p@fleet.example:4222",)},
     {"servers": ("tls://fleet.example",)}, {"servers": ("tls://a b:1",)}, {"name": "../etc"}, {"name": "a.b"},
     {"name": ">"}, {"name": ""}, {"signer": "11"}, {"signer": "zz" * 32}, {"seed": USER.seed[:-1] + "A"},
     {"seed": NKey("account", b"\1" * 32).seed}],
    ids=str,
)  # fmt: skip
def test_a_file_that_names_what_cannot_be_used_is_refused(wrong: dict[str, str]) -> None:
    bad = msgspec.structs.replace(MEMBER, **wrong)
    with pytest.raises(ConfigError):
        read_membership(write_membership(bad), "it")


def test_an_enrolment_is_proved_by_the_key_for_this_token_and_these_words_alone() -> None:
    request = asked(TOKEN, USER, "c" * 32, "laptop", "linux")
    assert is_proved(request, TOKEN.name)
    assert not is_proved(request, "another")
    for field, value in (
        ("device", "d" * 32),
        ("user", NKey("user", b"\4" * 32).public),
        ("proof", "00"),
        ("user", "x"),
    ):
        assert not is_proved(msgspec.structs.replace(request, **{field: value}), TOKEN.name)


def test_no_text_of_a_login_shows_what_is_secret() -> None:
    from detector.agent.line import login_of

    assert USER.seed not in repr(login_of(MEMBER))
    assert MEMBER.jwt not in repr(login_of(MEMBER))


def test_a_salt_is_32_bytes_or_none_as_in_files_that_were_made_without_one() -> None:
    with_one = msgspec.structs.replace(MEMBER, salt="ab" * 32)
    assert read_membership(write_membership(with_one), "it").salt == "ab" * 32
    older = msgspec.json.decode(write_membership(MEMBER))
    del older["salt"]
    assert read_membership(msgspec.json.encode(older), "it").salt == ""
    for wrong in ("ab", "zz" * 32):
        with pytest.raises(ConfigError):
            read_membership(write_membership(msgspec.structs.replace(MEMBER, salt=wrong)), "it")
