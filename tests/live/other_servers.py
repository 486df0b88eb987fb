"""Servers of other people that are no web servers, or speak TLS by other libraries, each with a good credential."""

from __future__ import annotations

import subprocess

from tests.live.programs import find, readable_by_all
from tests.live.servers import HaproxyServer, NginxServer, TlsServer

_MBEDTLS = r"""
#include <stdlib.h>
#include <string.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

int main(int argc, char **argv) { /* port, chain, key */
  mbedtls_net_context listening, client;
  mbedtls_ssl_context tls;
  mbedtls_ssl_config config;
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context chance;
  mbedtls_x509_crt chain;
  mbedtls_pk_context key;
  mbedtls_net_init(&listening);
  mbedtls_net_init(&client);
  mbedtls_ssl_init(&tls);
  mbedtls_ssl_config_init(&config);
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&chance);
  mbedtls_x509_crt_init(&chain);
  mbedtls_pk_init(&key);
  if (argc != 4 || mbedtls_ctr_drbg_seed(&chance, mbedtls_entropy_func, &entropy, NULL, 0)
      || mbedtls_x509_crt_parse_file(&chain, argv[2]) || mbedtls_pk_parse_keyfile(&key, argv[3], NULL)
      || mbedtls_net_bind(&listening, "127.0.0.1", argv[1], MBEDTLS_NET_PROTO_TCP)
      || mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                     MBEDTLS_SSL_PRESET_DEFAULT))
    return 1;
  mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &chance);
  if (mbedtls_ssl_conf_own_cert(&config, &chain, &key) || mbedtls_ssl_setup(&tls, &config)) return 1;
  for (;;) {
    unsigned char asked[1024];
    int result;
    mbedtls_net_free(&client);
    mbedtls_ssl_session_reset(&tls);
    if (mbedtls_net_accept(&listening, &client, NULL, 0, NULL)) continue;
    mbedtls_ssl_set_bio(&tls, &client, mbedtls_net_send, mbedtls_net_recv, NULL);
    do result = mbedtls_ssl_handshake(&tls);
    while (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE);
    if (result) continue;
    if (mbedtls_ssl_read(&tls, asked, sizeof asked) > 0)
      mbedtls_ssl_write(&tls, (const unsigned char *) ANSWER, sizeof ANSWER - 1);
    mbedtls_ssl_close_notify(&tls);
  }
}
"""


class MbedtlsServer(TlsServer):
    """A server on Debian's mbedTLS, which takes one connection after the other."""

    def command(self) -> list[str]:
        source, program = self.folder / "serve.c", self.folder / "serve"
        source.write_text(_MBEDTLS)
        libraries = ("-lmbedtls", "-lmbedx509", "-lmbedcrypto")
        subprocess.run([find("gcc"), str(source), "-o", str(program), *libraries], check=True)
        return [str(program), str(self.port), f"{self.shown}.chain.pem", f"{self.shown}.key.pem"]


class RedisServer(TlsServer):
    """Its settings are the value of tls-auth-clients."""

    def command(self) -> list[str]:
        return [
            find("redis-server"), "--port", "0", "--tls-port", str(self.port), "--bind", "127.0.0.1",
            "--save", "", "--tls-cert-file", f"{self.shown}.chain.pem",
            "--tls-key-file", f"{self.shown}.key.pem",
            "--tls-ca-cert-file", str(self.folder / "clients.pem"),
            "--tls-auth-clients", self.settings or "no",
        ]  # fmt: skip


class SlapdServer(TlsServer):
    """OpenLDAP over GnuTLS; its settings are the value of TLSVerifyClient."""

    def command(self) -> list[str]:
        database = self.folder / "database"
        database.mkdir(exist_ok=True)
        config = self.write(
            "slapd.conf",
            f"""
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile {self.folder}/clients.pem
TLSCertificateFile {self.shown}.chain.pem
TLSCertificateKeyFile {self.shown}.key.pem
TLSVerifyClient {self.settings or "never"}
database mdb
suffix dc=lab
directory {database}
""",
        )
        readable_by_all(self.folder)
        where = f"ldaps://127.0.0.1:{self.port}/"
        return [find("slapd"), "-d", "0", "-f", str(config), "-h", where]


class NodeHttp2Server(TlsServer):
    """Node's http2.createSecureServer, which serves nobody who does not speak HTTP/2."""

    def command(self) -> list[str]:
        script = self.write(
            "serve.js",
            f"""
const http2 = require("http2"), fs = require("fs");
http2.createSecureServer(
  {{ cert: fs.readFileSync("{self.shown}.chain.pem"), key: fs.readFileSync("{self.shown}.key.pem") }},
  (request, response) => response.end("ok"),
).listen({self.port}, "127.0.0.1");
""",
        )
        return [find("node"), str(script)]


class HaproxyBackend(HaproxyServer):
    """HAProxy that takes nobody without a PROXY header."""

    _FLAGS = (*HaproxyServer._FLAGS, "accept-proxy")

    def lines(self) -> str:
        return f"{super().lines()} accept-proxy"


class NginxBackend(NginxServer):
    """nginx that takes nobody without a PROXY header."""

    defaults = NginxServer.defaults.replace(" ssl;", " ssl proxy_protocol;")
