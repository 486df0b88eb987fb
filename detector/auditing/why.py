"""Why a program trusts what it trusts: its store, whether that holds a root, and the lines that add it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from detector.auditing.model import Place, Setting, SettingUse, StoreChoice
from detector.auditing.precedence import applies, beneath
from detector.chain.certificate import Certificate
from detector.chain.signature import is_signed_by
from detector.model.programs import SHELLS, Program, ProgramFix, Shell, line_for

CAUSE = "tls-intercepted"
# Kinds of places that a store is, in the words of `Reads.store`.
_KINDS = {
    "os": ("os",), "certifi": ("python",), "java": ("java",), "node": ("node",), "nss": ("nss",),
    "windows": ("windows",), "apple": ("macos",), "chrome": ("nss",),
}  # fmt: skip
# Stores that hold public roots alone, wherever they are.
# Between the folders of one setting.
LIST = ":"
_PUBLIC = frozenset(("mozilla", "node", "certifi", "chrome"))


class Sought(msgspec.Struct, frozen=True):
    """The root that is looked for: the one of a file, or whatever a server's chain ends under.

    Attributes:
        chain: as it was sent, leaf first; only compared, never believed.

    """

    ca: Certificate | None = None
    chain: tuple[Certificate, ...] = ()

    def is_in(self, roots: Iterable[Certificate]) -> bool:
        """Whether one of the roots is it."""
        if self.ca is not None:
            return any(
                root.spki == self.ca.spki and root.subject == self.ca.subject for root in roots
            )
        held = list(roots)
        keys = {(root.subject, root.spki) for root in held}
        if any((one.subject, one.spki) in keys for one in self.chain[1:]):
            return True
        return any(
            root.subject == one.issuer and is_signed_by(one, root.spki)
            for one in self.chain
            for root in held
        )

    @property
    def name(self) -> str:
        """For a person."""
        if self.ca is not None:
            return self.ca.subject_text
        return self.chain[-1].issuer_text if self.chain else ""


class StoreRead(msgspec.Struct, frozen=True):
    """One store that the program reads.

    Attributes:
        because: the setting that leads there, with its place; "default".
        holds: whether the root is in it; None where nobody asked, or it cannot be read.
        trouble: why it cannot be read.

    """

    path: str
    because: str
    holds: bool | None = None
    trouble: str | None = None


class FixLine(msgspec.Struct, frozen=True):
    """One way to add the root, as one pastes it.

    Attributes:
        lines: by shell: sh, powershell, dockerfile, systemd, ci; only those that it has.
        file: into which the line of "sh" goes, where it is no command.

    """

    lines: Mapping[Shell, str]
    file: str = ""
    text: str = ""


class TrustWhy(msgspec.Struct, frozen=True):
    """Which store one program reads, and why.

    Attributes:
        ask: whom to ask first.
        version: "" where it is not known; then it is taken to be the newest.
        beneath: ids of what it runs on, whose settings count as well.
        holds: whether any store that it reads holds the root; None where that is not known.
        refused: why it refuses the root all the same.
        check: a command that shows whether it works.

    """

    program: str
    name: str
    version: str
    ask: str
    beneath: tuple[str, ...]
    choice: StoreChoice
    stores: tuple[StoreRead, ...]
    sought: Sought
    holds: bool | None
    refused: tuple[str, ...]
    unsafe: tuple[Setting, ...]
    fixes: tuple[FixLine, ...]
    check: str


def stores_read(
    program: Program,
    choice: StoreChoice,
    places: Sequence[Place],
    sought: Sought,
    public: frozenset[str],
    hashed: Sequence[Place] = (),
) -> tuple[StoreRead, ...]:
    """Each store that counts; the default alone where nothing takes its place.

    `hashed` are the system's folders of hashed names.
    """
    found: list[StoreRead] = []
    deciding = [use for use in choice.uses if use.counts and use.effect != "adds"]
    # The last one that counts refines those before it (`needs`).
    for use in deciding[-1:]:
        found += _of_use(use, program, places, sought, public)
    kept = bool(deciding) and deciding[-1].keeps
    if (not deciding or kept) and choice.default is not None:
        found += _of_store(
            choice.default.store, choice.default.text, "default", program, places, sought, public
        )
    folders = any(use.counts and use.setting.key == "env:SSL_CERT_DIR" for use in choice.uses)
    if deciding and deciding[-1].leaves_folder and not folders:
        found += [_read(place, "OpenSSL's own folder, beside the file", sought) for place in hashed]
    for use in choice.uses:
        if use.counts and use.effect == "adds":
            found += _of_use(use, program, places, sought, public)
    return tuple(found)


def held(stores: Iterable[StoreRead]) -> bool | None:
    """Over all stores: one that holds it is enough; one that cannot be read may."""
    answers = [store.holds for store in stores]
    if True in answers:
        return True
    return None if None in answers or not answers else False


def fix_lines(
    program: Program,
    programs: Mapping[str, Program],
    ca: str,
    bundle: str,
    platform: str,
    version: str,
) -> tuple[FixLine, ...]:
    """What mends it in the program, else in what it runs on, the best first."""
    for owner in beneath(program, programs):
        known = version if owner.id == program.id else ""
        found = tuple(_line(fix, ca, bundle) for fix in fixes_of(owner, platform, known))
        if found:
            return found
    return ()


def fixes_of(program: Program, platform: str, version: str) -> Iterator[ProgramFix]:
    """The program's own that add a root, for that platform and version."""
    for fix in program.fixes(CAUSE):
        if applies(fix.platform, fix.since, fix.until, platform, version):
            yield fix


def _line(fix: ProgramFix, ca: str, bundle: str) -> FixLine:
    lines = {shell: line for shell in SHELLS if (line := line_for(fix, shell, ca, bundle))}
    return FixLine(lines, fix.file, fix.text)


def _of_use(
    use: SettingUse,
    program: Program,
    places: Sequence[Place],
    sought: Sought,
    public: frozenset[str],
) -> list[StoreRead]:
    setting = use.setting
    because = f"{setting.key.partition(':')[2]}, {setting.place}"
    if not setting.names:
        store = use.store or "own"
        return _of_store(
            store, use.store or setting.value, because, program, places, sought, public
        )
    if setting.missing:
        return [StoreRead(setting.names, because, False, "is not there")]
    at = {place.path: place for place in places}
    return [
        _read(at[path], because, sought)
        if path in at
        else StoreRead(path, because, None, "was not read")
        for path in setting.names.split(LIST)
        if path
    ]


def _of_store(
    store: str, text: str, because: str, program: Program, places: Sequence[Place], sought: Sought,
    public: frozenset[str],
) -> list[StoreRead]:  # fmt: skip
    kinds = _KINDS.get(store, ())
    there = [place for place in places if place.kind in kinds]
    if store == "certifi":
        own = [place for place in there if program.id in place.used_by.casefold().split(", ")]
        there = own or [place for place in there if place.path.endswith("/certifi/cacert.pem")]
    if store == "os":
        there = [place for place in there if place.roots][:2]
    if store == "none":
        return [StoreRead(text, because, None, "it verifies nothing")]
    if there and (store != "chrome" or _asks(sought)):
        return [_read(place, because, sought) for place in there]
    if store in _PUBLIC and _asks(sought):
        return [StoreRead(text, because, sought.ca is not None and sought.ca.sha256 in public)]
    if store == "os":
        return [StoreRead(text, because, False if _asks(sought) else None, "there is no bundle")]
    return [StoreRead(text, because)]


def _read(place: Place, because: str, sought: Sought) -> StoreRead:
    if not _asks(sought):
        return StoreRead(place.path, because, None, place.trouble)
    holds = sought.is_in(root.certificate for root in place.roots)
    return StoreRead(
        place.path, because, holds or (None if place.trouble else False), place.trouble
    )


def _asks(sought: Sought) -> bool:
    return sought.ca is not None or bool(sought.chain)
