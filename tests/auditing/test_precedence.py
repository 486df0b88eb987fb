"""Which file a tool goes by; the shipped table against what its tools really do is in tests/live."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from detector.auditing.model import Place, Setting, Survey, Tool
from detector.auditing.precedence import tool_trust
from detector.knowledge.trust_tables import public_roots, trust_tools

CURL = Tool("curl", "x", "os", ("curl",), ("env:CURL_CA_BUNDLE", "env:SSL_CERT_FILE"))
NODE = Tool("Node.js", "x", "built-in roots", ("node",), adds=("env:NODE_EXTRA_CA_CERTS",))


def survey(*settings: Setting, installed: tuple[str, ...] = ("curl", "node")) -> Survey:
    places = (Place("java", "/cacerts"), Place("os", "/bundle"))
    return Survey(datetime(2026, 1, 1, tzinfo=UTC), places, settings, frozenset(installed))


def test_without_settings_the_default_counts() -> None:
    curl, node = tool_trust((CURL, NODE), survey())
    assert (curl.path, curl.because) == ("/bundle", "default")
    assert (node.path, node.adds) == ("built-in roots", ())


def test_the_strongest_setting_wins_and_others_add() -> None:
    settings = (
        Setting("env:SSL_CERT_FILE", "/weak", "environment"),
        Setting("env:CURL_CA_BUNDLE", "/strong", "/etc/environment"),
        Setting("env:NODE_EXTRA_CA_CERTS", "/extra", "environment"),
    )
    curl, node = tool_trust((CURL, NODE), survey(*settings))
    assert (curl.path, curl.because) == ("/strong", "CURL_CA_BUNDLE in /etc/environment")
    assert node.adds == ("/extra",)


def test_the_first_of_two_places_of_one_setting_counts() -> None:
    settings = (
        Setting("env:SSL_CERT_FILE", "/mine", "environment"),
        Setting("env:SSL_CERT_FILE", "/everybodys", "/etc/environment"),
    )
    (curl,) = tool_trust((CURL,), survey(*settings))
    assert curl.path == "/mine"


def test_tools_that_are_not_installed_are_left_out() -> None:
    assert [t.tool for t in tool_trust((CURL, NODE), survey(installed=("node",)))] == ["Node.js"]


@pytest.mark.parametrize("tool", trust_tools(), ids=lambda tool: tool.name)
def test_every_row_names_its_source_and_settings_that_are_read(tool: Tool) -> None:
    assert tool.source.startswith("https://")
    kinds = {key.partition(":")[0] for key in (*tool.order, *tool.adds)}
    known = {"env", "npmrc", "git", "pip", "condarc", "curlrc", "wgetrc", "java", "apt"}
    assert kinds <= known | {"firefox", "chromium"}


def test_the_table_of_public_roots_holds_certifis_own() -> None:
    from detector.knowledge.roots import public_roots as certifi

    digests = {root.sha256 for root in certifi().certificates}
    missing = digests - set(public_roots())
    # certifi may be newer than the table; its roots are public by themselves.
    assert len(missing) < 20
    assert len(public_roots()) > 400
