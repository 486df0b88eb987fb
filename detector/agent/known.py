"""What an agent judges with: loaded once, and again when a file that it was made of changes.

Loading costs a tenth of a second and most of the memory, so it is not done anew for each run. What was looked up in
Certificate Transparency is asked where it lies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from detector.errors import ConfigError, StoreError
from detector.knowledge import shipped
from detector.knowledge.assemble import assemble
from detector.knowledge.folders import state_folder

if TYPE_CHECKING:
    from detector.agent.settings import Settings
    from detector.knowledge.ct_store import CtStore
    from detector.known.knowledge import Knowledge

_CHUNK = 1 << 20
# Tables of the shipped ones that only explain, and change no verdict.
_DECIDING = (
    "canaries.toml", "canary_hosts.toml", "causes.toml", "ct_logs.json", "ct_logs_retired.json", "engines.toml",
    "past_roots.zst", "products.toml", "public_hosts.toml", "public_intermediates.json", "public_roots.toml",
    "published_keys.toml", "shared_cas.toml", "signals.toml",
)  # fmt: skip
_Stamp = tuple[tuple[str, int, int], ...]


class Known:
    """Opened lazily; `now()` gives what holds.

    Args:
        environment: where installed lists and looked-up proofs are.
        say: told about trouble that does not stop a judge.

    """

    def __init__(
        self, settings: Settings, environment: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._folder = state_folder(environment)
        self._say = say
        self._stamp: _Stamp | None = None
        self._knowledge: Knowledge | None = None
        self._tables = ""
        self.store: CtStore | None = None

    def now(self) -> Knowledge:
        """Raises ConfigError for a file of the settings that cannot be used any more."""
        stamp = tuple(_stamps(self._files()))
        if self._knowledge is None or stamp != self._stamp:
            self._knowledge = self._load()
            self._tables = ""
            self._stamp = stamp
        return self._knowledge

    def is_own(self, host: str) -> bool:
        """Whether it is in this device's own settings, or internal by its policy: a fleet may ask of it wherever it leads."""
        from detector.known.hosts import any_matches

        if any(target.host == host for target in self._settings.targets):
            return True
        try:
            return any_matches(self.now().policy.internal, host)
        except ConfigError:
            return False

    def tables(self) -> str:
        """Digest of the tables and files that verdicts rest on."""
        if not self._tables:
            self._tables = _digest(self._tables_and_files())
        return self._tables

    def forget_store(self) -> None:
        """The machine's trust store changed: ask it again."""
        from detector.knowledge.roots import local_roots

        local_roots.cache_clear()
        self._knowledge = None

    def close(self) -> None:
        if self.store is not None:
            self.store.close()
            self.store = None

    def _load(self) -> Knowledge:
        from detector.knowledge.installed import InstalledLists

        files = self._settings.files
        lists = (
            InstalledLists(self._folder / "lists") if (self._folder / "lists").exists() else None
        )
        self.close()
        self.store = self._opened_store()
        found = assemble(
            roots=files.get("roots"), ct_logs=files.get("ct_logs"), pin_file=files.get("pins"),
            policy=files.get("policy"), issuers=files.get("issuers"), store=self.store, lists=lists,
        )  # fmt: skip
        for trouble in lists.troubles if lists is not None else ():
            self._say(trouble)
        return found

    def _opened_store(self) -> CtStore | None:
        path = self._folder / "ct.sqlite3"
        if not path.exists():
            return None
        from detector.knowledge.ct_store import CtStore

        try:
            return CtStore(path, read_only=True)
        except StoreError as error:
            self._say(str(error))
            return None

    def _files(self) -> Iterator[Path]:
        yield from self._settings.files.values()
        yield self._folder / "ct.sqlite3"
        with suppress(OSError):
            yield from sorted((self._folder / "lists").iterdir())

    def _tables_and_files(self) -> Iterator[Path]:
        import certifi

        yield from (shipped.DATA / name for name in _DECIDING)
        yield Path(certifi.where())
        lists = self._folder / "lists"
        yield from (
            path for path in self._files() if path.parent == lists and path.name != "fetches.json"
        )
        yield from (
            self._settings.files[key] for key in sorted(self._settings.files) if key != "hosts_file"
        )


def _stamps(files: Iterator[Path]) -> Iterator[tuple[str, int, int]]:
    for path in files:
        with suppress(OSError):
            found = path.stat()
            # A store of proofs that grows is the same store.
            moved = (
                (found.st_ino, 0)
                if path.suffix == ".sqlite3"
                else (found.st_mtime_ns, found.st_size)
            )
            yield (str(path), *moved)


def _digest(files: Iterator[Path]) -> str:
    whole = sha256()
    for path in files:
        one = sha256()
        with suppress(OSError), path.open("rb") as file:
            while data := file.read(_CHUNK):
                one.update(data)
        whole.update(path.name.encode() + b"\0" + one.digest())
    return whole.hexdigest()[:32]
