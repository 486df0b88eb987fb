"""Which of all that setting files say is about trust: the keys of data/programs/, as the files spell them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from detector.knowledge.trust_tables import SettingKind
from detector.model.programs import Program

# Parts of keys that stand for a name that every file has its own of.
_ANY = frozenset(("*", "HOST", "NAME", "URL"))


class Wanted:
    """Keys by kind.

    A key's parts must be there in their order, the last one last; what is between and before them in the file says for
    whom the value is: `http.sslverify` also is `[http "https://host/"] sslVerify`.
    """

    def __init__(
        self, kinds: Iterable[SettingKind], programs: Iterable[Program], variables: Iterable[str]
    ) -> None:
        keys = {key: None for program in programs for key in _keys_of(program)}
        by_kind: dict[str, dict[str, None]] = defaultdict(dict)
        for key in keys:
            of, _, name = key.partition(":")
            by_kind[of][name] = None
        self.variables = dict.fromkeys((*by_kind["env"], *variables))
        self._keys: dict[str, dict[str, list[tuple[tuple[str, ...], str]]]] = {}
        for kind in kinds:
            found = [(key, f"{kind.name}:{key}") for key in (*kind.keys, kind.key) if key]
            for name in (kind.name, *kind.also):
                found += [(key, f"{name}:{key}") for key in by_kind[name]]
            for other, key in kind.spelled.items():
                found.append((other, dict(found).get(key, f"{kind.name}:{key}")))
            last: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
            for spelled, key in dict.fromkeys(found):
                parts = tuple(map(_folded, _parts(spelled)))
                if parts:
                    last[parts[-1]].append((parts, key))
            # The longest first: it says more.
            for rows in last.values():
                rows.sort(key=lambda row: -len(row[0]))
            self._keys.setdefault(kind.name, {}).update(last)

    def match(self, kind: str, path: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        """The keys, as each program spells it, and for whom it is set; none where nobody asks for it."""
        parts = _parts(".".join(path))
        folded = [_folded(part) for part in parts]
        rows = self._keys.get(kind, {}).get(folded[-1], ()) if folded else ()
        for wanted, _ in rows:
            left = _left_of(wanted, folded)
            if left is not None:
                keys = tuple(dict.fromkeys(key for parted, key in rows if parted == wanted))
                return keys, ".".join(parts[place] for place in left)
        return (), ""


def _left_of(wanted: tuple[str, ...], there: list[str]) -> list[int] | None:
    """Places of what no part of the key stands for; None where the key is another."""
    left: list[int] = []
    place = len(there) - 1
    for part in reversed(wanted):
        while place >= 0 and there[place] != part:
            left.append(place)
            place -= 1
        if place < 0:
            return None
        place -= 1
    return [*range(place + 1), *reversed(left)]


def _keys_of(program: Program) -> Iterable[str]:
    yield from (setting.key for setting in program.setting)
    yield from (unsafe.key for unsafe in program.unsafe)


def _parts(key: str) -> tuple[str, ...]:
    return tuple(
        part
        for part in key.replace("::", ".").replace("[]", "").split(".")
        if part and part not in _ANY
    )


def _folded(part: str) -> str:
    return part.casefold().replace("_", "-").lstrip(":")


def by_program_key(programs: Iterable[Program]) -> Mapping[str, list[tuple[str, str]]]:
    """Of each key that names a file or folder: which of the two, and when (see ProgramSetting)."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for program in programs:
        for setting in program.setting:
            # An option that names a key store among others of Java's is one too.
            if setting.value in ("file", "folder", "files") or "trustStore" in setting.when:
                found[setting.key].append((setting.value, setting.when))
    return found
