"""`tlsight` alone and `tlsight doctor` behind real programs, and where there is no network at all."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import certifi
import pytest

from detector.lab.mitmdump import Mitmdump
from tests.cli.conftest import command, running
from tests.live.forward_proxies import PASSWORD, USER, LoginSquid

pytestmark = pytest.mark.live
OFFLINE = ("unshare", "--net", "--map-root-user", "--user")


def test_behind_mitmproxy_the_answer_is_yes_and_names_it(tmp_path: Path) -> None:
    proxy = Mitmdump(
        tmp_path / "mitmproxy", trust=Path(certifi.where()),
        settings=["upstream_cert=false", "connection_strategy=lazy"],
    )  # fmt: skip
    with running(proxy) as started:
        done = command(tmp_path)(HTTPS_PROXY=started.url, COLUMNS="500")
    assert done.returncode == 1
    assert done.stdout.startswith("Yes, by mitmproxy (debugging-proxy, ")
    assert "on all 12 sites that answered" in done.stdout
    assert "If you started it, stop it" in done.stdout


def test_a_proxy_that_wants_a_login_is_told_by_the_answer_and_the_password_by_neither(
    tmp_path: Path,
) -> None:
    (tmp_path / "squid").mkdir()
    with LoginSquid(tmp_path / "squid", "Basic") as squid:
        tlsight = command(tmp_path)
        done = tlsight(HTTPS_PROXY=f"http://127.0.0.1:{squid.port}", COLUMNS="500")
        assert done.returncode == 3
        assert done.stdout.startswith("Cannot tell: the proxy is in the way: ")
        assert "login" in done.stdout
        wrong = f"http://{USER}:not-{PASSWORD.replace(' ', '%20')}@127.0.0.1:{squid.port}"
        for words in ((), ("doctor", "--timeout", "1")):
            done = tlsight(*words, HTTPS_PROXY=wrong, COLUMNS="500")
            assert "sesame" not in done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("unshare") is None, reason="a network of its own")
def test_without_a_network_both_say_that_it_is_that(tmp_path: Path) -> None:
    assert subprocess.run([*OFFLINE, "true"], check=False).returncode == 0
    tlsight = command(tmp_path)
    done = tlsight(prefix=OFFLINE, COLUMNS="500")
    assert done.returncode == 3
    assert done.stdout.startswith("Cannot tell: no name resolves: ")
    assert "(all 12 sites)" in done.stdout
    found = json.loads(tlsight("doctor", "--json", "--timeout", "1", prefix=OFFLINE).stdout)
    problems = [one["text"] for one in found["findings"] if one["level"] == "problem"]
    assert any(text.startswith("no name resolves") for text in problems)
