"""Who acts when the way through a proxy fails."""

from __future__ import annotations

from typing import get_args

import pytest

from detector.causes.find import find_causes
from detector.causes.through_proxy import ACTS, advice
from detector.errors import ProxyFault
from detector.knowledge.causes import cause_table
from detector.model.inquiry import Inquiry
from detector.model.observation import Failure, ProxyAnswer, Route
from tests.causes.conftest import MakeClues
from tests.conftest import Observe

FAULTS: tuple[ProxyFault, ...] = get_args(ProxyFault)
ROUTE = Route("http-connect", "p.net:3128", named_by="ALL_PROXY")


def failure(fault: ProxyFault | None, cause: str, step: str = "proxy") -> Failure:
    told = None if fault is None else ProxyAnswer(fault)
    return Failure(step, cause, "it failed", dialled="proxy", proxy=told)


def test_every_fault_has_a_cause_of_the_table_and_is_told_as_it() -> None:
    assert set(ACTS) == set(FAULTS)
    assert {act.cause for act in ACTS.values()} <= set(cause_table().rules)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_found_with_its_party_and_what_to_do(
    fault: ProxyFault, clues: MakeClues, observe: Observe
) -> None:
    act = ACTS[fault]
    seen = observe("a.com", (), handshake=None, route=ROUTE, failure=failure(fault, act.cause))
    found = find_causes(clues(Inquiry(seen)))
    assert list(found) == [act.cause]
    claim = found[act.cause]
    assert (claim.severity, claim.party) == ("error", act.party)
    assert "{" not in claim.fix


def test_the_server_is_asked_to_act_only_where_the_proxy_says_so() -> None:
    assert {fault for fault, act in ACTS.items() if act.party == "server"} == {"refused"}


def test_no_password_is_advised_where_none_helps() -> None:
    for fault in ("other-login", "down", "scheme"):
        assert "user:password@" not in ACTS[fault].fix  # type: ignore[index]
    assert "cntlm" in ACTS["other-login"].fix


def test_what_names_the_proxy_is_named(observe: Observe) -> None:
    def told(route: Route, step: str = "tcp") -> str:
        how = failure("down", "connection-refused", step)
        found = advice(observe("a.com", (), handshake=None, route=route, failure=how))
        assert found is not None
        return found[1]

    assert "ALL_PROXY" in told(ROUTE)
    assert "p.net:3128" in told(ROUTE)
    assert "HTTPS_PROXY or --proxy" in told(Route("socks5", "p.net:1080"))


def test_observations_without_a_fault_tell_it_by_their_cause(observe: Observe) -> None:
    def told(cause: str, dialled: str, step: str) -> str | None:
        how = Failure(step, cause, "x", dialled=dialled)  # type: ignore[arg-type]
        found = advice(observe("a.com", (), handshake=None, route=ROUTE, failure=how))
        return found[0] if found is not None else None

    assert told("connection-refused", "proxy", "tcp") == "network"
    assert told("connection-refused", "server", "tcp") is None
    assert told("proxy-refused", "proxy", "proxy") is None
    assert advice(observe("a.com", ())) is None


def test_a_cause_of_the_proxys_own_is_confirmed_by_its_own_command(
    clues: MakeClues, observe: Observe
) -> None:
    def shown_by(fault: ProxyFault, step: str = "proxy") -> tuple[str, str]:
        cause = ACTS[fault].cause
        how = failure(fault, cause, step)
        seen = observe("a.com", (), handshake=None, route=ROUTE, failure=how)
        claim = find_causes(clues(Inquiry(seen)))[cause]
        return claim.confirm_as, claim.confirm

    assert shown_by("refused") == ("proxy-refused", "")
    assert shown_by("login") == ("", "")
    assert shown_by("certificate") == ("", "")
    assert shown_by("down", "tcp") == ("", "curl -v telnet://p.net:3128")
