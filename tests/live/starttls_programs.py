"""Real servers that turn to TLS in mid-conversation, each with a configuration of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from detector.lab.pki import Credential
from tests.live.programs import Program, find


class TlsProgram(Program):
    """A program that serves one credential; `user` is whom it runs as, and who owns its files."""

    user = "root"

    def __init__(self, folder: Path, credential: Credential) -> None:
        super().__init__(folder)
        self.certificate = self.write("server.crt", credential.chain_pem)
        self.key = self.write("server.key", credential.key_pem)

    def give_away(self) -> None:
        for path in (self.folder, *self.folder.rglob("*")):
            shutil.chown(path, self.user, self.user)


class Dovecot(TlsProgram):
    """IMAP or POP3."""

    def __init__(self, folder: Path, credential: Credential, protocol: str) -> None:
        super().__init__(folder, credential)
        self.protocol = protocol

    def command(self) -> list[str]:
        off = "pop3" if self.protocol == "imap" else "imap"
        config = self.write(
            "dovecot.conf",
            f"""
protocols = {self.protocol}
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/log
listen = 127.0.0.1
ssl = yes
ssl_cert = <{self.certificate}
ssl_key = <{self.key}
ssl_min_protocol = TLSv1.2
mail_location = maildir:{self.folder}/mail
passdb {{
  driver = static
}}
service {self.protocol}-login {{
  chroot =
  inet_listener {self.protocol} {{
    port = {self.port}
  }}
  inet_listener {self.protocol}s {{
    port = 0
  }}
}}
# {off} is off
""",
        )
        return [find("dovecot"), "-F", "-c", str(config)]


class Exim(TlsProgram):
    """SMTP."""

    user = "Debian-exim"

    def command(self) -> list[str]:
        config = self.write(
            "exim.conf",
            f"""
primary_hostname = mx.test
daemon_smtp_ports = {self.port}
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = {self.certificate}
tls_privatekey = {self.key}
log_file_path = {self.folder}/%slog
spool_directory = {self.folder}/spool
pid_file_path = {self.folder}/exim.pid
acl_smtp_rcpt = deny
""",
        )
        self.give_away()
        shutil.chown(config, "root", "root")  # Exim reads no configuration that others may write
        return [find("exim4"), "-bdf", "-C", str(config)]


class Vsftpd(TlsProgram):
    """FTP."""

    def command(self) -> list[str]:
        empty = self.folder / "empty"
        empty.mkdir()
        config = self.write(
            "vsftpd.conf",
            f"""
listen=YES
listen_address=127.0.0.1
listen_port={self.port}
background=NO
anonymous_enable=NO
local_enable=YES
ssl_enable=YES
rsa_cert_file={self.certificate}
rsa_private_key_file={self.key}
ssl_ciphers=HIGH
secure_chroot_dir={empty}
seccomp_sandbox=NO
""",
        )
        return [find("vsftpd"), str(config)]


class Prosody(TlsProgram):
    """XMPP, client to server."""

    user = "prosody"

    def command(self) -> list[str]:
        config = self.write(
            "prosody.cfg.lua",
            f"""
pidfile = "{self.folder}/prosody.pid"
data_path = "{self.folder}/data"
daemonize = false
modules_enabled = {{ "tls"; "saslauth" }}
modules_disabled = {{ "s2s" }}
c2s_ports = {{ {self.port} }}
c2s_interfaces = {{ "127.0.0.1" }}
c2s_require_encryption = true
s2s_ports = {{}}
log = {{ info = "{self.folder}/log" }}
VirtualHost "host.test"
  ssl = {{ certificate = "{self.certificate}"; key = "{self.key}" }}
""",
        )
        (self.folder / "data").mkdir()
        self.give_away()
        return as_user("prosody", [find("prosody"), "-F", "--config", str(config)])


class Slapd(TlsProgram):
    """LDAP."""

    def command(self) -> list[str]:
        database = self.folder / "db"
        database.mkdir()
        config = self.write(
            "slapd.conf",
            f"""
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {self.folder}/slapd.pid
TLSCertificateFile {self.certificate}
TLSCertificateKeyFile {self.key}
TLSCACertificateFile {self.certificate}
database mdb
suffix "dc=test"
directory {database}
""",
        )
        where = f"ldap://127.0.0.1:{self.port}/"
        return [find("slapd"), "-d", "0", "-f", str(config), "-h", where]


class Postgres(TlsProgram):
    """PostgreSQL."""

    user = "postgres"

    def command(self) -> list[str]:
        tools = max(Path("/usr/lib/postgresql").iterdir()) / "bin"
        data = self.folder / "data"
        self.give_away()
        make = [str(tools / "initdb"), "-D", str(data), "-A", "trust", "--no-sync"]
        subprocess.run(as_user("postgres", make), check=True, capture_output=True, cwd=self.folder)
        settings = {
            "ssl": "on",
            "ssl_cert_file": str(self.certificate),
            "ssl_key_file": str(self.key),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
        }
        words = [str(tools / "postgres"), "-D", str(data), "-p", str(self.port)]
        return as_user(
            "postgres", words + [w for k, v in settings.items() for w in ("-c", f"{k}={v}")]
        )


class MariaDb(TlsProgram):
    """MariaDB, for the MySQL protocol."""

    user = "mysql"

    def command(self) -> list[str]:
        data = self.folder / "data"
        self.give_away()
        make = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=mysql"]
        subprocess.run(
            [*make, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, capture_output=True, cwd=self.folder,
        )  # fmt: skip
        return [
            find("mariadbd"), "--no-defaults", "--user=mysql", f"--datadir={data}",
            f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={self.folder}/s",
            f"--ssl-cert={self.certificate}", f"--ssl-key={self.key}",
            f"--pid-file={self.folder}/pid",
        ]  # fmt: skip


def as_user(name: str, command: list[str]) -> list[str]:
    """The command as another user; servers that refuse to run as root need it."""
    if os.getuid() != 0:
        return command
    return ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", *command]
