"""Each interceptor gets the grade that its configuration says, and the page that people quote says the same."""

from __future__ import annotations

import asyncio

import pytest

from detector.lab.pki import LabPki
from detector.model.grades import Seen
from tests.live.grade_world import (
    SETTINGS,
    Setting,
    grade_world,
    judged,
    mitmproxy,
    seen_by,
)
from tests.live.held_grades import hold

pytestmark = pytest.mark.live


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_an_interceptor_passes_and_fails_what_its_configuration_says(setting: Setting) -> None:
    hold(setting)


@pytest.mark.parametrize(
    ("name", "static_rsa", "anonymous"),
    [("squid", "failed", "passed"), ("mitmproxy, TLS 1.0 and all suites", "unclear", "failed")],
)
def test_behind_a_proxy_that_does_not_trust_our_root_the_servers_tell_what_it_agreed_on(
    name: str, static_rsa: str, anonymous: str
) -> None:
    """Squid ends the handshake before it minds the certificate; mitmproxy leaves it without a word."""

    async def behind() -> tuple[Seen, Seen]:
        async with grade_world() as world:
            world.trust.write_text(LabPki().root.pem)
            setting = next(one for one in SETTINGS if one.name == name)
            async with setting.start(world) as where:
                return await seen_by(where, world), await seen_by(where, world, direct=False)

    asked, barred = asyncio.run(behind())
    told = {one.test: one for one in judged(asked).answers}
    assert told["expired"].outcome == "not-asked"
    assert "our root is not trusted" in told["expired"].seen
    assert told["self-signed"].outcome == told["unknown-ca"].outcome == "passed"
    assert told["server-static-rsa"].outcome == static_rsa, told["server-static-rsa"].seen
    assert told["server-anonymous"].outcome == anonymous
    assert told["server-ssl3"].outcome == told["server-null"].outcome == "passed"
    # Where the direct way is barred, too, nobody tells what the servers met.
    alone = {one.test: one.outcome for one in judged(barred).answers}
    assert alone["self-signed"] == alone["server-ssl3"] == "unclear"
    assert alone["client-no-forward-secrecy"] == "failed"


def test_names_that_a_proxy_lets_through_were_not_asked() -> None:
    async def go() -> Seen:
        async with grade_world() as world:
            spared = r"ignore_hosts=^(expired|server-tls10)\."
            async with mitmproxy(spared)(world) as where:
                return await seen_by(where, world)

    told = {one.test: one for one in judged(asyncio.run(go())).answers}
    for test in ("expired", "server-tls10"):
        assert (told[test].outcome, told[test].seen) == (
            "not-asked",
            "it was let through undecrypted",
        )
    assert told["wrong-name"].outcome == "passed"
