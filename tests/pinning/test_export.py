"""Exported pins, each read back by what can read it here; real consumers are in tests/live."""

from __future__ import annotations

import ast
from datetime import date
from xml.etree import ElementTree as ET

import pytest

from detector.knowledge.pins import base64_digest
from detector.known.hosts import HostPattern
from detector.known.knowledge import Pin
from detector.pinning.export import FORMATS, anchor_file, export

ONE, TWO = "00" * 32, "ff" * 32
ONE64, TWO64 = "A" * 43 + "=", "/" * 42 + "8="
PINS = (
    Pin(HostPattern("a.com"), (ONE,), date(2027, 6, 30), backup=(TWO,)),
    Pin(HostPattern(".b.com"), (ONE,)),
    Pin(HostPattern("c.com"), issuers=(TWO,), owners=("Owner",)),
)


def rendered(form: str) -> tuple[str, str]:
    found = export(PINS, form, base64_digest)
    return found.text, "\n".join(found.warnings)


def test_curl_gets_hosts_with_leaf_keys() -> None:
    text, warnings = rendered("curl")
    assert text == f'url = "https://a.com/"\npinnedpubkey = "sha256//{ONE64};sha256//{TWO64}"\n'
    assert ".b.com: curl pins one host at a time" in warnings
    assert "c.com: curl compares the leaf's key only" in warnings


def test_okhttp_gets_names_and_everything_below() -> None:
    text, _ = rendered("okhttp")
    assert f'.add("a.com", "sha256/{ONE64}", "sha256/{TWO64}")' in text
    assert f'.add("b.com", "sha256/{ONE64}")' in text
    assert f'.add("**.b.com", "sha256/{ONE64}")' in text
    assert f'.add("c.com", "sha256/{TWO64}")' in text


def test_android_gets_a_network_security_config() -> None:
    text, warnings = rendered("android")
    first, second, _ = ET.fromstring(text.encode())
    domain, pins = first
    assert (domain.text, domain.get("includeSubdomains")) == ("a.com", "false")
    assert (pins.tag, pins.get("expiration")) == ("pin-set", "2027-06-30")
    assert [(pin.get("digest"), pin.text) for pin in pins] == [
        ("SHA-256", ONE64), ("SHA-256", TWO64),
    ]  # fmt: skip
    assert (second[0].text, second[0].get("includeSubdomains")) == ("b.com", "true")
    assert ".b.com: Android asks for a backup pin" in warnings


def test_nginx_is_told_what_it_cannot_do() -> None:
    text, warnings = rendered("nginx-upstream")
    assert "proxy_ssl_trusted_certificate a.com.pem;" in text
    assert "nginx knows no key pins" in warnings


def test_python_gets_a_module() -> None:
    text, _ = rendered("python")
    ast.parse(text)
    names: dict[str, object] = {}
    exec(compile(text, "pins", "exec"), names)
    pins_for = names["pins_for"]
    assert callable(pins_for)
    assert pins_for("a.com") == [ONE64, TWO64]
    assert pins_for("www.b.com") == [ONE64]
    assert pins_for("xb.com") == []


PORTS = (
    Pin(HostPattern("a.com"), (ONE,), port=443),
    Pin(HostPattern("a.com"), (TWO,), date(2027, 6, 30), port=8443),
)


def test_a_port_is_told_to_programs_that_know_ports() -> None:
    assert export(PORTS, "curl", base64_digest).text.count("url = ") == 2
    assert 'url = "https://a.com:8443/"' in export(PORTS, "curl", base64_digest).text
    nginx = export(PORTS, "nginx-upstream", base64_digest).text
    assert "proxy_pass https://a.com:8443;" in nginx
    assert [anchor_file(pin) for pin in PORTS] == ["a.com.pem", "a.com_8443.pem"]
    assert all(f"proxy_ssl_trusted_certificate {anchor_file(pin)};" in nginx for pin in PORTS)
    names: dict[str, object] = {}
    exec(compile(export(PORTS, "python", base64_digest).text, "pins", "exec"), names)
    pins_for = names["pins_for"]
    assert callable(pins_for)
    assert [pins_for("a.com", port) for port in (443, 8443, 993)] == [[ONE64], [TWO64], []]


@pytest.mark.parametrize("form", ["okhttp", "android"])
def test_programs_without_ports_get_a_host_once_and_say_so(form: str) -> None:
    found = export(PORTS, form, base64_digest)
    assert [found.text.count(key) for key in ("a.com", ONE64, TWO64)] == [1, 1, 1]
    assert any(
        "a.com:8443: " in warning and "on all its ports" in warning for warning in found.warnings
    )


@pytest.mark.parametrize("form", FORMATS)
def test_owners_are_never_dropped_silently(form: str) -> None:
    assert f"c.com: CA owners cannot be told to {form}" in rendered(form)[1]
