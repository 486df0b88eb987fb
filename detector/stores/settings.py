"""Variables and configuration files that redirect trust, or turn it off."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path
from typing import Any

from detector.auditing.model import Setting
from detector.bounded import read_regular
from detector.stores.programs import output
from detector.stores.reading import existing, inside

_FILES = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO", "AWS_CA_BUNDLE", "PIP_CERT", "npm_config_cafile", "DENO_CERT",
    "CARGO_HTTP_CAINFO", "NIX_SSL_CERT_FILE", "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "HTTPLIB2_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "BUNDLE_SSL_CA_CERT",
)  # fmt: skip
_OTHERS = (
    "SSL_CERT_DIR", "SSLKEYLOGFILE", "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY",
    "GIT_SSL_NO_VERIFY", "CONDA_SSL_VERIFY", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY",
    "http_proxy", "ALL_PROXY", "all_proxy",
)  # fmt: skip
_JAVA_OPTIONS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "MAVEN_OPTS")
_TRUST_STORE = re.compile(r"-Djavax\.net\.ssl\.trustStore=(\"[^\"]*\"|\S+)")
# Keys whose values are files or folders.
_PATHS = frozenset(
    (*(f"env:{name}" for name in _FILES), "npmrc:cafile", "git:http.sslcainfo", "pip:global.cert",
     "curlrc:cacert", "wgetrc:ca_certificate", "java:javax.net.ssl.trustStore",
     "apt:acquire::https::cainfo", "docker:certs.d", "firefox:Certificates.Install")
)  # fmt: skip
_MAX = 1 << 20


def read_settings(
    root: Path, homes: Iterable[Path], environment: Mapping[str, str]
) -> tuple[Setting, ...]:
    """Everything that is set, the environment first."""
    users = list(homes)
    found = list(_environment(environment, "environment"))
    found += _environment(_etc_environment(root), str(root / "etc/environment"))
    found += _simple(root, "npmrc", ("cafile", "strict-ssl"), _npmrcs(root, users))
    found += _pip(root, users)
    found += _simple(root, "condarc", ("ssl_verify",), [home / ".condarc" for home in users])
    found += _simple(root, "curlrc", ("cacert", "insecure"), [home / ".curlrc" for home in users])
    wgetrcs = [root / "etc/wgetrc", *(home / ".wgetrc" for home in users)]
    found += _simple(root, "wgetrc", ("ca_certificate", "check_certificate"), wgetrcs)
    if root == Path("/"):
        found += _git()
        found += _apt()
    found += _docker(root)
    found += _firefox(root)
    return tuple(_checked(setting, root) for setting in found)


def is_file_of_roots(setting: Setting) -> bool:
    """Whether the setting names certificates to read as a place of its own."""
    return setting.key in _PATHS and not setting.missing and bool(setting.value)


def _environment(variables: Mapping[str, str], where: str) -> Iterator[Setting]:
    for name in (*_FILES, *_OTHERS):
        if variables.get(name):
            yield Setting(f"env:{name}", variables[name], where)
    for name in _JAVA_OPTIONS:
        store = _TRUST_STORE.search(variables.get(name, ""))
        if store:
            value = store[1].strip('"')
            yield Setting("java:javax.net.ssl.trustStore", value, f"{where}, {name}")


def _etc_environment(root: Path) -> dict[str, str]:
    """PAM's file of variables for everybody."""
    rows = (line.partition("=") for line in _lines(root, root / "etc/environment"))
    return {
        name.removeprefix("export ").strip(): value.strip().strip("\"'")
        for name, equals, value in rows
        if equals
    }


def _npmrcs(root: Path, homes: list[Path]) -> list[Path]:
    system = ("etc/npmrc", "usr/etc/npmrc", "usr/local/etc/npmrc")
    return [*(home / ".npmrc" for home in homes), *(root / name for name in system)]


def _simple(
    root: Path, kind: str, names: tuple[str, ...], files: Iterable[Path]
) -> Iterator[Setting]:
    """Files of `name = value`, `name: value` or a bare `name`, one a line."""
    for path in files:
        for line in _lines(root, path):
            name, mark, value = re.match(r"\s*-*([^\s=:]*)\s*([=:]?)\s*(.*)", line).groups()  # type: ignore[union-attr]
            if name.casefold() in names:
                yield Setting(f"{kind}:{name.casefold()}", value.strip().strip("\"'"), str(path))
            elif not mark and line.strip().lstrip("-").casefold() in names:
                yield Setting(f"{kind}:{line.strip().lstrip('-').casefold()}", "", str(path))


def _pip(root: Path, homes: list[Path]) -> Iterator[Setting]:
    users = (home / name for home in homes for name in (".config/pip/pip.conf", ".pip/pip.conf"))
    for path in (*users, root / "etc/pip.conf"):
        parser = ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string("\n".join(_lines(root, path)))
        except ConfigParserError:
            continue
        for name in ("cert", "trusted-host"):
            value = parser.get("global", name, fallback="")
            if value:
                yield Setting(f"pip:global.{name}", value, str(path))


def _git() -> Iterator[Setting]:
    """As git itself resolves its files, whose own the current folder's are not."""
    git = shutil.which("git")
    for scope in ("--global", "--system") if git else ():
        listed = output([str(git), "config", scope, "--list", "--show-origin", "-z"])
        parts = (listed or b"").decode("utf-8", errors="replace").split("\0")
        for origin, entry in zip(parts[::2], parts[1::2], strict=False):
            name, _, value = entry.partition("\n")
            # http.<url>.sslverify counts like http.sslverify
            key = re.sub(r"^http\..*\.(sslverify|sslcainfo)$", r"http.\1", name.lower())
            if key in ("http.sslverify", "http.sslcainfo"):
                yield Setting(f"git:{key}", value, origin.removeprefix("file:"))


def _apt() -> Iterator[Setting]:
    listed = output(["apt-config", "dump"]) if shutil.which("apt-config") else None
    for line in (listed or b"").decode("utf-8", errors="replace").splitlines():
        name, _, value = line.partition(" ")
        if name.casefold() in ("acquire::https::cainfo", "acquire::https::verify-peer"):
            yield Setting(f"apt:{name.casefold()}", value.strip('";'), "apt.conf")


def _docker(root: Path) -> Iterator[Setting]:
    for path in sorted((root / "etc/docker/certs.d").glob("*/*.crt")):
        yield Setting("docker:certs.d", str(path), str(path.parent))


def _firefox(root: Path) -> Iterator[Setting]:
    """Enterprise policies (mozilla.github.io/policy-templates, Certificates)."""
    system = ("etc/firefox/policies/policies.json",)
    patterns = ("usr/lib/firefox*/distribution/policies.json", "opt/firefox/distribution/*.json")
    files = [*(root / name for name in system), *(p for g in patterns for p in root.glob(g))]
    for path in files:
        certificates: Any = _json(root, path)
        for key in ("policies", "Certificates", "Install"):
            certificates = certificates.get(key) if isinstance(certificates, dict) else None
        for name in certificates if isinstance(certificates, list) else ():
            yield Setting("firefox:Certificates.Install", str(name), str(path))


def _checked(setting: Setting, root: Path) -> Setting:
    """Says whether what a setting names is there; another machine's files are below `root`."""
    if setting.key == "condarc:ssl_verify" or setting.key not in _PATHS | {"env:SSL_CERT_DIR"}:
        return setting
    parts = setting.value.split(":") if setting.key == "env:SSL_CERT_DIR" else [setting.value]
    there = [existing(root, part) is not None for part in parts if part]
    if any(there) or (setting.key.startswith("firefox:") and "/" not in setting.value):
        return setting
    return Setting(setting.key, setting.value, setting.where, missing=True)


def _lines(root: Path, path: Path) -> list[str]:
    try:
        text = read_regular(inside(root, path), _MAX).decode("utf-8", errors="replace")
    except OSError:
        return []
    lines = (line.rstrip("\r") for line in text.split("\n"))
    return [line for line in lines if line.strip() and not line.lstrip().startswith(("#", ";"))]


def _json(root: Path, path: Path) -> Any:
    try:
        return json.loads(read_regular(inside(root, path), _MAX))
    except (OSError, ValueError, RecursionError):
        return None
