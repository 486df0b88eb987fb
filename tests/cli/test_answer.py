"""`tlsight` alone, as somebody who has just installed it runs it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from detector import clock
from detector.cli.check import canaries
from detector.knowledge.connectivity import connectivity_checks
from detector.lab.origin import Origin
from detector.lab.pki import Authority, Credential, LabPki
from tests.cli.conftest import Run, running

Ask = Callable[..., subprocess.CompletedProcess[str]]
SITES = canaries()
_PORTAL = """
import http.server, pathlib
class Portal(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "http://login.hotel.example/")
        self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 80), Portal)
pathlib.Path(__file__).with_name("ready").touch()
server.serve_forever()
"""


@pytest.fixture
def ask(tlsight: Run, world: LabPki, tmp_path: Path) -> Ask:
    """Ask `tlsight` where these answer for the sites; what leads there stands in the settings of `check`."""

    def run(shown: dict[str, Credential], *words: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "logs.json").write_text(world.ct_logs_json)
        with running(Origin(shown)) as origin:
            settings(
                tmp_path,
                roots=f"{tmp_path}/root.pem",
                ct_logs=f"{tmp_path}/logs.json",
                connect=f"127.0.0.1:{origin.port}",
            )
            return tlsight(*words, COLUMNS="400")

    return run


def settings(folder: Path, **values: str) -> None:
    path = folder / "cfg" / "tlsight" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[check]\n" + "".join(f'{key} = "{value}"\n' for key, value in values.items()))
    path.chmod(0o600)


@pytest.fixture(scope="module")
def gateway() -> Authority:
    return Authority("Example Proxy CA", organization="Example Corp", profile=False)


def forged(gateway: Authority, host: str) -> Credential:
    leaf = gateway.issue(host)
    return Credential(leaf.certificate, leaf.key, (gateway.certificate,))


def test_no_is_said_of_the_sites_that_are_proven(ask: Ask, world: LabPki) -> None:
    done = ask({host: world.issue(host) for host in SITES})
    assert done.returncode == 0
    assert done.stdout.startswith(
        "No: that nobody stands in between is proven on 12 of the 12 sites that answered."
    )
    assert done.stdout.splitlines()[-1].strip() == "→ All that tlsight can do: tlsight --help"


def test_yes_names_who_it_is_before_which_sites_and_what_to_do(
    ask: Ask, world: LabPki, gateway: Authority
) -> None:
    shown = {host: forged(gateway, host) for host in SITES[:10]}
    shown |= {host: world.issue(host) for host in SITES[10:]}
    done = ask(shown)
    assert done.returncode == 1
    paragraph = done.stdout.splitlines()[0]
    assert paragraph.startswith("Yes, by ")
    assert "Example Proxy CA" in paragraph
    assert "on 10 of the 12 sites that answered: github.com, letsencrypt.org" in paragraph
    assert paragraph.endswith("The others: 2 proven direct.")
    assert "Send no secrets until your administrator" in done.stdout


def test_json_is_one_object_of_the_same_values(ask: Ask, gateway: Authority) -> None:
    done = ask({host: forged(gateway, host) for host in SITES}, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["schema"], found["answer"]) == (1, "tlsight.answer/1", "yes")
    assert found["verdicts"] == {"intercepted": 12}
    assert len(found["interceptors"][0]["hosts"]) == 12
    assert "Example Proxy CA" in found["interceptors"][0]["issuer"]


def test_a_dead_proxy_of_the_environment_is_no_answer_and_is_named(tlsight: Run) -> None:
    done = tlsight(HTTPS_PROXY="http://user:geheim@127.0.0.1:9", COLUMNS="400")
    assert done.returncode == 3
    assert done.stdout.startswith("Cannot tell: the proxy is in the way: the proxy at 127.0.0.1:9")
    assert "HTTPS_PROXY" in done.stdout
    assert "geheim" not in done.stdout + done.stderr


def test_sites_that_say_nothing_are_not_waited_for(tlsight: Run) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        begun = clock.stopwatch()
        done = tlsight(
            "--connect", f"127.0.0.1:{silent.getsockname()[1]}", "--timeout", "100", "--within", "1",
            COLUMNS="400",
        )  # fmt: skip
        assert clock.stopwatch() - begun < 50
    assert done.returncode == 3
    assert done.stdout.startswith("Cannot tell: none of 12 sites answered in time.")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts in a namespace of its own")
def test_a_portal_that_drops_tls_and_answers_every_name_is_told(
    tlsight: Run, tmp_path: Path
) -> None:
    """A network of its own, in which every site is an address where only a portal's web server answers."""
    sites = (*SITES, *(urlsplit(row.url).hostname for row in connectivity_checks()))
    (tmp_path / "hosts").write_text("".join(f"127.0.0.1 {site}\n" for site in sites))
    (tmp_path / "portal.py").write_text(_PORTAL)
    script = (
        f"ip link set lo up; mount --bind {tmp_path}/hosts /etc/hosts; "
        f'"{sys.executable}" {tmp_path}/portal.py & until [ -e {tmp_path}/ready ]; do sleep 0.05; done; '
        '"$@"; code=$?; kill $!; exit $code'
    )
    done = tlsight(
        "--timeout", "2", prefix=("unshare", "-n", "-m", "sh", "-c", script, "sh"), COLUMNS="300"
    )
    assert done.returncode == 3
    assert done.stdout.startswith("Cannot tell: a captive portal answers in everybody's place")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--no-such-option",), "No such option '--no-such-option'"),
        (("--json", "check"), "unexpected extra argument"),
        (("--fail-on", "sometimes"), "is none of private"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(tlsight: Run, words: tuple[str, ...], said: str) -> None:
    done = tlsight(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_is_still_help(tlsight: Run) -> None:
    for word in ("--help", "-h"):
        said = tlsight(word).stdout
        assert "Usage: tlsight [OPTIONS] [COMMAND]" in said
        assert re.search(r"answers in a\s+paragraph: am I intercepted", said)
