"""Write detector/data/public_roots.toml: every root that a public program had for servers, and its end.

    python scripts/make_public_roots.py FOLDER > detector/data/public_roots.toml

FOLDER holds what its sources are downloaded to, whole and unchanged:

    certifi/   many versions of certifi: pip download --no-deps certifi==...       Mozilla, 2011 to today
    sslyze/    many versions of sslyze: pip download --no-deps --no-binary :all:   six programs since 2016
    chrome/    root_store.textproto of Chromium's sources, each named "<day> Chromium <version>.textproto"
    certdata/  mozilla/certdata.txt of Debian's ca-certificates or of NSS itself   e-mail roots, distrust

Theory of operation
-------------------
Each store at one time is a snapshot. A program *has* a root that is in its newest snapshot, if that is
not older than RECENT; such a root has no end. Of others the last snapshot that has it and the first
after that which lacks it bound the end: a leaf issued until the one day is excused, one issued after the
other is not, and in between, or where a program's snapshots stop, nobody can tell. scripts/root_ends.toml
knows better for those that were distrusted, and wins.

The lists of Apple and Microsoft do not say what a root is for. Left out is what Mozilla's list holds for
e-mail alone, and what calls itself a root for e-mail, code, documents or time stamps.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from detector.chain.certificate import Certificate, split_pem

ENDS = Path(__file__).with_name("root_ends.toml")
RECENT = timedelta(days=400)
BLOCKING = "Apple"  # its bundles of 2016 hold what it blocks
PROGRAMS = {
    "mozilla": "Mozilla", "mozilla_nss": "Mozilla", "apple": "Apple", "apple_ios": "Apple",
    "apple_macos": "Apple", "microsoft": "Microsoft", "microsoft_windows": "Microsoft",
    "google": "Android", "aosp": "Android", "google_aosp": "Android", "java": "Java",
    "oracle_java": "Oracle JDK", "openjdk": "OpenJDK",
}  # fmt: skip
NOT_FOR_SERVERS = re.compile(
    r"code.?sign|time.?stamp|S/?MIME|e-?mail (protection|root)|secure mail|client (rsa|ecc|auth)"
    r"|document|digital signing|personal|object|kvalificeret|minositett",
    re.IGNORECASE,
)
HEAD = """# Roots that a public program trusts or once trusted for servers, by the SHA-256 of their certificate.
# A root that is not here somebody added. Written by scripts/make_public_roots.py from its sources and
# scripts/root_ends.toml: change those.
#
# [[end]]  roots that no program has any more, or that browsers distrust: a leaf issued until `seen` is
#          excused, one issued after `until` is not, and in between nobody can tell. `elsewhere` are
#          programs that go on.
"""


@dataclass
class Snapshot:
    """What one program had on one day."""

    program: str
    day: date
    roots: frozenset[str]


@dataclass
class Sources:
    """Everything that was read."""

    snapshots: list[Snapshot] = field(default_factory=list)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    for_email: set[str] = field(default_factory=set)
    distrusted: dict[str, date] = field(default_factory=dict)
    by_sct: dict[str, date] = field(default_factory=dict)

    def learn(self, ders: list[bytes]) -> frozenset[str]:
        for der in ders:
            digest = sha256(der).hexdigest()
            if digest not in self.certificates:
                self.certificates[digest] = Certificate(der)
        return frozenset(sha256(der).hexdigest() for der in ders)

    @property
    def made(self) -> date:
        return max(snapshot.day for snapshot in self.snapshots)


def main(folder: str, by_hand_file: str = str(ENDS)) -> None:
    sources = Sources()
    read_certifi(Path(folder, "certifi"), sources)
    read_sslyze(Path(folder, "sslyze"), sources)
    read_chrome(Path(folder, "chrome"), sources)
    read_certdata(Path(folder, "certdata"), sources)
    by_hand = tomllib.loads(Path(by_hand_file).read_text())
    print(HEAD)
    print(f"made = {sources.made}\nsources = [")
    print(*(f"    {json.dumps(name)}," for name in sources.names), "]", sep="\n")
    listed = for_servers(sources, by_hand)
    write_programs(sources, listed, {row["sha256"]: row["name"] for row in by_hand["root"]})
    for row in ends(sources, sorted(listed), by_hand["end"]):
        write_end(row)


def read_certifi(folder: Path, into: Sources) -> None:
    """Mozilla's program, each version's day from its name (before 2014: from inside the file)."""
    found: list[date] = []
    for path in sorted(folder.iterdir()):
        pem, day = certifi_bundle(path)
        into.snapshots.append(Snapshot("Mozilla", day, into.learn(split_pem(pem))))
        found.append(day)
    into.names.append(f"Mozilla: {len(found)} versions of certifi, {min(found)} to {max(found)}")


def certifi_bundle(path: Path) -> tuple[bytes, date]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            info = wheel.getinfo("certifi/cacert.pem")
            pem, inside = wheel.read(info), date(*info.date_time[:3])
    else:
        with tarfile.open(path) as archive:
            member = next(m for m in archive if m.name.endswith("/cacert.pem"))
            file = archive.extractfile(member)
            assert file is not None
            pem, inside = file.read(), datetime.fromtimestamp(member.mtime, UTC).date()
    named = re.match(r"certifi-(\d+)\.(\d+)\.(\d+)", path.name)
    year, month, day = (int(part) for part in named.groups()) if named else (0, 0, 0)
    if year < 14:
        return pem, inside
    return pem, date(year if year > 2000 else 2000 + year, month, day)


def read_sslyze(folder: Path, into: Sources) -> None:
    """Snapshots of six programs. A store that several versions repeat is of its first day.

    The bundles hold what a program blocks as well. Listings, which early versions lack, tell it apart;
    what a program ever blocked is taken for blocked in those too.
    """
    first: dict[tuple[str, frozenset[str]], date] = {}
    bare: list[tuple[str, frozenset[str], date]] = []
    blocked: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder.iterdir()):
        with tarfile.open(path) as archive:
            stores = {m.name: m for m in archive if re.search(r"(pem_files|trust_stores)/", m.name)}
            for name, member in stores.items():
                if not name.endswith(".pem"):
                    continue
                file = archive.extractfile(member)
                assert file is not None
                roots = into.learn(split_pem(file.read()))
                day = datetime.fromtimestamp(member.mtime, UTC).date()
                program = PROGRAMS[Path(name).stem]
                listing = stores.get(name.removesuffix(".pem") + ".yaml")
                if listing is None:
                    bare.append((program, roots, day))
                    continue
                text = archive.extractfile(listing)
                assert text is not None
                trusted, day = listed(text.read().decode())
                blocked[program] |= roots - trusted
                key = program, roots & trusted
                first[key] = min(day, first.get(key, day))
    for program, roots, day in bare:
        key = program, roots - (blocked[program] if program == BLOCKING else set())
        first[key] = min(day, first.get(key, day))
    into.snapshots += [Snapshot(name, day, roots) for (name, roots), day in first.items()]
    for program in sorted({name for name, _ in first}):
        days = sorted(day for (name, _), day in first.items() if name == program)
        text = f"{program}: {len(days)} lists in versions of sslyze, {days[0]} to {days[-1]}"
        into.names.append(text)


def listed(text: str) -> tuple[frozenset[str], date]:
    """Digests that a program trusts, and the day on which its list was fetched."""
    trusted = text.replace("\r", "").partition("\ntrusted_certificates:\n")[2]
    digests = re.findall(r"fingerprint: ([0-9a-f]{64})", trusted.partition("\nblocked_")[0])
    fetched = re.search(r"date_fetched: (\d{4}-\d\d-\d\d)", text)
    count = re.search(r"trusted_certificates_count: (\d+)", text)
    assert fetched is not None
    assert count is not None
    assert int(count[1]) == len(digests)
    return frozenset(digests), date.fromisoformat(fetched[1])


def read_chrome(folder: Path, into: Sources) -> None:
    """Chrome's own store, without what it takes no fresh leaf of any more; that keeps its day."""
    for path in sorted(folder.glob("*.textproto")):
        day = date.fromisoformat(path.name[:10])
        roots: set[str] = set()
        for block in re.findall(
            r"^trust_anchors \{\n(.*?)^\}", path.read_text(), re.DOTALL | re.MULTILINE
        ):
            found = re.search(r'sha256_hex: "([0-9a-f]{64})"', block)
            assert found is not None
            limits = re.findall(r"sct_not_after_sec: (\d+)", block)
            after = datetime.fromtimestamp(int(limits[0]), UTC).date() if limits else date.max
            if after >= day:
                roots.add(found[1])
            else:
                into.by_sct[found[1]] = after
        into.snapshots.append(Snapshot("Chrome", day, frozenset(roots & set(into.certificates))))
        into.names.append(f"Chrome: root_store.textproto of {path.stem[11:]}, {day}")


def read_certdata(folder: Path, into: Sources) -> None:
    """What Mozilla has for e-mail alone, and since when it distrusts what."""
    servers: set[str] = set()
    for path in sorted(folder.glob("*.txt")):
        objects = list(certdata_objects(path))
        trust = {
            (one["CKA_ISSUER"], one["CKA_SERIAL_NUMBER"]): one["CKA_TRUST_SERVER_AUTH"]
            for one in objects
            if one["CKA_CLASS"].endswith(b"TRUST")
        }
        for one in objects:
            if one["CKA_CLASS"] != b"CKO_CERTIFICATE":
                continue
            (digest,) = into.learn([one["CKA_VALUE"]])
            says = trust.get((one["CKA_ISSUER"], one["CKA_SERIAL_NUMBER"]))
            (servers if says == b"CKT_NSS_TRUSTED_DELEGATOR" else into.for_email).add(digest)
            after = one.get("CKA_NSS_SERVER_DISTRUST_AFTER", b"")
            if re.fullmatch(rb"\d{12}Z", after):
                into.distrusted[digest] = datetime.strptime(after.decode(), "%y%m%d%H%M%SZ").date()  # noqa: DTZ007
        into.names.append(f"Mozilla's certdata.txt: {path.stem}")
    into.for_email -= servers


def certdata_objects(path: Path) -> Iterator[dict[str, bytes]]:
    """Objects of certdata.txt, each attribute as bytes."""
    current: dict[str, bytes] = {}
    lines = iter(path.read_text("utf-8", "replace").splitlines())
    for line in lines:
        found = re.match(r"(CKA_\w+) (\w+) ?(.*)", line)
        if found is None:
            continue
        name, kind, value = found[1], found[2], found[3].encode()
        if kind == "MULTILINE_OCTAL":
            digits = "".join(iter(lambda: next(lines).strip(), "END"))
            value = bytes(int(one, 8) for one in digits.split("\\")[1:])
        if name == "CKA_CLASS" and current:
            yield current
            current = {}
        current[name] = value
    yield current


def for_servers(sources: Sources, by_hand: Mapping[str, Any]) -> set[str]:
    """Digests of what is listed."""
    mozilla = {root for s in sources.snapshots if s.program == "Mozilla" for root in s.roots}
    every = {root for s in sources.snapshots for root in s.roots}
    every -= {
        root
        for root in every - mozilla
        if root in sources.for_email
        or NOT_FOR_SERVERS.search(sources.certificates[root].subject_text)
        or not sources.certificates[root].may_serve_tls
        or not sources.certificates[
            root
        ].is_self_issued  # intermediates, allowed or blocked by name
    }
    return every | {row["sha256"] for row in by_hand["root"]}


def write_programs(sources: Sources, listed: set[str], named: Mapping[str, str]) -> None:
    """Each root once, under the first program that had it."""
    seen: set[str] = set()
    for program in dict.fromkeys(["Mozilla", *sorted({s.program for s in sources.snapshots})]):
        had = {root for s in sources.snapshots if s.program == program for root in s.roots}
        roots = {root: short_name(sources.certificates[root]) for root in (had & listed) - seen}
        seen |= set(roots)
        write_program(program, roots)
    write_program("in no list that was found", {r: named[r] for r in listed - seen})


def write_program(source: str, roots: Mapping[str, str]) -> None:
    print(f"\n[[program]]\nsource = {json.dumps(source)}\n[program.roots]")
    for digest, name in sorted(roots.items(), key=lambda item: (item[1].casefold(), item[0])):
        print(f"{digest} = {json.dumps(name, ensure_ascii=False)}")


def short_name(certificate: Certificate) -> str:
    fields = certificate.subject_fields
    return next((fields[k][0] for k in ("CN", "OU", "O") if fields.get(k)), "?")


def ends(sources: Sources, roots: list[str], by_hand: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows, those by hand first."""
    rows: list[dict[str, Any]] = []
    told: set[str] = set()
    for row in by_hand:
        whole = [one for start in row["roots"] for one in roots if one.startswith(start)]
        assert len(whole) == len(row["roots"]), row
        told.update(whole)
        rows.append(hand_row(sources, row, whole))
    groups: dict[tuple[tuple[str, Any], ...], list[str]] = defaultdict(list)
    for root in roots:
        end = None if root in told else end_by_lists(sources, root)
        if end is not None:
            groups[tuple(end.items())].append(root)
    return rows + [dict(key) | {"roots": groups[key]} for key in sorted(groups, key=str)]


def hand_row(sources: Sources, row: dict[str, Any], roots: list[str]) -> dict[str, Any]:
    for root in roots:
        told = sources.by_sct if row.get("by") == "sct" else sources.distrusted
        if root in told:
            assert told[root] == row["until"], (row, told[root])
    found = {k: v for k, v in row.items() if k != "program"} | {"roots": roots}
    if "program" in row:
        newest = has(sources, roots[0])
        found["elsewhere"] = sorted(set().union(newest, *(has(sources, r) for r in roots)))
    if "until" not in row:
        bounds = [bounds_of(sources, root, ("Mozilla",)) for root in roots]
        found["seen"] = min(seen for seen, _ in bounds)
        found["until"] = max(gone for _, gone in bounds if gone is not None)
    return found


def end_by_lists(sources: Sources, root: str) -> dict[str, Any] | None:
    """A row without roots; None where a program still has it."""
    if has(sources, root):
        return None
    expires = sources.certificates[root].not_after.date()
    seen, gone = bounds_of(sources, root)
    if expires <= (gone or sources.made):
        return {"kind": "expired", "source": "its own validity"}
    if gone is None:
        return {"kind": "unknown", "seen": seen, "source": "the last list that has it"}
    source = "the last list that has it, and the first that lacks it"
    kind = "replaced" if succeeded(sources, root) else "removed"
    return {"kind": kind, "seen": seen, "until": gone, "source": source}


def has(sources: Sources, root: str) -> set[str]:
    """Programs whose newest list has it."""
    newest: dict[str, Snapshot] = {}
    for one in sources.snapshots:
        if one.program not in newest or one.day > newest[one.program].day:
            newest[one.program] = one
    fresh = [one for one in newest.values() if sources.made - one.day <= RECENT]
    return {one.program for one in fresh if root in one.roots}


def bounds_of(
    sources: Sources, root: str, programs: tuple[str, ...] = ()
) -> tuple[date, date | None]:
    """The last day on which any program was seen with it, and the first on which all had dropped it."""
    last: list[date] = []
    gone: list[date | None] = []
    for program in programs or {s.program for s in sources.snapshots}:
        days = sorted((s.day, root in s.roots) for s in sources.snapshots if s.program == program)
        with_it = [day for day, has_it in days if has_it]
        if with_it:
            last.append(with_it[-1])
            gone.append(next((day for day, _ in days if day > with_it[-1]), None))
    known = [day for day in gone if day is not None]
    return max(last), max(known) if len(known) == len(gone) else None


def succeeded(sources: Sources, root: str) -> bool:
    """Whether a program has another certificate of the same key."""
    key = sources.certificates[root].spki
    others = (c for digest, c in sources.certificates.items() if digest != root and c.spki == key)
    return any(has(sources, other.sha256) for other in others)


def write_end(row: Mapping[str, Any]) -> None:
    print("\n[[end]]")
    for name in ("owner", "kind", "by", "elsewhere", "source"):
        if name in row:
            print(f"{name} = {json.dumps(row[name], ensure_ascii=False)}")
    for name in ("seen", "until"):
        if name in row:
            print(f"{name} = {row[name]}")
    print("roots = [", *(f'    "{root}",' for root in row["roots"]), "]", sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
