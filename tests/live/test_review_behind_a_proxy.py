"""The page behind a real nginx that asks somebody else who the user is, by the lines of the how-to."""

from __future__ import annotations

import http.server
import re
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest

from addons.bypass.audit import Actor
from addons.bypass.learning import Candidate
from addons.store.bypass_store import BypassStore
from detector import clock
from detector.lab.pki import LabPki
from tests.addons.reviewing import form_of
from tests.live.programs import Program, find, free_port
from tests.live.test_service import PAGE, waited

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore::ResourceWarning")]
SECRET = "0123456789abcdef" * 4
PEOPLE = {
    "carol-session": ("carol@corp.example", "staff,netops"),
    "vic-session": ("vic", "helpdesk"),
}


class WhoIsIt(http.server.BaseHTTPRequestHandler):
    """Answers as oauth2-proxy does with --set-xauthrequest: who a cookie is, or 401."""

    def do_GET(self) -> None:
        found = PEOPLE.get(self.headers.get("cookie", "").partition("session=")[2].split(";")[0])
        self.send_response(202 if found else 401)
        for name, value in zip(("User", "Groups"), found or (), strict=False):
            self.send_header(f"X-Auth-Request-{name}", value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Nginx(Program):
    """The how-to's location in front of a page."""

    def __init__(self, folder: Path, pki: LabPki, page: int, asked: int) -> None:
        super().__init__(folder)
        credential = pki.issue("bypass.test")
        self.write("chain.pem", credential.chain_pem)
        self.write("key.pem", credential.key_pem)
        (block,) = re.findall(
            r"^    location / \{\n.*?^    \}\n", PAGE.read_text(), re.DOTALL | re.MULTILINE
        )
        block = block.replace("the line of /etc/tlsight/proxy-secret", SECRET)
        self.location = block.replace("http://127.0.0.1:8090", f"http://127.0.0.1:{page}")
        self.asked = asked

    def command(self) -> list[str]:
        temporary = " ".join(
            f"{kind}_temp_path {self.folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = self.write(
            "nginx.conf",
            f"""
daemon off; master_process off; pid {self.folder}/nginx.pid;
error_log {self.folder}/error.log info;
events {{}}
http {{
  access_log off; {temporary}
  server {{
    listen 127.0.0.1:{self.port} ssl;
    ssl_certificate {self.folder}/chain.pem;
    ssl_certificate_key {self.folder}/key.pem;
    location = /auth {{ internal; proxy_pass http://127.0.0.1:{self.asked}/oauth2/auth; }}
{self.location}
  }}
}}
""",
        )
        return [find("nginx"), "-c", str(config), "-e", str(self.folder / "error.log")]


@contextmanager
def who_is_it() -> Generator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), WhoIsIt) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def page(store: Path, port: int, secret: Path, url: str) -> Generator[None]:
    words = (
        "--listen", f"127.0.0.1:{port}", "--url", url, "--user-header", "X-Forwarded-User",
        "--role-header", "X-Forwarded-Groups", "--group", "netops=admin", "--group",
        "helpdesk=viewer", "--from-proxy", "127.0.0.1", "--proxy-secret", secret, "--two-person",
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "detector", "bypass", "serve", "--store", store, *words],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"review page: {url}/\n"
        yield
    finally:
        process.terminate()
        process.wait(60)
        assert process.stdout is not None
        process.stdout.close()


def test_who_logged_in_elsewhere_decides_here_under_his_name_and_nobody_else_does(
    tmp_path: Path,
) -> None:
    store, secret, now = tmp_path / "b.sqlite3", tmp_path / "secret", datetime.now(UTC)
    secret.write_text(SECRET)
    secret.chmod(0o600)
    with BypassStore(store, lambda: now) as opened:
        fields = (4.0, ("10.0.0.1",), now, now, "It refuses.")
        opened.propose(Candidate("bank.example", "certificate-pinned", *fields))
    pki, port = LabPki(), free_port()
    (tmp_path / "nginx").mkdir()
    with who_is_it() as asked, Nginx(tmp_path / "nginx", pki, port, asked) as nginx:
        url = f"https://bypass.test:{nginx.port}"
        root = tmp_path / "root.pem"
        root.write_text(pki.root.pem)

        def curl(*words: object, to: str = url) -> tuple[str, str]:
            command = [
                "curl", "-s", "--noproxy", "*", "--cacert", root, "--resolve",
                f"bypass.test:{nginx.port}:127.0.0.1", "-w", "\n%{http_code}", *words,
            ]  # fmt: skip
            done = subprocess.run([*map(str, command), to], capture_output=True, text=True)
            body, _, code = done.stdout.rpartition("\n")
            return code, body

        def reject(session: str, csrf: str, shown: str) -> str:
            words = (
                "-H",
                f"Origin: {url}",
                "-b",
                f"session={session}",
                "-d",
                f"csrf={csrf}",
                "--data-urlencode",
                f"shown={shown}",
                "-d",
                "reason=no",
            )
            return curl(*words, to=f"{url}/candidate/bank.example/reject")[0]

        with page(store, port, secret, url):
            waited(lambda: httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code)
            assert curl()[0] == "401"
            # What a client says of himself does not come through.
            mine = ("-H", "X-Forwarded-User: carol@corp.example", "-H", "X-Forwarded-Groups: admin")
            assert curl(*mine, "-H", f"X-Tlsight-Proxy-Secret: {SECRET}")[0] == "401"
            code, text = curl(*mine, "-b", "session=vic-session")
            assert code == "200"
            (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', text))
            assert reject("vic-session", csrf, "{}") == "403"  # looks on
            where = "/candidate/bank.example"
            form = form_of(
                curl("-b", "session=carol-session", to=url + where)[1], f"{where}/reject"
            )
            csrf, shown = form["csrf"], form["shown"]
            assert reject("carol-session", "x" + csrf, shown) == "403"
            assert reject("carol-session", csrf, shown) == "303"
            # Past nginx, on the same machine, nobody is anybody.
            direct = {"host": f"bypass.test:{nginx.port}", "x-forwarded-user": "carol@corp.example"}
            got = httpx.get(f"http://127.0.0.1:{port}/", headers=direct, trust_env=False)
            assert got.status_code == 403
    with BypassStore(store, clock.now) as opened:
        entry = list(opened.audit())[-1]
    assert (entry.action, entry.by) == ("reject", "carol@corp.example")
    who = msgspec.json.decode(entry.who or "", type=Actor)
    assert who.login == "page: named by the reverse proxy 127.0.0.1"
