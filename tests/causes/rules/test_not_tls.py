"""What answers is no TLS: what to do about it goes by who answers."""

from __future__ import annotations

import pytest

from detector.judging.diagnose import diagnose
from detector.knowledge.fixes import config_lines
from detector.lab.pki import LabPki
from detector.model.inquiry import Fix, Inquiry
from detector.model.observation import Failure, Spoke, Target
from tests.conftest import Observe


def fix_of(pki: LabPki, observe: Observe, failure: Failure, starttls: str | None = None) -> Fix:
    target = Target("a.com", 25, sni="a.com", starttls=starttls)
    seen = observe("a.com", [], target=target, failure=failure, handshake=None)
    (cause,) = diagnose(Inquiry(seen), pki.knowledge(), config_lines()).causes
    assert cause.id == "not-tls"
    return cause.fix[0]


def test_plain_http_on_the_port_gets_lines_for_web_servers(pki: LabPki, observe: Observe) -> None:
    fix = fix_of(pki, observe, Failure("tls", "not-tls", "plain HTTP", Spoke("http", status=400)))
    assert fix.config["nginx"] == "listen 443 ssl;"
    assert "http://" in fix.text


def test_a_mail_server_that_turns_to_tls_gets_none(pki: LabPki, observe: Observe) -> None:
    fix = fix_of(pki, observe, Failure("tls", "not-tls", "a greeting", Spoke("smtp", "220 mx")))
    assert "--starttls smtp" in fix.text
    assert fix.config == {}


@pytest.mark.parametrize("protocol", ["smtp", "postgres"])
def test_a_server_that_refuses_to_turn_gets_none_and_nothing_of_web_proxies(
    pki: LabPki, observe: Observe, protocol: str
) -> None:
    refused = Failure("starttls", "not-tls", f"The {protocol} server does not offer STARTTLS.")
    fix = fix_of(pki, observe, refused, protocol)
    assert fix.config == {}
    assert f"have STARTTLS turned on in the {protocol} server" in fix.text
    assert "proxies" not in fix.text
