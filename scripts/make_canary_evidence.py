"""Find leaves whose SCTs prove that a name was publicly logged: evidence for detector/data/canary_hosts.toml.

    python scripts/make_canary_evidence.py names SOURCE...      # each name, the time of its latest valid SCT
    python scripts/make_canary_evidence.py write SOURCE...      # keep those of the table's hosts, and write them into it

A source is a folder; PEM in any file, DER certificates and captures below it are read. What a leaf needs beside
itself is its issuer's key: of a certificate in the sources, or of the shipped list of intermediates. An SCT that is
not valid by detector.chain.sct with the shipped logs is no evidence, and a wildcard is none for a name.
"""

from __future__ import annotations

import base64
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import structs

sys.path.insert(0, str(Path(__file__).parents[1]))

from detector.chain.certificate import Certificate, split_pem
from detector.chain.sct import SctResult, check_scts
from detector.chain.signature import is_signed_by
from detector.errors import TlsightError
from detector.knowledge.assemble import assemble
from detector.knowledge.shipped import LogsOfAllTimes, canary_hosts, ct_logs
from detector.known.canaries import CanaryHost, LoggedLeaf
from detector.known.knowledge import Knowledge
from detector.runs.captures import CaptureRun

CAPTURES = (".pcap", ".pcapng", ".trace")
CERTIFICATES = (".der", ".crt", ".cer")
MAX_TEXT = 4 << 20
KEPT = Path(__file__).parents[1] / "tests/data/canary_evidence.ndjson"
TABLE = Path(__file__).parents[1] / "detector/data/canary_hosts.toml"


class Issuer(msgspec.Struct, frozen=True):
    """Whose key signed; all that an SCT asks of it."""

    spki_sha256: str


class Evidence(msgspec.Struct, frozen=True):
    """What is kept of a leaf: all that its SCT's signature is over."""

    host: str
    issuer: str
    leaf: str


def main(verb: str, *sources: str) -> int:
    if verb == "names":
        for name, (result, leaf, _) in sorted(proven(sources).items()):
            print(f"{name}\t{result.sct.timestamp:%Y-%m-%d}\t{leaf.issuer_text}")
    elif verb == "write":
        write(sources)
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


def proven(sources: Iterable[str]) -> dict[str, tuple[SctResult, Certificate, Issuer]]:
    """By name, the latest valid SCT of a leaf that has exactly this name, the leaf and its issuer."""
    logs = LogsOfAllTimes(ct_logs())
    found: dict[str, tuple[SctResult, Certificate, Issuer]] = {}
    for leaf, issuer in issued(certificates(sources)):
        latest = latest_valid(leaf, issuer, logs)
        if latest is None:
            continue
        for name in (name.lower() for name in leaf.dns_names if not name.startswith("*")):
            before = found.get(name)
            if before is None or before[0].sct.timestamp < latest.sct.timestamp:
                found[name] = latest, leaf, issuer
    return found


def latest_valid(leaf: Certificate, issuer: Issuer, logs: LogsOfAllTimes) -> SctResult | None:
    """The latest of the leaf's embedded SCTs that are valid."""
    with suppress(TlsightError):
        valid = [one for one in check_scts(leaf, issuer, logs) if one.status == "valid"]
        return max(valid, key=lambda one: one.sct.timestamp_ms, default=None)
    return None


def issued(pool: Iterable[Certificate]) -> Iterator[tuple[Certificate, Issuer]]:
    """Each certificate with SCTs, and whoever's key made its signature."""
    intermediates = assemble(local=False).intermediates
    by_name: dict[bytes, dict[str, Certificate]] = defaultdict(dict)
    leaves: dict[str, Certificate] = {}
    for one in pool:
        by_name[one.subject][one.spki_sha256] = one
        if one.extension("SCT") is not None:
            leaves[one.sha256] = one
    for leaf in leaves.values():
        for issuer in by_name.get(leaf.issuer, {}).values():
            if is_signed_by(leaf, issuer.spki):
                yield leaf, Issuer(issuer.spki_sha256)
        for listed in intermediates.named(leaf.issuer):
            yield leaf, Issuer(listed.spki_sha256)


def certificates(sources: Iterable[str]) -> Iterator[Certificate]:
    """All that can be read below the folders."""
    known = assemble(local=False)
    for source in sources:
        for path in sorted(Path(source).rglob("*")):
            if path.is_file():
                for data in sent(path, known) if path.suffix in CAPTURES else written(path):
                    with suppress(TlsightError, ValueError):
                        yield Certificate(data)


def sent(path: Path, known: Knowledge) -> Iterator[bytes]:
    """What servers sent in a capture."""
    with suppress(TlsightError):
        for one in CaptureRun(files=(str(path),)).begin(known):
            yield from one.connection.chain


def written(path: Path) -> Iterator[bytes]:
    """The PEM blocks of a text, or one DER."""
    if path.stat().st_size <= MAX_TEXT:
        data = path.read_bytes()
        with suppress(TlsightError):
            yield from split_pem(data)
        if path.suffix in CERTIFICATES and data[:1] == b"\x30":
            yield data


def write(sources: Iterable[str]) -> None:
    """Keep the evidence for the table's hosts, and name it in the table."""
    found = proven(sources)
    told = TABLE.read_text()
    table = [told[: told.index("\n[[canary]]")]]
    with KEPT.open("wb") as out:
        for row in canary_hosts():
            if row.host in found:
                result, leaf, issuer = found[row.host]
                one = Evidence(row.host, issuer.spki_sha256, base64.b64encode(leaf.der).decode())
                out.write(msgspec.json.encode(one) + b"\n")
                row = structs.replace(row, checked=True, evidence=evidence_of(result, leaf))  # noqa: PLW2901
            table.append(toml(row))
    TABLE.write_text("".join(table))


def evidence_of(result: SctResult, leaf: Certificate) -> LoggedLeaf:
    """As the table names it."""
    return LoggedLeaf(
        result.sct.log_id.hex(), result.sct.timestamp.replace(microsecond=0), leaf.sha256
    )


def toml(row: CanaryHost) -> str:
    """One row of the table."""
    lines = ["", "[[canary]]"]
    lines += [f'{name} = "{getattr(row, name)}"' for name in ("host", "owner", "region")]
    lines.append(f"checked = {str(row.checked).lower()}")
    if (kept := row.evidence) is not None:
        lines += [
            "[canary.evidence]",
            f'log = "{kept.log}"',
            f"at = {kept.at:%Y-%m-%dT%H:%M:%SZ}",
            f'leaf = "{kept.leaf}"',
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
