"""Replaced consistently, and nothing left."""

from __future__ import annotations

from detector.forensics.anonymous import Anonymizer


def test_the_same_name_and_address_are_replaced_by_the_same() -> None:
    hide = Anonymizer(b"k")
    one = hide.value(
        {
            "sni": "mail.corp.example",
            "client": "10.1.2.3:4711",
            "text": "mail.corp.example at 10.1.2.3",
        }
    )
    assert one["text"] == f"{one['sni']} at {one['client'].partition(':')[0]}"
    assert "corp" not in str(one)
    assert "10.1.2.3" not in str(one)
    assert one["client"].endswith(":4711")


def test_names_in_certificates_and_their_digests_are_gone() -> None:
    hide = Anonymizer(b"k")
    made = hide.value([{"subject": "CN=a.corp.example,O=Secret Corp", "sha256": "ab" * 32}])
    assert "Secret" not in str(made)
    assert made[0]["sha256"] != "ab" * 32
    assert len(made[0]["sha256"]) == 64


def test_what_is_measured_stays() -> None:
    hide = Anonymizer(b"k")
    kept = {"ja4": "t13d1516h2_8daaf6152771_d8a2da3f94cd", "schema": "tlsight.pcap/1", "code": 48,
            "cipher": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3"}  # fmt: skip
    assert hide.value(kept) == kept
    assert (
        hide.text("RFC 8446 section 6.2, 09:12:31, TLS 1.3")
        == "RFC 8446 section 6.2, 09:12:31, TLS 1.3"
    )


def test_addresses_of_version_6() -> None:
    hide = Anonymizer(b"k")
    assert hide.text("from [2001:db8:9::7]:443") == "from [2001:db8::1]:443"


def test_an_address_at_the_end_of_a_sentence_is_replaced() -> None:
    hide = Anonymizer(b"k")
    assert "192.0.2.1" not in hide.text("It resolved to 192.0.2.1.")
    assert "fd00:a::17" not in hide.text("It resolved to fd00:a::17.")


def test_a_comma_inside_of_a_name_does_not_end_it_and_mail_is_a_name_too() -> None:
    text = "email=hostmaster@bank.example,CN=www.bank.example,O=Bank\\, Trust,2.5.4.9=1 Bank Street,C=US"
    shown = Anonymizer(b"k").text(text)
    for secret in ("bank.example", "hostmaster", "Bank", "Trust", "Street"):
        assert secret not in shown
    assert shown.endswith(",C=US")


def test_names_without_a_dot_and_odd_ones_are_hidden_in_sentences_beside_them() -> None:
    hide = Anonymizer(b"k")
    record = {
        "causes": [
            {"text": "The certificate does not name fileserver01."},
            {"text": "for b\u00fccher x!"},
        ],
        "before": {"target": "fileserver01:443"},
        "via": "10.0.0.1:8443",
        "sni": "b\u00fccher x!",
    }
    made = str(hide.value(record))
    assert "fileserver01" not in made
    assert "cher x!" not in made
    assert "10.0.0.1" not in made
    assert ":443" in made
