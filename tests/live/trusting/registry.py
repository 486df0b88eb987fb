"""What a registry answers: just enough of each protocol for a client to be content."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from base64 import b64encode
from collections.abc import Callable

Answer = tuple[int, dict[str, str], bytes]
_SHA1 = "8" * 40
_STS = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::1:user/lab</Arn><UserId>A</UserId><Account>1</Account></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)


def answer(path: str, base: str) -> Answer:
    """The answer to a request.

    Args:
        path: what is asked for, without a query.
        base: scheme and authority that the client used, for links back.

    """
    path = path.removeprefix("/lab") if path.startswith("/lab/tiny.git") else path
    for start, found in _PATHS.items():
        if path.startswith(start):
            return found(path, base)
    return _ok("ok\n", "text/plain")


def _ok(body: str | bytes, kind: str = "application/json", **headers: str) -> Answer:
    raw = body.encode() if isinstance(body, str) else body
    return 200, {"Content-Type": kind, **headers}, raw


def _pypi(path: str, base: str) -> Answer:
    name = path.rstrip("/").rpartition("/")[2]
    digest = hashlib.sha256(wheel()).hexdigest()
    link = f'<a href="{base}/files/tiny-1.0-py3-none-any.whl#sha256={digest}">tiny-1.0-py3-none-any.whl</a>'
    if name != "tiny":
        return 404, {}, b"not here"
    return _ok(f"<!DOCTYPE html><html><body>{link}</body></html>", "text/html")


def _wheel(path: str, base: str) -> Answer:
    return _ok(wheel(), "application/zip")


def wheel() -> bytes:
    """A wheel with one empty module; the same bytes at every call."""
    files = {
        "tiny.py": "",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files["tiny-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files)
    return _zip(files)


def _zip(files: dict[str, str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return held.getvalue()


def _npm(path: str, base: str) -> Answer:
    if path.endswith(".tgz"):
        return _ok(_tarball(), "application/octet-stream")
    integrity = "sha512-" + b64encode(hashlib.sha512(_tarball()).digest()).decode()
    version = {
        "name": "tiny", "version": "1.0.0",
        "dist": {"tarball": f"{base}/tiny/-/tiny-1.0.0.tgz", "integrity": integrity},
    }  # fmt: skip
    return _ok(
        json.dumps(
            {"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        )
    )


def _tarball() -> bytes:
    held = io.BytesIO()
    text = b'{"name": "tiny", "version": "1.0.0"}'
    with tarfile.open(fileobj=held, mode="w") as archive:
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return gzip.compress(held.getvalue(), mtime=0)


def _cargo(path: str, base: str) -> Answer:
    if path.endswith("config.json"):
        return _ok(json.dumps({"dl": f"{base}/crates", "api": base}))
    if not path.endswith("/tiny"):
        return 404, {}, b""
    version = {
        "name": "tiny",
        "vers": "1.0.0",
        "deps": [],
        "cksum": "0" * 64,
        "features": {},
        "yanked": False,
    }
    return _ok(json.dumps(version) + "\n", "text/plain")


def _terraform(path: str, base: str) -> Answer:
    if path.endswith("/versions"):
        return _ok(json.dumps({"modules": [{"versions": [{"version": "1.0.0"}]}]}))
    if path.endswith("/download"):
        return 204, {"X-Terraform-Get": f"{base}/terraform/module.zip"}, b""
    return _ok(_zip({"main.tf": ""}), "application/zip")


def _maven(path: str, base: str) -> Answer:
    pom = (
        "<project><modelVersion>4.0.0</modelVersion><groupId>lab</groupId><artifactId>tiny</artifactId>"
        "<version>1</version><packaging>pom</packaging></project>"
    )
    if path.endswith(".sha1"):
        return _ok(hashlib.sha1(pom.encode()).hexdigest(), "text/plain")
    return _ok(pom, "text/xml") if path.endswith("tiny-1.pom") else (404, {}, b"")


def _packagist(path: str, base: str) -> Answer:
    package = {"name": "lab/tiny", "version": "1.0.0", "type": "metapackage"}
    return _ok(json.dumps({"packages": {"lab/tiny": {"1.0.0": package}}}))


def _docker(path: str, base: str) -> Answer:
    tags = {"name": "lab/tiny", "tags": ["latest"]} if path.endswith("/tags/list") else {}
    return _ok(json.dumps(tags), **{"Docker-Distribution-Api-Version": "registry/2.0"})


def _fixed(body: str | bytes, kind: str = "application/json") -> Callable[[str, str], Answer]:
    return lambda path, base: _ok(body, kind)


_PODS = {
    "name": "pods",
    "singularName": "pod",
    "namespaced": True,
    "kind": "Pod",
    "verbs": ["get", "list"],
}
# Marshal's empty list, for RubyGems.
_NO_SPECS = gzip.compress(b"\x04\x08[\x00", mtime=0)
_PATHS: dict[str, Callable[[str, str], Answer]] = {
    "/simple/": _pypi,
    "/files/": _wheel,
    "/tiny/-/": _npm,
    "/-/ping": _fixed("{}"),
    "/tiny.git/info/refs": _fixed(f"{_SHA1}\trefs/heads/main\n", "text/plain"),
    "/tiny.git/HEAD": _fixed("ref: refs/heads/main\n", "text/plain"),
    "/tiny": _npm,
    "/index/": _cargo,
    "/config.json": _cargo,
    "/ti/ny/": _cargo,
    "/api/v1/crates": _fixed('{"crates": [], "meta": {"total": 0}}'),
    "/example.com/tiny/@v/list": _fixed("v1.0.0\n", "text/plain"),
    "/example.com/tiny/@v/v1.0.0.info": _fixed('{"Version": "v1.0.0"}'),
    "/example.com/tiny/@v/v1.0.0.mod": _fixed("module example.com/tiny\n", "text/plain"),
    "/.well-known/terraform.json": _fixed('{"modules.v1": "/terraform/"}'),
    "/terraform/": _terraform,
    "/maven": _maven,
    "/packages.json": _packagist,
    "/v2/": _docker,
    "/api/v1/namespaces/": _fixed(
        '{"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []}'
    ),
    "/api/v1": _fixed(
        json.dumps({"kind": "APIResourceList", "groupVersion": "v1", "resources": [_PODS]})
    ),
    "/apis": _fixed('{"kind": "APIGroupList", "apiVersion": "v1", "groups": []}'),
    "/api": _fixed('{"kind": "APIVersions", "versions": ["v1"]}'),
    "/versions": _fixed("created_at: 2026-01-01T00:00:00Z\n---\ntiny 1.0 0\n", "text/plain"),
    "/info/tiny": _fixed("---\n1.0 |checksum:0\n", "text/plain"),
    "/specs.4.8.gz": _fixed(_NO_SPECS, "application/x-gzip"),
    "/version": _fixed('{"major": "1", "minor": "30", "gitVersion": "v1.30.0"}'),
    "/sts": _fixed(_STS, "text/xml"),
}
