"""Copies of certifi and its like in Python's environments; and conda's bundles."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from detector.auditing.model import Place
from detector.stores.reading import inside, modified, pem_place

_COPIES = (
    ("certifi/cacert.pem", "requests, httpx and others"),
    ("pip/_vendor/certifi/cacert.pem", "pip"),
    ("botocore/cacert.pem", "AWS CLI, boto3"),
    ("httplib2/cacerts.txt", "httplib2"),
    ("grpc/_cython/_credentials/roots.pem", "gRPC"),
)
_SYSTEM = (
    "usr/lib/python3*/site-packages",
    "usr/lib/python3/dist-packages",
    "usr/lib/python3.*/dist-packages",
    "usr/local/lib/python3.*/site-packages",
    "usr/local/lib/python3.*/dist-packages",
    "opt/*/lib/python3.*/site-packages",
    "opt/*/envs/*/lib/python3.*/site-packages",
    "opt/venv/lib/python3.*/site-packages",
)
_BELOW_HOME = (
    ".local/lib/python3.*/site-packages",
    ".pyenv/versions/*/lib/python3.*/site-packages",
    ".local/share/pipx/venvs/*/lib/python3.*/site-packages",
    ".local/share/uv/tools/*/lib/python3.*/site-packages",
    ".virtualenvs/*/lib/python3.*/site-packages",
    "*conda3/lib/python3.*/site-packages",
    "*conda3/envs/*/lib/python3.*/site-packages",
    "miniforge3/lib/python3.*/site-packages",
    "miniforge3/envs/*/lib/python3.*/site-packages",
    "*/.venv/lib/python3.*/site-packages",
    "*/venv/lib/python3.*/site-packages",
)
_CONDA = ("*conda3/ssl/cacert.pem", "*conda3/envs/*/ssl/cacert.pem", "miniforge3/ssl/cacert.pem")


def python_places(root: Path, homes: Iterable[Path], environment: Mapping[str, str]) -> list[Place]:
    """Copies that are there, each file once."""
    folders = [path for pattern in _SYSTEM for path in sorted(root.glob(pattern))]
    bundles: list[tuple[Path, str]] = []
    for home in homes:
        folders += [path for pattern in _BELOW_HOME for path in sorted(home.glob(pattern))]
        bundles += [(path, "conda") for name in _CONDA for path in sorted(home.glob(name))]
    for prefix in (environment.get("VIRTUAL_ENV"), environment.get("CONDA_PREFIX"), _own(root)):
        if prefix:
            folders += sorted(Path(prefix).glob("lib/python3.*/site-packages"))
    bundles += [(folder / name, used_by) for folder in folders for name, used_by in _COPIES]
    files = {inside(root, path): (path, who) for path, who in reversed(bundles)}
    found = sorted((path, who, file) for file, (path, who) in files.items() if file.is_file())
    return [_copy(path, who, file) for path, who, file in found]


def _copy(path: Path, used_by: str, file: Path) -> Place:
    """What `file` holds, under the name that programs open it by."""
    return replace(pem_place("python", file, used_by, modified(file)), path=str(path))


def _own(root: Path) -> str | None:
    """The environment this runs in; another machine's files have none."""
    return sys.prefix if root == Path("/") else None
