"""Proxies of other projects as people dial them: forward HTTP proxies and SOCKS servers, on loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from hashlib import md5
from pathlib import Path

from detector.lab.pki import Credential
from tests.live.programs import Program, find, free_port, readable_by_all

USER, PASSWORD = "ann", "a sesame"
BLOCKED = "blocked.example"
LOGIN_PAGE = "portal.example"


class OpenSquid(Program):
    """Everybody may come in, also by TLS: `port` in clear, `tls_port` with a certificate."""

    def __init__(self, folder: Path, credential: Credential, hosts: dict[str, str]) -> None:
        super().__init__(folder)
        self.credential, self.hosts = credential, hosts
        self.tls_port = free_port()

    def own_ports(self) -> list[int]:
        return [self.port, self.tls_port]

    def command(self) -> list[str]:
        pem = self.write("proxy.pem", self.credential.key_pem + self.credential.chain_pem)
        names = self.write("hosts", "".join(f"{ip} {name}\n" for name, ip in self.hosts.items()))
        return _squid(
            self,
            f"""
http_port 127.0.0.1:{self.port}
https_port 127.0.0.1:{self.tls_port} tls-cert={pem}
hosts_file {names}
acl blocked dstdomain -n {BLOCKED}
acl portal dstdomain -n {LOGIN_PAGE}
deny_info 302:http://login.example/start portal
http_access deny blocked
http_access deny portal
http_access allow all
connect_timeout 1 second
dns_nameservers 127.0.0.1
dns_timeout 1 second
dns_retransmit_interval 1 second
""",
        )


class LoginSquid(Program):
    """Nobody comes in without a login by one of the schemes."""

    def __init__(self, folder: Path, *schemes: str) -> None:
        super().__init__(folder)
        self.schemes = schemes

    def command(self) -> list[str]:
        known = md5(f"{USER}:squid:{PASSWORD}".encode()).hexdigest()
        digests = self.write("digests", f"{USER}:squid:{known}\n")
        openssl = [find("openssl"), "passwd", "-apr1", PASSWORD]
        hashed = subprocess.run(openssl, capture_output=True, text=True, check=True).stdout
        passwords = self.write("passwords", f"{USER}:{hashed}")
        lines = {
            "Basic": f"""
auth_param basic program /usr/lib/squid/basic_ncsa_auth {passwords}
auth_param basic realm squid""",
            "Digest": f"""
auth_param digest program /usr/lib/squid/digest_file_auth -c {digests}
auth_param digest realm squid""",
            "NTLM": "auth_param ntlm program /usr/lib/squid/ntlm_fake_auth",
            "Negotiate": "auth_param negotiate program /usr/lib/squid/ntlm_fake_auth",
        }
        wanted = "\n".join(lines[scheme] for scheme in self.schemes)
        return _squid(
            self,
            f"""
http_port 127.0.0.1:{self.port}
{wanted}
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
""",
        )


def _squid(program: Program, lines: str) -> list[str]:
    folder = program.folder
    config = program.write(
        "squid.conf",
        f"""{lines}
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
    readable_by_all(folder)
    if config.owner() == "root":  # started as root, it becomes "proxy"
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "proxy", "proxy")
    return [find("squid"), "-N", "-f", str(config)]


class Tinyproxy(Program):
    """CONNECT to the named ports alone."""

    def __init__(self, folder: Path, *ports: int) -> None:
        super().__init__(folder)
        self.ports = ports

    def command(self) -> list[str]:
        names = self.write("filter", f"{BLOCKED}\n")
        allowed = "\n".join(f"ConnectPort {port}" for port in self.ports)
        config = self.write(
            "tinyproxy.conf",
            f"""
Port {self.port}
Listen 127.0.0.1
Timeout 5
Allow 127.0.0.1
Filter "{names}"
{allowed}
""",
        )
        return [find("tinyproxy"), "-d", "-c", str(config)]


class OpenPrivoxy(Program):
    """Filters nothing but one host; CONNECT to the named ports alone."""

    def __init__(self, folder: Path, *ports: int) -> None:
        super().__init__(folder)
        self.ports = ports

    def command(self) -> list[str]:
        allowed = ",".join(map(str, self.ports))
        rules = f"{{+limit-connect{{{allowed}}}}}\n/\n{{+block{{forbidden}}}}\n{BLOCKED}\n"
        config = self.write(
            "config",
            f"""
confdir /etc/privoxy
logdir {self.folder}
listen-address 127.0.0.1:{self.port}
actionsfile {self.write("rules.action", rules)}
""",
        )
        return [find("privoxy"), "--no-daemon", str(config)]


class ApacheProxy(Program):
    """mod_proxy_connect, to the named ports alone."""

    def __init__(self, folder: Path, *ports: int) -> None:
        super().__init__(folder)
        self.ports = ports

    def command(self) -> list[str]:
        readable_by_all(self.folder)
        modules = ("mpm_event", "authz_core", "proxy", "proxy_connect")
        loaded = "\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules
        )
        config = self.write(
            "apache.conf",
            f"""
ServerRoot {self.folder}
PidFile {self.folder}/apache.pid
ServerName gateway.example
Listen 127.0.0.1:{self.port}
{loaded}
User www-data
Group www-data
ErrorLog {self.folder}/error.log
ProxyRequests On
AllowCONNECT {" ".join(map(str, self.ports))}
""",
        )
        return [find("apache2"), "-DFOREGROUND", "-f", str(config)]


class WebServer(Program):
    """nginx as a web server: not a proxy at all, also on a TLS port."""

    def __init__(self, folder: Path, credential: Credential) -> None:
        super().__init__(folder)
        self.credential = credential
        self.tls_port = free_port()

    def command(self) -> list[str]:
        pem = self.write("site.pem", self.credential.key_pem + self.credential.chain_pem)
        config = self.write(
            "nginx.conf",
            f"""
daemon off; master_process off; pid {self.folder}/nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path {self.folder}/a; proxy_temp_path {self.folder}/b;
  fastcgi_temp_path {self.folder}/c; uwsgi_temp_path {self.folder}/d; scgi_temp_path {self.folder}/e;
  server {{ listen 127.0.0.1:{self.port}; }}
  server {{ listen 127.0.0.1:{self.tls_port} ssl; ssl_certificate {pem}; ssl_certificate_key {pem}; }}
}}
""",
        )
        return [find("nginx"), "-c", str(config), "-e", str(self.folder / "error.log")]


class HaproxyForward(Program):
    """Sends tunnels to one closed port, and refuses one host."""

    def __init__(self, folder: Path, closed: int) -> None:
        super().__init__(folder)
        self.closed = closed

    def command(self) -> list[str]:
        config = self.write(
            "haproxy.cfg",
            f"""
defaults
  mode http
  timeout connect 1s
  retries 0
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{self.port}
  http-request deny if {{ hdr(host) -m beg {BLOCKED} }}
  default_backend gone
backend gone
  server one 127.0.0.1:{self.closed}
""",
        )
        return [find("haproxy"), "-db", "-f", str(config)]


class PlainProxyPy(Program):
    def command(self) -> list[str]:
        return [
            sys.executable, "-W", "ignore", "-m", "proxy",
            "--hostname", "127.0.0.1", "--port", str(self.port),
            "--num-workers", "1", "--num-acceptors", "1",
            "--data-dir", str(self.folder), "--log-level", "e",
        ]  # fmt: skip


class EnvoyForward(Program):
    """A dynamic forward proxy that sends Proxy-Status (RFC 9209)."""

    def command(self) -> list[str]:
        kind = "type.googleapis.com/envoy.extensions."
        cache = {"name": "names", "dns_lookup_family": "V4_ONLY"}
        filters = kind + "filters.http."
        manager = {
            "@type": kind + "filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "front",
            "proxy_status_config": {},
            "http_filters": [
                {
                    "name": "envoy.filters.http.dynamic_forward_proxy",
                    "typed_config": {
                        "@type": filters + "dynamic_forward_proxy.v3.FilterConfig",
                        "dns_cache_config": cache,
                    },
                },
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {"@type": filters + "router.v3.Router"},
                },
            ],
            "upgrade_configs": [{"upgrade_type": "CONNECT"}],
            "route_config": {
                "virtual_hosts": [{
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{
                        "match": {"connect_matcher": {}},
                        "route": {
                            "cluster": "everywhere",
                            "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
                        },
                    }],
                }],
            },
        }  # fmt: skip
        listener = {
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": self.port}},
            "filter_chains": [{
                "filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": manager,
                }],
            }],
        }  # fmt: skip
        cluster = {
            "name": "everywhere",
            "connect_timeout": "1s",
            "lb_policy": "CLUSTER_PROVIDED",
            "cluster_type": {
                "name": "envoy.clusters.dynamic_forward_proxy",
                "typed_config": {
                    "@type": kind + "clusters.dynamic_forward_proxy.v3.ClusterConfig",
                    "dns_cache_config": cache,
                },
            },
        }
        config = {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
        path = self.write("envoy.json", json.dumps(config))
        import envoy

        program = Path(envoy.__file__).parent / "_bin" / "envoy"
        return [str(program), "-c", str(path), "--disable-hot-restart", "--concurrency", "1"]


class PlainMitmdump(Program):
    def command(self) -> list[str]:
        from detector.lab.mitmdump import mitmdump_path

        return [
            mitmdump_path(), "-q", "--set", f"confdir={self.folder}",
            "--listen-host", "127.0.0.1", "--listen-port", str(self.port),
        ]  # fmt: skip


class Cntlm(Program):
    """Logs in by NTLM to the proxy on another port, and asks nobody for anything."""

    def __init__(self, folder: Path, parent: int) -> None:
        super().__init__(folder)
        self.parent = parent

    def command(self) -> list[str]:
        config = self.write(
            "cntlm.conf",
            f"""
Username {USER}
Domain example
Password {PASSWORD.replace(" ", "")}
Auth NTLM
Proxy 127.0.0.1:{self.parent}
Listen 127.0.0.1:{self.port}
""",
        )
        return [find("cntlm"), "-f", "-c", str(config)]


class Microsocks(Program):
    """SOCKS5; with a login where `login` says so."""

    def __init__(self, folder: Path, *, login: bool = False) -> None:
        super().__init__(folder)
        self.login = login

    def command(self) -> list[str]:
        known = ["-u", USER, "-P", PASSWORD] if self.login else []
        return [find("microsocks"), "-i", "127.0.0.1", "-p", str(self.port), *known]


class Danted(Program):
    """SOCKS5 with rules."""

    def command(self) -> list[str]:
        config = self.write(
            "danted.conf",
            f"""
logoutput: {self.folder}/danted.log
internal: 127.0.0.1 port = {self.port}
external: lo
clientmethod: none
socksmethod: none
timeout.connect: 1
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks block {{ from: 0.0.0.0/0 to: 127.0.0.9/32 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
""",
        )
        return [find("danted"), "-f", str(config), "-p", str(self.folder / "danted.pid")]
