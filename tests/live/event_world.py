"""Receivers of an agent's events, as companies run them: rsyslog over TLS, nginx, systemd's journal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from detector.lab.pki import Authority, Credential
from tests.live.programs import Program, find, free_port
from tests.live.waiting import PATIENCE


class Rsyslog(Program):
    """Takes RFC 5424 over TLS from clients with a certificate for `agent.example`, or over TCP; one line of JSON each,
    with the structured data as rsyslog's own mmpstrucdata reads them.
    """

    def __init__(
        self, folder: Path, credential: Credential | None, ca: Authority, driver: str = "ossl"
    ) -> None:
        super().__init__(folder)
        self.credential, self.ca, self.driver = credential, ca, driver
        self.out = folder / "received"

    def command(self) -> list[str]:
        tls = ""
        if self.credential is not None:
            tls = (
                f' streamDriver.name="{self.driver}" streamDriver.mode="1"'
                ' streamDriver.authMode="x509/name" permittedPeer=["agent.example"]'
            )
            chain = self.write("chain.pem", self.credential.chain_pem)
            key = self.write("key.pem", self.credential.key_pem)
            ca = self.write("ca.pem", self.ca.pem)
            files = (
                f'defaultNetstreamDriverCAFile="{ca}" defaultNetstreamDriverCertFile="{chain}"'
                f' defaultNetstreamDriverKeyFile="{key}"'
            )
        else:
            files = ""
        config = self.write(
            "rsyslog.conf",
            f"""
global(workDirectory="{self.folder}" net.enableDNS="off" {files})
module(load="imtcp"{tls})
module(load="mmpstrucdata")
module(load="imudp")
template(name="each" type="list" option.jsonf="on") {{
  property(outname="pri" name="pri" format="jsonf")
  property(outname="at" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="id" name="msgid" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
  property(outname="sd" name="$!rfc5424-sd" format="jsonf")
}}
input(type="imtcp" port="{self.port}" address="127.0.0.1")
input(type="imudp" port="{self.port}" address="127.0.0.1")
action(type="mmpstrucdata")
action(type="omfile" file="{self.out}" template="each" asyncWriting="off" flushOnTXEnd="on")
""",
        )
        return [find("rsyslogd"), "-n", "-f", str(config), "-i", str(self.folder / "pid")]

    def received(self) -> list[dict[str, Any]]:
        if not self.out.exists():
            return []
        lines = self.out.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def kill(self) -> None:
        """As a crash does."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)


class NginxReceiver(Program):
    """Takes POSTs from clients with a certificate, and writes their bodies to a log; a path answers with its status."""

    def __init__(self, folder: Path, credential: Credential, ca: Authority | None) -> None:
        super().__init__(folder)
        self.credential, self.ca = credential, ca
        self.log = folder / "bodies"
        self._behind = free_port()

    def command(self) -> list[str]:
        pem = self.write("leaf.pem", self.credential.key_pem + self.credential.chain_pem)
        asks = ""
        if self.ca is not None:
            ca = self.write("ca.pem", self.ca.pem)
            asks = f"ssl_client_certificate {ca}; ssl_verify_client on;"
        config = self.write(
            "nginx.conf",
            f"""
daemon off; master_process off; user root; pid {self.folder}/pid;
error_log {self.folder}/error.log;
events {{}}
http {{
  log_format body escape=json '{{"body":"$request_body","client":"$ssl_client_s_dn","protocol":"$server_protocol",'
    '"token":"$http_authorization","type":"$content_type"}}';
  client_body_buffer_size 8m; client_max_body_size 8m;
  client_body_temp_path {self.folder}/a; proxy_temp_path {self.folder}/b; fastcgi_temp_path {self.folder}/c;
  uwsgi_temp_path {self.folder}/d; scgi_temp_path {self.folder}/e;
  access_log off;
  server {{
    listen 127.0.0.1:{self.port} ssl http2;
    ssl_certificate {pem}; ssl_certificate_key {pem}; {asks}
    location /in {{ access_log {self.log} body; proxy_pass http://127.0.0.1:{self._behind}; }}
    location /busy {{ add_header Retry-After 30 always; return 503; }}
  }}
  server {{ listen 127.0.0.1:{self._behind}; return 204; }}
}}
""",
        )
        return [find("nginx"), "-c", str(config), "-e", str(self.folder / "error.log")]

    def own_ports(self) -> list[int]:
        return [self.port, self._behind]

    def received(self) -> list[dict[str, Any]]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]


_JOURNAL = """set -e
mount --bind {folder}/run /run
mount --bind {folder}/log /var/log
mkdir -p /run/systemd/journal /run/log
exec {journald}
"""


class Journal(Program):
    """systemd-journald in a mount namespace, with a /run of its own in the test's folder."""

    def command(self) -> list[str]:
        (self.folder / "run").mkdir()
        (self.folder / "log").mkdir()
        journald = next(
            path for path in ("/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald")
            if Path(path).exists()
        )  # fmt: skip
        script = _JOURNAL.format(folder=self.folder, journald=journald)
        return [find("unshare"), "--mount", "--propagation", "private", "sh", "-c", script]

    @property
    def socket(self) -> Path:
        return self.folder / "run/systemd/journal/socket"

    def _answers(self) -> bool:
        return self.socket.exists()

    def received(self, *filters: str) -> list[dict[str, Any]]:
        folder = next((self.folder / "run/log/journal").iterdir())
        output = subprocess.run(
            [find("journalctl"), "--directory", str(folder), "-o", "json", "--all", "--no-pager", *filters],
            capture_output=True, check=True,
        ).stdout  # fmt: skip
        return [json.loads(line) for line in output.splitlines()]
