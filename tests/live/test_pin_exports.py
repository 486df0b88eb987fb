"""Exported pins in their real consumers: the good server passes, the forged one does not.

The forged leaf is trusted by each consumer's CA store: only the pin tells the two apart.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from detector.chain.certificate import Certificate
from detector.knowledge.pins import base64_digest
from detector.known.hosts import HostPattern
from detector.known.knowledge import Pin
from detector.lab.origin import Origin
from detector.lab.pki import Authority, LabPki
from detector.pinning.export import export
from tests.cli.conftest import running
from tests.live.programs import Program, find

pytestmark = pytest.mark.live
HOST = "a.com"


class World:
    """A pinned leaf, and a forged one that a second trusted root vouches for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pki = LabPki()
        self.gateway = Authority("Trusted Gateway")
        self.good = self.pki.issue(HOST)
        self.forged = self.gateway.issue(HOST)
        (folder / "both.pem").write_text(self.pki.root.pem + self.gateway.pem)
        (folder / "a.com.pem").write_text(self.pki.root.pem)
        pin = Pin(HostPattern(HOST), (Certificate(self.good.der).spki_sha256,))
        self.pins = (pin,)

    def exported(self, form: str, name: str) -> Path:
        path = self.folder / name
        path.write_text(export(self.pins, form, base64_digest).text)
        return path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def ports(world: World) -> Iterator[dict[str, int]]:
    with running(Origin({HOST: world.good})) as good, running(Origin({HOST: world.forged})) as bad:
        yield {"good": good.port, "forged": bad.port}


def test_curl_refuses_the_forged_key(world: World, ports: dict[str, int]) -> None:
    config = world.exported("curl", "pins.curl")

    def curl(which: str, *words: str) -> int:
        command = [
            find("curl"), "-sS", "-o", "/dev/null", "--noproxy", "*",
            "--cacert", str(world.folder / "both.pem"),
            "--connect-to", f"{HOST}:443:127.0.0.1:{ports[which]}", *words,
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, timeout=60).returncode

    assert curl("forged", f"https://{HOST}/") == 0  # trusted without the pin
    assert curl("good", "-K", str(config)) == 0
    assert curl("forged", "-K", str(config)) == 90  # CURLE_SSL_PINNEDPUBKEYNOTMATCH


def test_python_refuses_the_forged_key(world: World, ports: dict[str, int]) -> None:
    module = world.exported("python", "pinned.py")
    script = (
        "import ssl, sys, pinned\n"
        "context = ssl.create_default_context(cafile='both.pem')\n"
        f"pinned.connect('{HOST}', address=('127.0.0.1', int(sys.argv[1])), context=context)\n"
        "print('connected')\n"
    )

    def python(which: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, str(ports[which])],
            cwd=module.parent, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout + done.stderr

    assert python("good") == "connected\n"
    assert "none of the pinned keys was shown" in python("forged")


_JAVA = """
import java.io.FileInputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import java.security.cert.*;
import java.util.Collections;
import javax.net.ssl.*;
import okhttp3.*;

public class Pinned {
  public static void main(String[] args) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    int n = 0;
    for (Certificate c : CertificateFactory.getInstance("X.509")
        .generateCertificates(new FileInputStream(args[0])))
      store.setCertificateEntry("c" + n++, c);
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, factory.getTrustManagers(), null);
    @PINS@
    OkHttpClient.Builder client = new OkHttpClient.Builder()
        .proxy(java.net.Proxy.NO_PROXY)
        .dns(host -> Collections.singletonList(InetAddress.getByName("127.0.0.1")))
        .sslSocketFactory(context.getSocketFactory(), (X509TrustManager) factory.getTrustManagers()[0]);
    if (args.length > 2) client.certificatePinner(pins);
    Request request = new Request.Builder().url("https://a.com:" + args[1] + "/").build();
    try (Response response = client.build().newCall(request).execute()) {
      System.out.println("answered " + response.code());
    } catch (SSLPeerUnverifiedException refused) {
      System.out.println(refused.getMessage().split("\\n")[0]);
    }
    System.exit(0);
  }
}
"""


def test_okhttp_refuses_the_forged_key(world: World, ports: dict[str, int]) -> None:
    pins = world.exported("okhttp", "pins.java").read_text()
    source = world.folder / "Pinned.java"
    source.write_text(_JAVA.replace("@PINS@", pins))
    jars = ":".join(f"/usr/share/java/{name}.jar" for name in ("okhttp", "okio"))
    find("javac")
    subprocess.run(
        [find("javac"), "-cp", jars, str(source)], check=True, capture_output=True, timeout=100
    )

    def java(which: str, *words: str) -> str:
        done = subprocess.run(
            [find("java"), "-cp", f"{jars}:{world.folder}", "Pinned",
             str(world.folder / "both.pem"), str(ports[which]), *words],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout + done.stderr

    assert java("forged") == "answered 200\n"
    assert java("good", "pinned") == "answered 200\n"
    assert "Certificate pinning failure!" in java("forged", "pinned")


class Upstream(Program):
    """Nginx in front of an upstream, with the exported location."""

    def __init__(self, folder: Path, location: str) -> None:
        super().__init__(folder)
        self.location = location

    def command(self) -> list[str]:
        path = self.folder / "nginx.conf"
        path.write_text(
            f"daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;\n"
            "events {}\nhttp { access_log off; "
            f"server {{ listen 127.0.0.1:{self.port};\n{self.location} }} }}\n"
        )
        return [find("nginx"), "-c", str(path), "-p", str(self.folder)]


def test_nginx_refuses_an_upstream_under_another_ca(world: World, ports: dict[str, int]) -> None:
    location = world.exported("nginx-upstream", "pins.conf").read_text()
    location = location.replace("a.com.pem", str(world.folder / "a.com.pem"))

    def status(which: str) -> int:
        there = location.replace(f"https://{HOST};", f"https://127.0.0.1:{ports[which]};")
        with Upstream(world.folder / which, there) as nginx:
            try:
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with opener.open(f"http://127.0.0.1:{nginx.port}/", timeout=60) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

    assert status("good") == 200
    assert status("forged") == 502
