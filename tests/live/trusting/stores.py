"""Three CAs, and the forms in which programs take them: files, hashed folders, Java's stores, the system's folder."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

from detector.lab.pki import Authority
from tests.live.programs import find

# Who signs: "asked" is the CA that a setting is to bring in, "system" the one that the system's store holds.
ASKED, SYSTEM = "asked", "system"


class Stores:
    """All files of one test run, below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._authorities = {
            name: Authority(f"{name} CA", organization="Lab", profile=False)
            for name in (ASKED, SYSTEM)
        }
        for name, authority in self._authorities.items():
            (folder / f"{name}.pem").write_text(authority.pem)
            self.hashed(name).mkdir()
            shutil.copy(self.file(name), self.hashed(name))
            self._rehash(self.hashed(name))
            self._keystore(folder / f"{name}.jks", folder / f"{name}.pem")
        bundle = self.file(SYSTEM).read_text() + self.file(ASKED).read_text()
        (folder / "bundle.pem").write_text(bundle)
        self.bundle = folder / "bundle.pem"
        self.contexts = {name: self._context(name) for name in self._authorities}
        # Each stands in the place of /etc/ssl/certs. Debian's has hashed names beside the bundle: with them OpenSSL goes on
        # trusting the system whatever SSL_CERT_FILE says, so that most runs do without.
        self.system = self._system(folder / "system")
        self.system_hashed = self._system(folder / "system-hashed")
        self._rehash(self.system_hashed)

    def _system(self, folder: Path) -> Path:
        (folder / "java").mkdir(parents=True)
        shutil.copy(self.file(SYSTEM), folder / "ca-certificates.crt")
        shutil.copy(self.file(SYSTEM), folder / "system.pem")
        # Terraform wants a point in a registry's name.
        (folder / "hosts").write_text("127.0.0.1 localhost lab.example\n")
        shutil.copy(self.store(SYSTEM), folder / "java/cacerts")
        return folder

    def bring(self, ca: Path) -> None:
        """Takes another CA for the one that is asked for."""
        shutil.copy(ca, self.file(ASKED))
        self.bundle.write_text(self.file(SYSTEM).read_text() + self.file(ASKED).read_text())

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def hashed(self, name: str) -> Path:
        return self.folder / f"{name}.folder"

    def store(self, name: str) -> Path:
        return self.folder / f"{name}.jks"

    def _context(self, name: str) -> ssl.SSLContext:
        leaf = self._authorities[name].issue("localhost", "127.0.0.1", "lab.example")
        path = leaf.write(self.folder / f"{name}-server.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    @staticmethod
    def _rehash(folder: Path) -> None:
        subprocess.run(
            [find("openssl"), "rehash", str(folder)], check=True, capture_output=True, timeout=30
        )

    @staticmethod
    def _keystore(path: Path, pem: Path) -> None:
        subprocess.run(
            [
                find("keytool"), "-importcert", "-noprompt", "-storetype", "JKS", "-keystore", str(path), "-storepass", "changeit",
                "-alias", "ca", "-file", str(pem),
            ],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
