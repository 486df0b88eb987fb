"""Real servers that write logs, each told to show its failed handshakes, and where it writes them."""

from __future__ import annotations

import shutil
from pathlib import Path

from detector.lab.pki import Credential, LabPki
from tests.live import starttls_programs as st
from tests.live.programs import TOOLS, Program, find, readable_by_all
from tests.live.servers import ApacheServer, CaddyServer, HaproxyServer, JavaServer, NginxServer


class Logged:
    """A program with a log. `config` is what is in force, as `tlsight logs --config` reads it."""

    folder: Path
    log_name = "output"
    starttls: str | None = None

    @property
    def log(self) -> Path:
        return self.folder / self.log_name


class Nginx(Logged, NginxServer):
    log_name = "error.log"


class Apache(Logged, ApacheServer):
    log_name = "error.log"


class Haproxy(Logged, HaproxyServer):
    """With the fields that name the reason, or as it is by default."""

    terse = False

    def command(self) -> list[str]:
        command = super().command()
        path = self.folder / "haproxy.cfg"
        fields = (
            '  error-log-format "%ci:%cp [%tr] %ft %[fc_err_str] %[ssl_fc_err,hex] '
            '%[ssl_fc_err_str] sni=%[ssl_fc_sni]"\n'
        )
        text = path.read_text().replace("global\n", "global\n  log stdout format raw local0\n")
        text = text.replace("  mode http\n", "  mode http\n  log global\n  option httplog\n")
        if not self.terse:
            text = text.replace("frontend front\n", f"frontend front\n{fields}")
        path.write_text(text)
        return command


class HaproxyTerse(Haproxy):
    terse = True


class Caddy(Logged, CaddyServer):
    def command(self) -> list[str]:
        command = super().command()
        path = self.folder / "Caddyfile"
        path.write_text(path.read_text().replace("  admin off\n", "  admin off\n  debug\n", 1))
        return command


class Java(Logged, JavaServer):
    """The little program with its exceptions on stderr, as Tomcat has them in catalina.out."""

    source = JavaServer.source.replace(
        "catch (IOException e) {}", "catch (IOException e) { e.printStackTrace(); }"
    )


class OneCredential(Logged, Program):
    """Shows one credential, and may ask for certificates of the lab's CA."""

    def __init__(
        self, folder: Path, pki: LabPki, shown: Credential | None = None, settings: str = ""
    ) -> None:
        super().__init__(folder)
        self.shown = shown or pki.issue("localhost")
        self.settings = settings
        self.write("clients.pem", pki.root.pem)


class Stunnel(OneCredential):
    log_name = "stunnel.log"

    def command(self) -> list[str]:
        pem = self.write("server.pem", self.shown.chain_pem + self.shown.key_pem)
        config = self.write(
            "stunnel.conf",
            f"""
foreground = yes
pid =
debug = info
output = {self.log}
[tls]
accept = 127.0.0.1:{self.port}
connect = 127.0.0.1:9
cert = {pem}
{self.settings}
""",
        )
        return [find("stunnel4"), str(config)]


class Dovecot(Logged, st.Dovecot):
    log_name = "log"
    starttls = "imap"

    def __init__(
        self, folder: Path, pki: LabPki, shown: Credential | None = None, settings: str = ""
    ) -> None:
        super().__init__(folder, shown or pki.issue("localhost"), "imap")
        self.settings = settings
        self.write("clients.pem", pki.root.pem)

    def command(self) -> list[str]:
        command = super().command()
        path = self.folder / "dovecot.conf"
        path.write_text(f"{path.read_text()}\nverbose_ssl = yes\n{self.settings}\n")
        return command


class Exim(Logged, st.Exim):
    log_name = "mainlog"
    starttls = "smtp"

    def __init__(
        self, folder: Path, pki: LabPki, shown: Credential | None = None, settings: str = ""
    ) -> None:
        super().__init__(folder, shown or pki.issue("localhost"))

    def command(self) -> list[str]:
        readable_by_all(self.folder)
        return super().command()


class Postgres(Logged, st.Postgres):
    starttls = "postgres"

    def __init__(
        self, folder: Path, pki: LabPki, shown: Credential | None = None, settings: str = ""
    ) -> None:
        super().__init__(folder, shown or pki.issue("localhost"))
        self.settings = settings
        self.write("clients.pem", pki.root.pem)

    def command(self) -> list[str]:
        readable_by_all(self.folder)
        more = ("log_line_prefix=%m [%p] %h(%r) ", "log_connections=on")
        given = [line for line in self.settings.splitlines() if line]
        return [*super().command(), *(w for line in (*more, *given) for w in ("-c", line))]


class MariaDb(Logged, st.MariaDb):
    starttls = "mysql"

    def __init__(
        self, folder: Path, pki: LabPki, shown: Credential | None = None, settings: str = ""
    ) -> None:
        super().__init__(folder, shown or pki.issue("localhost"))

    def command(self) -> list[str]:
        readable_by_all(self.folder)
        return [*super().command(), "--log-warnings=9"]


class Postfix(OneCredential):
    """Debian's package, unpacked beside the tests: installed, it would put out the other mail server."""

    starttls = "smtp"

    def command(self) -> list[str]:
        root = TOOLS / "postfix"
        if not root.exists():
            raise FileNotFoundError("postfix is not unpacked; run scripts/programs.sh")
        readable_by_all(self.folder)
        certificate = self.write("server.crt", self.shown.chain_pem)
        key = self.write("server.key", self.shown.key_pem)
        for name in ("spool", "data"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "uucp", "uucp")
        for name in ("pid", "private", "public", "active", "incoming", "defer", "maildrop"):
            (self.folder / "spool" / name).mkdir()
            if name != "pid":
                shutil.chown(self.folder / "spool" / name, "uucp", "uucp")
        self.write(
            "main.cf",
            f"""
compatibility_level = 3.6
queue_directory = {self.folder}/spool
data_directory = {self.folder}/data
command_directory = {root}/usr/sbin
daemon_directory = {root}/usr/lib/postfix/sbin
shlib_directory = {root}/usr/lib/postfix
mail_owner = uucp
setgid_group = operator
default_privs = nobody
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example
maillog_file = /dev/stdout
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_loglevel = 1
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_protocols = >=TLSv1.2
smtpd_relay_restrictions = reject
smtpd_client_restrictions =
alias_maps =
alias_database =
{self.settings}
""",
        )
        self.write(
            "master.cf",
            f"127.0.0.1:{self.port} inet n - n - - smtpd\n"
            "postlog unix-dgram n - n - 1 postlogd\nanvil unix - - n - 1 anvil\n"
            "cleanup unix n - n - 0 cleanup\nproxymap unix - - n - - proxymap\n"
            "rewrite unix - - n - - trivial-rewrite\ntlsmgr unix - - n 1000? 1 tlsmgr\n",
        )
        library = f"LD_LIBRARY_PATH={root}/usr/lib/postfix"
        with (self.folder / "main.cf").open("a") as file:
            file.write(f"import_environment = MAIL_CONFIG {library}\n")
        return [
            "env", library, f"MAIL_CONFIG={self.folder}",
            f"{root}/usr/lib/postfix/sbin/master", "-d", "-c", str(self.folder),
        ]  # fmt: skip
