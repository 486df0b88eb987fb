"""Which store a program goes by here: its row of data/programs/ over the settings that were found. Pure.

Rules
-----
1. The program's own settings come first, then those of the program beneath it, in the order of their rows; of one key
   the strongest file counts (settings come in that order), and in it the last line. The environment is before any file.
2. The first that replaces or switches decides. What stands above it and adds, adds to it; what stands below one that
   replaces adds nothing.
3. A folder of roots right behind the file that decides counts beside it: SSL_CERT_DIR goes with SSL_CERT_FILE, and not
   with a stronger variable before both.
4. A setting that needs another counts only where that one does, and then before it.
5. What is set for one host, profile or service counts for nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from detector.auditing.model import Setting, SettingUse, StoreChoice, Survey, ToolTrust
from detector.auditing.obeyed import obeys
from detector.model.programs import Program, Reads


def tool_trust(programs: Mapping[str, Program], survey: Survey) -> tuple[ToolTrust, ...]:
    """One row for every installed program, in the table's order."""
    bundle = next((place.path for place in survey.places if place.kind == "os"), "none")
    return tuple(
        _row(choice_of(program, programs, survey.settings), program, bundle)
        for program in programs.values()
        if program.id in survey.installed
    )


def choice_of(
    program: Program,
    programs: Mapping[str, Program],
    settings: Iterable[Setting],
    *,
    host: str = "",
    platform: str = "linux",
    version: str = "",
) -> StoreChoice:
    """What the program reads, and each setting that has a say in it.

    `settings` come in the order of `read_settings`. Without a host what is set for one alone does not count; without a
    version it is the newest.
    """
    by_key = _by_key(settings, program, host)
    uses: list[SettingUse] = []
    decided: SettingUse | None = None
    replaced = False
    passed = False  # a weaker one than what decided
    for owner in beneath(program, programs):
        known = version if owner.id == program.id else ""
        for row in owner.setting:
            if not applies(row.platform, row.since, row.until, platform, known):
                continue
            if decided is not None and row.effect != "adds" and not row.needs:
                passed = passed or row.key != decided.setting.key
            for place, setting in enumerate(by_key.get(row.key, ())):
                if not obeys(row.when, setting.value):
                    continue
                if any(use.setting == setting and use.effect == row.effect for use in uses):
                    continue
                why = ""
                refines = bool(row.needs) and any(
                    use.counts and use.setting.key == row.needs for use in uses
                )
                if row.needs and not refines:
                    why = f"it needs {row.needs.partition(':')[2]}"
                elif place:
                    why = f"{by_key[row.key][0].place} is stronger"
                elif row.effect == "adds" and replaced and (passed or row.value != "folder"):
                    why = f"{_called(decided)} takes the place of what it adds to"
                elif row.effect != "adds" and decided is not None and not refines:
                    why = f"{_called(decided)} is stronger"
                use = SettingUse(
                    setting,
                    row.effect,
                    not why,
                    why,
                    row.store,
                    owner.id,
                    row.keeps,
                    row.leaves_folder,
                )
                uses.append(use)
                if not why and row.effect != "adds":
                    decided = use
                    replaced = row.effect == "replaces"
    return StoreChoice(_default(program, programs, platform, version), tuple(uses))


def unsafe_of(
    program: Program, programs: Mapping[str, Program], settings: Iterable[Setting], host: str = ""
) -> tuple[Setting, ...]:
    """Settings that turn verification off in the program, or in the one beneath."""
    by_key = _by_key(settings, program, host)
    found = [
        setting
        for owner in beneath(program, programs)
        for row in owner.unsafe
        for setting in by_key.get(row.key, ())
        if obeys(row.when, setting.value)
    ]
    return tuple(dict.fromkeys(found))


def beneath(program: Program, programs: Mapping[str, Program]) -> Iterator[Program]:
    """The program, then what it runs on, each once."""
    seen: set[str] = set()
    current: Program | None = program
    while current is not None and current.id not in seen:
        seen.add(current.id)
        yield current
        current = programs.get(current.under)


def applies(for_platform: str, since: str, until: str, platform: str, version: str) -> bool:
    """Whether a row is for that platform and version; one that is not known is the newest."""
    if for_platform not in ("", platform):
        return False
    if not version:
        return not until
    known = _numbers(version)
    return _numbers(since) <= known and (not until or known < _numbers(until))


def _default(
    program: Program, programs: Mapping[str, Program], platform: str, version: str
) -> Reads | None:
    for owner in beneath(program, programs):
        known = version if owner.id == program.id else ""
        for row in owner.reads:
            if applies(row.platform, row.since, row.until, platform, known):
                return row
    return None


def _by_key(settings: Iterable[Setting], program: Program, host: str) -> dict[str, list[Setting]]:
    """Settings by key, the one that counts first."""
    files: dict[str, dict[str, list[Setting]]] = {}
    for setting in settings:
        if (setting.value and not _for_others(setting, program, host)) or not setting.value:
            files.setdefault(setting.key, {}).setdefault(setting.where, []).insert(0, setting)
    return {key: [one for rows in wheres.values() for one in rows] for key, wheres in files.items()}


def _for_others(setting: Setting, program: Program, host: str) -> bool:
    """Whether a setting is for a host that is not asked, or a service that is not the program."""
    if setting.key.startswith("env:"):
        return bool(setting.scope) and not _same_service(setting.scope, program)
    named = re.search(r"//([^/:]++)", setting.scope)
    if named is not None:
        return not host.endswith(named[1].lstrip("*"))
    return False


def _same_service(scope: str, program: Program) -> bool:
    name = scope.removesuffix(".d").removesuffix(".service")
    return name in (program.id, *program.commands) or name in {
        f"{command}d" for command in program.commands
    }


def _row(choice: StoreChoice, program: Program, bundle: str) -> ToolTrust:
    adds = tuple(
        use.setting.names or use.setting.value
        for use in choice.uses
        if use.counts and use.effect == "adds"
    )
    for use in choice.uses:
        if use.counts and use.effect != "adds":
            setting = use.setting
            where = "" if setting.where == "environment" else f" in {setting.place}"
            path = setting.names or use.store or setting.value
            return ToolTrust(program.name, path, f"{setting.key.partition(':')[2]}{where}", adds)
    reads = choice.default
    path = bundle if reads is None or reads.store == "os" else reads.text
    return ToolTrust(program.name, path, "default", adds)


def _called(use: SettingUse | None) -> str:
    return use.setting.key.partition(":")[2] if use else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:6])
