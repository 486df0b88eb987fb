"""Real TLS clients, each asked to fetch https://HOST:PORT/ with one root; what they say when it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.live.java import java_command
from tests.live.marionette import read_page
from tests.live.programs import find
from tests.live.waiting import PATIENCE

Client = Callable[[str, int, Path], str]


def said(*command: str, **environment: str) -> str:
    """Everything that a command prints."""
    clean = {
        key: value
        for key, value in os.environ.items()
        if "proxy" not in key.lower() and not key.endswith(("_CA_BUNDLE", "_CAINFO", "_CERT_FILE"))
    }
    done = subprocess.run(
        list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**clean, "LC_ALL": "C", **environment}, timeout=2 * PATIENCE,
    )  # fmt: skip
    return done.stdout.decode(errors="replace")


def curl(host: str, port: int, root: Path) -> str:
    return said(
        find("curl"), "-sS", "-m", "60", "--cacert", str(root), "--resolve",
        f"{host}:{port}:127.0.0.1", f"https://{host}:{port}/",
    )  # fmt: skip


def openssl(host: str, port: int, root: Path) -> str:
    text = said(
        find("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-servername", host,
        "-verify_hostname", host, "-verify_return_error", "-CAfile", str(root), "-brief",
    )  # fmt: skip
    return "\n".join(line for line in text.splitlines() if "verify" in line or "rr" in line)


_PYTHON = """
import socket, ssl, sys
host, port, root = sys.argv[1:]
context = ssl.create_default_context(cafile=root)
raw = socket.create_connection(("127.0.0.1", int(port)), timeout=60)
context.wrap_socket(raw, server_hostname=host)
"""


def python(host: str, port: int, root: Path) -> str:
    return said(sys.executable, "-c", _PYTHON, host, str(port), str(root))


_NODE = """
const [host, port, root] = process.argv.slice(1);
require('https').get({host: '127.0.0.1', port, servername: host, timeout: 60000,
  headers: {host}, ca: require('fs').readFileSync(root)}, r => r.resume());
"""


def node(host: str, port: int, root: Path) -> str:
    return said(find("node"), "-e", _NODE, host, str(port), str(root), NODE_EXTRA_CA_CERTS="")


def wget(host: str, port: int, root: Path) -> str:
    return said(
        find("wget"), "-O", "/dev/null", "-T", "60", "-t", "1", f"--ca-certificate={root}",
        f"https://{host}:{port}/",
    )  # fmt: skip


def git(host: str, port: int, root: Path) -> str:
    return said(
        find("git"), "-c", f"http.sslCAInfo={root}",
        "-c", f"http.curloptResolve={host}:{port}:127.0.0.1",
        "ls-remote", f"https://{host}:{port}/x.git",
    )  # fmt: skip


_JAVA = """
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.*;
import javax.net.ssl.*;

public class Fetch {
  public static void main(String[] args) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    store.setCertificateEntry("root", CertificateFactory.getInstance("X.509")
        .generateCertificate(new FileInputStream(args[2])));
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, factory.getTrustManagers(), null);
    java.net.Socket raw = new java.net.Socket("127.0.0.1", Integer.parseInt(args[1]));
    raw.setSoTimeout(60000);
    SSLSocket tls = (SSLSocket) context.getSocketFactory()
        .createSocket(raw, args[0], Integer.parseInt(args[1]), true);
    SSLParameters parameters = tls.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    tls.setSSLParameters(parameters);
    tls.startHandshake();
  }
}
"""


def java() -> Client:
    def fetch(host: str, port: int, root: Path) -> str:
        return said(*java_command("Fetch", _JAVA), host, str(port), str(root))

    return fetch


def gnutls_cli(host: str, port: int, root: Path) -> str:
    return said(
        find("gnutls-cli"), f"--x509cafile={root}", f"--port={port}", f"--sni-hostname={host}",
        f"--verify-hostname={host}", "127.0.0.1",
    )  # fmt: skip


_GO = """
package main

import (
	"crypto/x509"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	pool := x509.NewCertPool()
	pem, _ := os.ReadFile(os.Args[2])
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	client := &http.Client{Transport: transport, Timeout: 60 * time.Second}
	_, err := client.Get(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
"""


def go(folder: Path) -> Client:
    """The program is compiled once, into `folder`."""
    (folder / "fetch.go").write_text(_GO)
    program = folder / "fetch"
    subprocess.run(
        [find("go"), "build", "-o", str(program), str(folder / "fetch.go")],
        check=True, timeout=120,
        env={**os.environ, "GOCACHE": str(folder / "cache"), "GO111MODULE": "off"},
    )  # fmt: skip

    def fetch(host: str, port: int, root: Path) -> str:
        return said(str(program), f"https://{host}:{port}/", str(root))

    return fetch


def chromium(folder: Path, proxy: str | None = None) -> Client:
    """With the root in the NSS database of a home of its own; through a proxy, host:port, if there is one."""
    way = (f"--proxy-server=http://{proxy}", "--proxy-bypass-list=<-loopback>") if proxy else ()

    def fetch(host: str, port: int, root: Path) -> str:
        home = folder / f"home{port}"
        trust(home / ".pki/nssdb", root)
        text = said(
            find("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", f"--user-data-dir={home / 'profile'}", "--dump-dom", *way,
            f"https://{host}:{port}/", HOME=str(home),
        )  # fmt: skip
        return "\n".join(line for line in text.splitlines() if "Page load failed" in line) or text

    return fetch


def trust(database: Path, root: Path) -> None:
    """A fresh NSS database that trusts `root` for servers."""
    database.mkdir(parents=True, exist_ok=True)
    certutil = find("certutil")
    for words in (
        ["-N", "--empty-password"],
        ["-A", "-n", "lab", "-t", "C,,", "-i", str(root)],
    ):
        subprocess.run([certutil, "-d", f"sql:{database}", *words], check=True, timeout=PATIENCE)


def firefox(folder: Path, proxy: str | None = None) -> Client:
    """A real Firefox, driven over Marionette; the text of the error page is what it says."""

    def fetch(host: str, port: int, root: Path) -> str:
        profile = folder / f"profile{port}"
        trust(profile, root)
        return read_page(profile, f"https://{host}:{port}/", proxy)

    return fetch
