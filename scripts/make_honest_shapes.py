"""Write detector/data/honest_shapes.ndjson: the shapes of honest leaves, which no engine's row may match.

    python scripts/make_honest_shapes.py SOURCE... > detector/data/honest_shapes.ndjson

A source is "NAME=FOLDER". Chains (PEM, DER) and captures below it are read; packed captures too. What is made by
`scripts/honest_chains.sh` keeps the program's name: the folder that the file is in. Kept are features alone: no
key, no serial number, no host; of other people's names nothing but which attributes they have.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from detector.chain.certificate import read_certificate
from detector.chain.shape_learning import HonestShape
from detector.chain.shape_rule import HOST, Features, features_of
from detector.errors import TlsightError
from detector.knowledge.assemble import assemble
from detector.runs.captures import CaptureRun
from detector.runs.engines import chain_of, shape_of

CAPTURES = (".pcap", ".pcapng", ".trace", ".gz")


def main(sources: list[str]) -> int:
    kept: dict[bytes, None] = {}
    for source in sources:
        name, _, folder = source.partition("=")
        for label, chain in _chains(Path(folder)):
            try:
                shape = features_of(shape_of(chain, _first_name(chain)))
            except TlsightError as error:
                print(f"{label}: {error}", file=sys.stderr)
                continue
            # Programs were run with names of our own; other people's stay theirs.
            shape = msgspec.structs.replace(shape if label else _nameless(shape), not_before="")
            honest = HonestShape(label or name, shape)
            kept[msgspec.json.encode(honest)] = None
    for line in kept:
        print(line.decode())
    print(f"{len(kept)} shapes", file=sys.stderr)
    return 0


def _chains(folder: Path) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    known = assemble(local=False)
    for path in sorted(folder.rglob("*")):
        if path.suffix in CAPTURES:
            try:
                for one in CaptureRun(files=(str(path),)).begin(known):
                    if one.connection.chain:
                        yield "", tuple(one.connection.chain)
            except TlsightError as error:
                print(f"{path}: {error}", file=sys.stderr)
        elif chain := chain_of(path):
            yield path.parent.name if path.parent != folder else "", chain


def _first_name(chain: tuple[bytes, ...]) -> str:
    leaf = read_certificate(chain[0])
    names = (*leaf.dns_names, *leaf.ip_addresses, *leaf.subject_fields.get("CN", ()))
    return names[0].removeprefix("*.") if names else ""


def _nameless(shape: Features) -> Features:
    """Without what names anybody: attributes stay, their values go where they are not a country's."""

    def plain(fields: dict[str, list[str]]) -> dict[str, list[str]]:
        return {
            name: [v if v == HOST or name == "C" else "..." for v in values]
            for name, values in fields.items()
        }

    return msgspec.structs.replace(
        shape,
        issuer=plain(shape.issuer),
        subject=plain(shape.subject),
        crl_text="http://..." if shape.crl_text else "",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
