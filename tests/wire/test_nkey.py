"""NATS' keys and tokens, held against those of its own tools (nk, nsc) as its documentation shows them."""

from __future__ import annotations

import base64

import pytest

from detector.errors import WireError
from detector.wire.nkey import NKey, claims_of, public_of, raw_of, signed_token, verify

PAIRS = {
    "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY": "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4",
    "SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU": "UCK5N7N66OBOINFXAYC2ACJQYFSOD4VYNU6APEJTAVFZB2SVHLKGEW7L",
    "SUAG35IAY2EF5DOZRV6MUSOFDGJ6O2BQCZHSRPLIK6J3GVCX366BFAYSNA": "UDBD5FNQPSLIO6CDMIS5D4EBNFKYWVDNULQTFTUZJXWFNYLGFF52VZN7",
    "SUAP2AY6UAWHOXJBWDNRNKJ2DHNC5VA2DFJZTF6C6PMLKUCOS2H2E2BA2E": "UAWBXLSZVZHNDIURY52F6WETFCFZLXYUEFJAHRXDW7D2K4445IY4BVXP",
}
# Made by nsc.
TOKEN = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJqdGkiOiI0NUc3MkhIQUVCRFBQV05ZWktMTUhQNUFYWFRSSUVDQlNVQUI2VDZRUj"
    "dVM1JZUFZaM05BIiwiaWF0IjoxNjM1Mzc1NTYxLCJpc3MiOiJBRDJNMzRXQk5HUUZZSzM3SURYNTNEUFJHNzRSTExUN0ZGV0JPQk1CVVhNQVZCQ1ZB"
    "VTVWS1dJWSIsIm5hbWUiOiJNeVVzZXIiLCJzdWIiOiJVQVdCWExTWlZaSE5ESVVSWTUyRjZXRVRGQ0ZaTFhZVUVGSkFIUlhEVzdEMks0NDQ1SVk0Ql"
    "ZYUCIsIm5hdHMiOnsicHViIjp7fSwic3ViIjp7fSwic3VicyI6LTEsImRhdGEiOi0xLCJwYXlsb2FkIjotMSwidHlwZSI6InVzZXIiLCJ2ZXJzaW9u"
    "IjoyfX0.CGymhGYHfdZyhUeucxNs9TthSjy_27LVZikqxvm-pPLili8KNe1xyOVnk_w-xPWdrCx_t3Se2lgXmoy3wBcVCw"
)


@pytest.mark.parametrize(("seed", "public"), PAIRS.items())
def test_a_seed_of_nats_own_tools_has_the_public_key_that_they_say(seed: str, public: str) -> None:
    key = NKey.read(seed)
    assert (key.kind, key.public, key.seed) == ("user", public, seed)
    assert public_of("user", raw_of(public, "user")) == public


def test_a_signature_is_the_one_of_the_nkeys_libraries_tests() -> None:
    key = NKey.read("SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU")
    signature = key.sign(b"PXoWU7zWAMt75FY")
    assert base64.b64encode(signature).decode().startswith("ZaAiVDgB5CeYoXoQ7cBCmq+ZllzUn")
    assert verify(key.public, "user", b"PXoWU7zWAMt75FY", signature)
    assert not verify(key.public, "user", b"PXoWU7zWAMt75FZ", signature)


def test_a_token_of_nsc_is_read_and_its_signature_holds() -> None:
    body = _issuer()
    claims = claims_of(TOKEN, body, "account")
    assert claims["name"] == "MyUser"
    assert claims["sub"] == PAIRS["SUAP2AY6UAWHOXJBWDNRNKJ2DHNC5VA2DFJZTF6C6PMLKUCOS2H2E2BA2E"]


def test_a_token_that_was_changed_or_is_another_issuers_is_refused() -> None:
    key, other = NKey("account", b"\1" * 32), NKey("account", b"\2" * 32)
    token = signed_token({"sub": "x"}, key)
    assert claims_of(token, key.public, "account") == {"sub": "x", "iss": key.public}
    head, _, tail = token.partition(".")
    forged = signed_token({"sub": "y"}, other)
    for wrong in (
        token[:-2] + "AA", head + forged[len(head) :].rpartition(".")[0] + "." + tail.rpartition(".")[2],
        forged, "", "a.b.c", token.replace(".", "", 1),
    ):  # fmt: skip
        with pytest.raises(WireError):
            claims_of(wrong, key.public, "account")


@pytest.mark.parametrize(
    "wrong",
    ["", "SU", "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VA", "x" * 58, "é" * 58,
     "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VZ",
     "suacssl3uahudxkfsnvuzrf5uhpmwz6bfdtj7m6usdxiednppqyyycu3vy"],
)  # fmt: skip
def test_a_damaged_seed_is_refused(wrong: str) -> None:
    with pytest.raises(WireError):
        NKey.read(wrong)


def test_a_key_of_another_kind_is_refused_and_no_text_of_a_key_shows_its_seed() -> None:
    key = NKey("account", b"\1" * 32)
    with pytest.raises(WireError, match="no key of a NATS user"):
        raw_of(key.public, "user")
    assert key.seed not in repr(key)
    assert key.seed.startswith("SA")
    assert key.public.startswith("A")


def _issuer() -> str:
    import json

    body = TOKEN.split(".")[1]
    found: str = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["iss"]
    return found
