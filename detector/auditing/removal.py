"""How to be rid of a root, store by store. Pure: what is done is done by `detector.runs.trust_remove`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import shlex
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from detector.auditing.model import Place, Root, Setting, Survey

Way = Literal["delete", "cut", "refresh", "command", "line", "tell"]
_LINES = (
    "env:",
    "npmrc:",
    "curlrc:",
    "wgetrc:",
    "pip:",
    "git:",
    "yarnrc:",
    "ldaprc:",
    "my.cnf:",
    "aws:",
)


class RemovalStep(msgspec.Struct, frozen=True):
    """One step.

    Attributes:
        way: delete a file, cut the certificate out of one, refresh what is made of others, run a command, take a line
            out, or only tell a person.
        path: the store, or the file.
        text: the command, or what there is to do, for a person.
        command: as it is run.
        line: the line that is taken out.

    """

    way: Way
    path: str
    text: str
    command: tuple[str, ...] = ()
    line: int = 0


def places_of(survey: Survey, sha256: str) -> list[tuple[Place, Root]]:
    """Every store that trusts it, with its entry."""
    return [
        (place, root)
        for place in survey.places
        for root in place.roots
        if root.certificate.sha256 == sha256
    ]


def removal_steps(
    survey: Survey, sha256: str, anchors: Sequence[Place], below: str = "/"
) -> list[RemovalStep]:
    """In the order in which they are to be done: sources before what is made of them.

    `anchors` are files that an administrator put where the system takes roots from; `below` is where the file system begins.
    """
    steps = [
        RemovalStep(
            "cut", place.path, f"take it out of {place.path}; remove the file if nothing is left"
        )
        for place in anchors
        if any(root.certificate.sha256 == sha256 for root in place.roots)
    ]
    held = places_of(survey, sha256)
    if steps or any(place.kind == "os" for place, _ in held):
        inside = "" if below == "/" else f"chroot {shlex.quote(below)} "
        text = f"sudo {inside}update-ca-certificates --fresh  (Debian)  or  sudo {inside}update-ca-trust  (Fedora, Arch)"
        steps.append(RemovalStep("refresh", "", text))
    for place, root in held:
        steps += _of_place(place, root)
    cut = {place.path for place, _ in held if place.kind == "file"}
    steps += _of_settings(survey.settings, sha256, cut)
    # Lines from the end of a file, so that the others keep their numbers.
    return sorted(
        dict.fromkeys(steps), key=lambda step: -step.line if step.way == "line" else -(1 << 30)
    )


def others_to_look_at(settings: Sequence[Setting]) -> tuple[Setting, ...]:
    """What an interceptor brings along with its root: proxies, and policies that let it in."""
    return tuple(
        setting
        for setting in settings
        if "proxy" in setting.key.casefold()
        or setting.key.endswith(("ImportEnterpriseRoots", "enterprise_roots.enabled"))
    )


def _of_place(place: Place, root: Root) -> Iterator[RemovalStep]:
    sha1 = root.certificate.sha1.upper()
    alias = root.alias
    if place.kind == "nss":
        folder = place.path.rpartition("/")[0]
        command = ("certutil", "-D", "-d", f"sql:{folder}", "-n", alias)
        yield RemovalStep("command", place.path, shlex.join(command), command)
    elif place.kind == "java":
        command = ("keytool", "-delete", "-alias", alias, "-keystore", place.path)
        yield RemovalStep("command", place.path, shlex.join(command), command)
    elif place.kind == "windows":
        store = place.path.split()[1]
        yield RemovalStep("tell", place.path, f"certutil -delstore {store} {sha1}")
    elif place.kind == "macos":
        command = ("sudo", "security", "delete-certificate", "-Z", sha1, place.path)
        yield RemovalStep("tell", place.path, shlex.join(command))
    elif place.kind == "node":
        yield RemovalStep("tell", place.path, "it is built into node: install another build of it")
    elif place.kind == "python":
        name = place.path.rpartition("/")[0].rpartition("/")[2]
        text = f"take it out of {place.path}, or: pip install --force-reinstall {name}"
        yield RemovalStep("cut", place.path, text)
    else:
        yield RemovalStep("cut", place.path, f"take it out of {place.path}")


def _of_settings(settings: Sequence[Setting], sha256: str, cut: set[str]) -> Iterator[RemovalStep]:
    for setting in settings:
        name = setting.key.partition(":")[2]
        if setting.names in cut:
            if setting.where == "environment":
                yield RemovalStep("tell", "environment", f"unset {name}")
            elif setting.line is not None and setting.key.startswith(_LINES):
                text = (
                    f"where nothing is left in {setting.names}: take out {name} in {setting.place}"
                )
                yield RemovalStep("line", setting.where, text, line=setting.line)
            else:
                text = f"take {setting.names} out of {name} in {setting.place}"
                yield RemovalStep("tell", setting.where, text)
        elif _is_in(setting.value, sha256):
            yield RemovalStep("tell", setting.where, f"take it out of {name} in {setting.place}")


def _is_in(value: str, sha256: str) -> bool:
    """Whether a value is that certificate, in base64 of DER or of PEM (browser policies, kubeconfig)."""
    if len(value) < 200:
        return False
    try:
        data = base64.b64decode("".join(value.split()), validate=True)
    except (ValueError, binascii.Error):
        return False
    if data[:1] != b"\x30":
        body = data.partition(b"-----BEGIN CERTIFICATE-----")[2].partition(b"-----END")[0]
        try:
            data = base64.b64decode(b"".join(body.split()))
        except (ValueError, binascii.Error):
            return False
    return hashlib.sha256(data).hexdigest() == sha256
