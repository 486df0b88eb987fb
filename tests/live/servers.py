"""Real TLS servers with settings of one's choice, to be broken and mended.

Settings are lines of the server's own configuration; a line replaces the default line of the same
directive, as an administrator would replace it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from abc import abstractmethod
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from detector.lab.ca_service import staple
from detector.lab.pki import Credential, LabPki
from tests.live.java import java_command
from tests.live.programs import Program, find, readable_by_all


class TlsServer(Program):
    """A server with a good credential, until its settings say something else.

    Args:
        folder: its own.
        pki: where the good credential comes from.
        shown: another credential to show.
        settings: lines that replace the defaults.

    """

    defaults = ""

    def __init__(
        self, folder: Path, pki: LabPki, shown: Credential | None = None, settings: str = ""
    ) -> None:
        super().__init__(folder)
        self.pki = pki
        good = pki.issue("localhost")
        self.shown = self._write("shown", shown or good)
        self.good = self._write("good", good)
        (folder / "staple.der").write_bytes(staple(pki.intermediate, shown or good))
        (folder / "clients.pem").write_text(pki.root.pem)
        self.settings = settings
        self.sends_above = bool((shown or good).above)

    def _write(self, name: str, credential: Credential) -> str:
        """FULLCHAIN, KEY and FULLCHAIN-AND-KEY of one credential, under the returned prefix."""
        self.write(f"{name}.chain.pem", credential.chain_pem)
        self.write(f"{name}.key.pem", credential.key_pem)
        self.write(f"{name}.both.pem", credential.chain_pem + credential.key_pem)
        above = credential.above or (credential.certificate,)
        self.write(
            f"{name}.above.pem", "".join(c.public_bytes(Encoding.PEM).decode() for c in above)
        )
        return str(self.folder / name)

    def mended(self, lines: str) -> str:
        """Shipped lines with the places filled in."""
        places = {
            "FULLCHAIN-AND-KEY": f"{self.good}.both.pem",
            "FULLCHAIN": f"{self.good}.chain.pem",
            "KEY": f"{self.good}.key.pem",
            "CLIENTS": str(self.folder / "clients.pem"),
            "STAPLE": str(self.folder / "staple.der"),
            "HOST": "localhost",
            "listen 443": f"listen 127.0.0.1:{self.port}",
        }
        for place, value in places.items():
            lines = re.sub(rf"(?<![\w-]){place}(?![\w-])", value, lines)
        return lines

    def lines(self) -> str:
        """Defaults with the settings in their place."""
        given = [line.strip() for line in self.settings.splitlines() if line.strip()]
        named = {line.split()[0] for line in given}
        filled = self.defaults.format(
            port=self.port, chain=f"{self.shown}.chain.pem", key=f"{self.shown}.key.pem"
        )
        kept = [line for line in filled.strip().splitlines() if line.split()[0] not in named]
        return "\n".join([*kept, *given])

    @abstractmethod
    def command(self) -> list[str]: ...


class NginxServer(TlsServer):
    defaults = """
listen 127.0.0.1:{port} ssl;
server_name localhost;
ssl_certificate {chain};
ssl_certificate_key {key};
"""

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
{self.lines()}
    location / {{ return 200 "ok"; }}
  }}
}}
""",
        )
        return [find("nginx"), "-c", str(config), "-e", str(self.folder / "error.log")]


class ApacheServer(TlsServer):
    defaults = """
ServerName localhost
SSLEngine on
SSLCertificateFile {chain}
SSLCertificateKeyFile {key}
"""
    # Directives of the whole server, wherever they were written.
    _GLOBAL = ("SSLStaplingCache",)

    def command(self) -> list[str]:
        modules = Path("/usr/lib/apache2/modules")
        names = ("mpm_event", "authz_core", "ssl", "socache_shmcb", "mime", "http2", "alias")
        load = "\n".join(f"LoadModule {n}_module {modules}/mod_{n}.so" for n in names)
        lines = self.lines().splitlines()
        outside = "\n".join(line for line in lines if line.split()[0] in self._GLOBAL)
        inside = "\n".join(line for line in lines if line.split()[0] not in self._GLOBAL)
        (self.folder / "pages").mkdir(exist_ok=True)
        (self.folder / "pages" / "index.html").write_text("ok")
        readable_by_all(self.folder)
        config = self.write(
            "apache.conf",
            f"""
{load}
ServerRoot {self.folder}
PidFile {self.folder}/apache.pid
Listen 127.0.0.1:{self.port}
ServerName localhost
User www-data
Group www-data
ErrorLog {self.folder}/error.log
LogLevel info
TypesConfig /dev/null
DocumentRoot {self.folder}/pages
StartServers 1
ThreadsPerChild 16
MaxRequestWorkers 16
ServerLimit 1
{outside}
<VirtualHost *:{self.port}>
{inside}
</VirtualHost>
""",
        )
        return [find("apache2"), "-DFOREGROUND", "-f", str(config)]


_CLEAR = "# in clear"


class HaproxyServer(TlsServer):
    """Its settings are the words of one bind line."""

    defaults = "crt {chain}"
    _FLAGS = ("ssl", "strict-sni", "no-tls-tickets")

    def lines(self) -> str:
        words = {"ssl": "", "crt": f"{self.shown}.both.pem"} if self.settings != _CLEAR else {}
        for line in self.settings.splitlines():
            if line == _CLEAR:
                continue
            text, _, remark = line.partition("#")
            found = self._words(text.split())
            words.update(found)
            for gone in re.findall(r"without ([\w-]+)", remark):
                words.pop(gone, None)
        return " ".join(f"{word} {value}".strip() for word, value in words.items())

    def _words(self, words: list[str]) -> dict[str, str]:
        if words[:1] == ["bind"]:
            words = words[2:]
        found: dict[str, str] = {}
        while words:
            word = words.pop(0)
            found[word] = "" if word in self._FLAGS else words.pop(0)
        return found

    def command(self) -> list[str]:
        ocsp = self.folder / "good.both.pem.ocsp"
        if not ocsp.exists():
            ocsp.write_bytes((self.folder / "staple.der").read_bytes())
        config = self.write(
            "haproxy.cfg",
            f"""
global
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend front
  bind 127.0.0.1:{self.port} {self.lines()}
  http-request return status 200 content-type text/plain string ok
""",
        )
        return [find("haproxy"), "-db", "-f", str(config)]


class OpensslServer(TlsServer):
    """Its settings are words of `openssl s_server`."""

    def command(self) -> list[str]:
        certificate = ["-cert", f"{self.shown}.chain.pem", "-key", f"{self.shown}.key.pem"]
        whole = ["-cert_chain", f"{self.shown}.above.pem"] if self.sends_above else []
        return [
            find("openssl"), "s_server", "-accept", f"127.0.0.1:{self.port}", "-quiet", "-www",
            *certificate, *whole, *self.settings.split(),
        ]  # fmt: skip


class GnutlsServer(TlsServer):
    """Its settings are words of `gnutls-serv`."""

    def command(self) -> list[str]:
        return [
            find("gnutls-serv"), "--port", str(self.port), "--http", "--quiet",
            "--x509certfile", f"{self.shown}.chain.pem", "--x509keyfile", f"{self.shown}.key.pem",
            *self.settings.split(),
        ]  # fmt: skip


_JAVA = """
import java.io.*;
import java.security.KeyStore;
import javax.net.ssl.*;

public class Serve {
  public static void main(String[] args) throws Exception {
    char[] none = "changeit".toCharArray();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(new FileInputStream(args[1]), none);
    KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
    factory.init(keys, none);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(factory.getKeyManagers(), null, null);
    SSLServerSocket server = (SSLServerSocket) context.getServerSocketFactory()
        .createServerSocket(Integer.parseInt(args[0]), 50, java.net.InetAddress.getLoopbackAddress());
    SSLParameters parameters = server.getSSLParameters();
    for (int i = 2; i + 1 < args.length; i += 2) {
      String value = args[i + 1];
      switch (args[i]) {
        case "protocols": parameters.setProtocols(value.split(",")); break;
        case "suites": parameters.setCipherSuites(value.split(",")); break;
        case "need": parameters.setNeedClientAuth(true); break;
        case "name":
          parameters.setSNIMatchers(java.util.List.of(SNIHostName.createSNIMatcher(value))); break;
        case "alpn": parameters.setApplicationProtocols(value.split(",")); break;
      }
    }
    server.setSSLParameters(parameters);
    while (true) {
      final SSLSocket one = (SSLSocket) server.accept();
      new Thread(() -> {
        try {
          BufferedReader in = new BufferedReader(new InputStreamReader(one.getInputStream()));
          String line;
          while ((line = in.readLine()) != null && !line.isEmpty()) {}
          one.getOutputStream().write("HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\n".getBytes());
          one.close();
        } catch (IOException e) {}
      }).start();
    }
  }
}
"""


class JavaServer(TlsServer):
    """Its settings are words of the little program above."""

    source = _JAVA

    def command(self) -> list[str]:
        store = self.folder / "keys.p12"
        subprocess.run(
            [
                find("openssl"), "pkcs12", "-export", "-in", f"{self.shown}.chain.pem",
                "-inkey", f"{self.shown}.key.pem", "-out", str(store), "-passout", "pass:changeit",
            ],
            check=True,
        )  # fmt: skip
        # Old versions are switched off for good in java.security; here they are wanted.
        security = self.write("old.security", "jdk.tls.disabledAlgorithms=\n")
        return [
            *java_command("Serve", self.source, f"-Djava.security.properties={security}"),
            str(self.port), str(store), *self.settings.split(),
        ]  # fmt: skip


class CaddyServer(TlsServer):
    """Its settings are lines of the tls block."""

    def command(self) -> list[str]:
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        config = self.write(
            "Caddyfile",
            f"""
{{
  admin off
  auto_https off
}}
https://localhost:{self.port} {{
  bind 127.0.0.1
  tls {self.shown}.chain.pem {self.shown}.key.pem {{
{self.settings}
  }}
  respond ok
}}
""",
        )
        return [find("caddy"), "run", "--config", str(config), "--adapter", "caddyfile"]
