"""A run of `trust remove`: find a root in every place, be rid of it, and look again whether it is gone."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from detector import clock
from detector.auditing.model import Place, Setting, Survey
from detector.auditing.pem_cut import holds_certificate, without_certificate
from detector.auditing.removal import (
    RemovalStep,
    others_to_look_at,
    places_of,
    removal_steps,
)
from detector.bounded import read_whole, real_path
from detector.errors import ConfigError, StoreError
from detector.knowledge.roots import public_roots as certifi_roots
from detector.knowledge.trust_tables import public_roots
from detector.knowledge.whole_file import write_whole
from detector.stores.bundles import HASHED, anchor_places
from detector.stores.programs import output
from detector.stores.reading import MAX_BUNDLE, existing, inside
from detector.stores.survey import survey, variables_for

_DEBIAN = "etc/ssl/certs/ca-certificates.crt"


class DoneStep(msgspec.Struct, frozen=True):
    """A step, and how it ended: done, failed (with why), told (a person has to), or planned."""

    step: RemovalStep
    ended: str = "planned"
    why: str = ""


class TrustRemove(msgspec.Struct, frozen=True):
    """What was found and done.

    Attributes:
        subject: of the root; "" where no store has it.
        before: stores that trusted it.
        left: stores that still do, after the last step.
        unread: stores that could not be read, with why.
        beside: proxies and policies that may have come with it.
        read: how many stores were read.

    """

    sha256: str
    subject: str
    before: tuple[str, ...]
    steps: tuple[DoneStep, ...]
    left: tuple[str, ...]
    unread: tuple[tuple[str, str], ...]
    beside: tuple[Setting, ...]
    read: int
    dry_run: bool


class RemoveRun(msgspec.Struct, frozen=True):
    """What to be rid of.

    Attributes:
        also: more bundles, NSS databases or keystores.
        force: also a public root.

    """

    sha256: str
    root: Path = Path("/")
    homes: tuple[Path, ...] | None = None
    also: tuple[Path, ...] = ()
    force: bool = False

    def look(self) -> TrustRemove:
        """What would be done. Raises ConfigError for what is no SHA-256, and for public roots."""
        return self._run(dry_run=True)

    def remove(self) -> TrustRemove:
        """Do it, and look again. Raises as `look`."""
        return self._run(dry_run=False)

    def _run(self, *, dry_run: bool) -> TrustRemove:
        sha256 = _digest(self.sha256)
        for path in (self.root, *(self.homes or ()), *self.also):
            if not path.exists():
                raise ConfigError(str(path), "no such file or folder")
        certifi = {one.sha256 for one in certifi_roots().certificates}
        if not self.force and (sha256 in public_roots() or sha256 in certifi):
            name = public_roots().get(sha256, "it")
            why = f"{name} is a public root that programs ship"
            raise ConfigError(
                sha256, why, remedy="sites stop working without it; --force if you mean it"
            )
        root = real_path(self.root)
        seen = self._survey(root)
        anchors = anchor_places(root)
        held = places_of(seen, sha256)
        steps = removal_steps(seen, sha256, anchors, str(root))
        doing = _Doing(root, sha256)
        if dry_run:
            done = [DoneStep(step) for step in steps]
            after = seen
        else:
            done = [doing.do(step) for step in steps]
            after = self._survey(root)
        left = [place.path for place, _ in places_of(after, sha256)]
        left += [place.path for place in anchor_places(root) if _has(place, sha256)]
        subjects = [entry.certificate.subject_text for _, entry in held]
        subjects += [
            r.certificate.subject_text
            for p in anchors
            for r in p.roots
            if r.certificate.sha256 == sha256
        ]
        return TrustRemove(
            sha256, next(iter(subjects), ""), tuple(place.path for place, _ in held), tuple(done),
            tuple(dict.fromkeys(left)),
            tuple((place.path, place.trouble) for place in after.places if place.trouble),
            others_to_look_at(after.settings) if subjects else (), len(after.places), dry_run,
        )  # fmt: skip

    def _survey(self, root: Path) -> Survey:
        return survey(
            variables_for(root), (), clock.now(), root=root, homes=self.homes, also=self.also
        )


class _Doing:
    """Does steps, each by itself: one that fails stops no other."""

    def __init__(self, root: Path, sha256: str) -> None:
        self._root = root
        self._sha256 = sha256
        self._emptied: set[str] = set()

    def do(self, step: RemovalStep) -> DoneStep:
        ways: dict[str, Callable[[RemovalStep], str]] = {
            "cut": self._cut, "refresh": self._refresh, "command": self._command,
            "line": self._line,
        }  # fmt: skip
        way = ways.get(step.way)
        if way is None:
            return DoneStep(step, "told")
        try:
            return DoneStep(step, way(step))
        except (StoreError, OSError) as error:
            return DoneStep(step, "failed", str(error))

    def _cut(self, step: RemovalStep) -> str:
        path = inside(self._root, Path(step.path))
        if path.is_dir():
            return self._cut_folder(path)
        data = read_whole(path, MAX_BUNDLE)
        rest = without_certificate(data, self._sha256)
        if rest == data:
            return "done"  # what it was made of is gone, and it was made again
        if holds_certificate(rest):
            write_whole(path, rest)
        else:
            path.unlink()
            self._emptied.add(str(path))
        return "done"

    def _cut_folder(self, folder: Path) -> str:
        for path in sorted(folder.iterdir()):
            file = inside(self._root, path)
            if path.is_symlink() and not file.exists():
                if re.fullmatch(r"[0-9a-f]{8}\.\d+", path.name):
                    path.unlink()  # what it led to was just removed
                continue
            if file.is_file() and file.parent == folder and file.suffix in (".pem", ".crt", ".0"):
                data = read_whole(file, MAX_BUNDLE)
                rest = without_certificate(data, self._sha256)
                if rest != data and not holds_certificate(rest):
                    file.unlink()
        for path in folder.iterdir():
            if path.is_symlink() and not inside(self._root, path).exists():
                path.unlink()
        return "done"

    def _refresh(self, _: RemovalStep) -> str:
        """By the system's own tool; below another root by Debian's of this machine, without the image's hooks."""
        root = self._root
        debian = shutil.which("update-ca-certificates")
        fedora = shutil.which("update-ca-trust")
        if debian and (root / _DEBIAN).exists() and (root / "etc/ca-certificates.conf").exists():
            command = [debian, "--fresh", *(_debians_folders(root) if root != Path("/") else ())]
        elif fedora and root == Path("/"):
            command = [fedora]
        else:
            return "told"  # the bundle itself is cut below
        if output(command) is None:
            raise StoreError(command[0], "failed", remedy="run it as root")
        return "done"

    def _command(self, step: RemovalStep) -> str:
        program = shutil.which(step.command[0])
        if program is None:
            raise StoreError(step.command[0], "is not installed")
        words = [program, *step.command[1:]]
        environment = {}
        if step.command[0] == "keytool":
            password = os.environ.get("TLSIGHT_KEYSTORE_PASSWORD") or "changeit"
            words += ["-storepass:env", "TLSIGHT_STOREPASS"]
            environment["TLSIGHT_STOREPASS"] = password
        if output(words, environment) is None:
            raise StoreError(
                step.path, "cannot be changed", remedy="run the command yourself to see why"
            )
        return "done"

    def _line(self, step: RemovalStep) -> str:
        """Only where what the line names is gone: a setting that names nothing makes its program fail."""
        path = inside(self._root, Path(step.path))
        lines = read_whole(path, 1 << 20).splitlines(keepends=True)
        line = lines[step.line - 1].decode("utf-8", errors="replace")
        named = [word for word in re.split(r"[\s=:\"';]+", line) if "/" in word]
        gone = [word for word in named if existing(self._root, _below_home(word)) is None]
        if not named or not gone or line.count("=") > 1:
            return "told"
        write_whole(path, b"".join((*lines[: step.line - 1], *lines[step.line :])))
        return "done"


def _below_home(word: str) -> str:
    return re.sub(r"^(?:~|\$HOME|\$\{HOME\})(?=/)", "~", word)


def _debians_folders(root: Path) -> Iterator[str]:
    yield from ("--certsconf", str(root / "etc/ca-certificates.conf"))
    yield from ("--certsdir", str(root / "usr/share/ca-certificates"))
    yield from ("--localcertsdir", str(root / "usr/local/share/ca-certificates"))
    yield from ("--etccertsdir", str(root / HASHED[0]))
    yield from ("--hooksdir", os.devnull)


def _has(place: Place, sha256: str) -> bool:
    return any(root.certificate.sha256 == sha256 for root in place.roots)


def _digest(text: str) -> str:
    found = re.sub(r"[:\s]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", found):
        remedy = "tlsight trust --json says it of every root that is not public"
        raise ConfigError(text, "is not 64 hex digits", remedy=remedy)
    return found
