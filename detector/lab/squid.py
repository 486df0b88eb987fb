"""A real Squid that bumps as an enterprise gateway has it: its files, and the command that starts it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from detector.errors import ConfigError
from detector.lab.pki import Credential

BUMP_ALL = "acl step1 at_step SslBump1\nssl_bump peek step1\nssl_bump bump all"
_TEMPORARY = Path(tempfile.gettempdir())
_HELPER = "/usr/lib/squid/security_file_certgen"


def squid_path() -> str | None:
    """A Squid that can bump, None where there is none."""
    found = shutil.which("squid", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    return found if found is not None and Path(_HELPER).exists() else None


def squid_command(
    folder: Path,
    port: int,
    ca: Credential,
    trust: Path,
    hosts: Mapping[str, str],
    bumping: str = BUMP_ALL,
) -> list[str]:
    """Write what Squid reads, and give its command line. Raises ConfigError where there is no Squid.

    Args:
        folder: its own, made when missing; folders above it up to the temporary one are opened.
        port: on loopback.
        ca: what it signs with.
        trust: PEM file of roots it trusts.
        hosts: names and their addresses.
        bumping: its ssl_bump lines.

    """
    program = squid_path()
    if program is None:
        raise ConfigError("squid", "is not installed", remedy="apt-get install squid-openssl")
    folder.mkdir(parents=True, exist_ok=True)
    for parent in folder.parents:
        # Squid gives up root before it reads its files.
        if parent != _TEMPORARY and parent.is_relative_to(_TEMPORARY):
            parent.chmod(0o755)
    signing = _write(folder / "ca.pem", ca.key_pem + ca.chain_pem)
    names = _write(folder / "hosts", "".join(f"{ip} {name}\n" for name, ip in hosts.items()))
    store = folder / "certificates"
    subprocess.run([_HELPER, "-c", "-s", store, "-M", "4MB"], check=True, capture_output=True)
    config = _write(
        folder / "squid.conf",
        f"""
http_port 127.0.0.1:{port} ssl-bump tls-cert={signing} generate-host-certificates=on \
  dynamic_cert_mem_cache_size=4MB
sslcrtd_program {_HELPER} -s {store} -M 4MB
sslcrtd_children 1
{bumping}
http_access allow all
tls_outgoing_options cafile={trust}
hosts_file {names}
cache deny all
cache_log {folder}/cache.log
access_log none
pid_filename {folder}/squid.pid
coredump_dir {folder}
shutdown_lifetime 0 seconds
visible_hostname gateway.example
pinger_enable off
""",
    )
    # Started as root, Squid becomes "proxy"; everything it reads must be its own.
    if config.owner() == "root":
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "proxy", "proxy")
    return [program, "-N", "-f", str(config)]


def _write(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(text)
    return path
