"""Learning a program's shape from recorded chains: files in, a proposed row out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from detector.bounded import read_bounded
from detector.chain.certificate import MAX_PEM, read_certificate, split_pem
from detector.chain.shape import LeafShape
from detector.chain.shape_learning import HonestShape, Learned, learn
from detector.chain.shape_rule import features_of
from detector.errors import CertificateError, ConfigError
from detector.knowledge.shipped import honest_shapes
from detector.model.observation import Observation


def learn_engine(minted: Iterable[Observation], honest: Path | None = None) -> Learned:
    """The row for a program's chains.

    Args:
        minted: what the program sent, one observation a host.
        honest: a folder of honest chains (PEM leaf first, or DER) to measure the row against, beside those
            that are shipped.

    Raises ConfigError for chains that are none, and for a folder that cannot be read.

    """
    try:
        shapes = [features_of(shape_of(o.chain, o.target.host)) for o in minted]
        own = tuple(shapes_below(honest)) if honest is not None else ()
        return learn(shapes, (*honest_shapes(), *own))
    except CertificateError as error:
        raise ConfigError("engine", error.message, remedy=error.remedy) from None


def shapes_below(folder: Path) -> Iterator[HonestShape]:
    """The shape of each chain in the files below a folder, each asked for by its own first name.

    Files that hold no certificate are passed over. Raises ConfigError where the folder is none.
    """
    if not folder.is_dir():
        raise ConfigError(str(folder), "no folder")
    for path in sorted(folder.rglob("*")):
        chain = chain_of(path)
        if not chain:
            continue
        try:
            leaf = read_certificate(chain[0])
            names = (*leaf.dns_names, *leaf.ip_addresses, *leaf.subject_fields.get("CN", ()))
            host = names[0].removeprefix("*.") if names else ""
            yield HonestShape(str(path.relative_to(folder)), features_of(shape_of(chain, host)))
        except CertificateError:
            continue


def chain_of(path: Path) -> tuple[bytes, ...]:
    """The certificates of a PEM or DER file, none where it is something else."""
    try:
        data = read_bounded(path, MAX_PEM + 1) if path.is_file() else b""
        if len(data) > MAX_PEM:
            return ()
        return tuple(split_pem(data)) or ((data,) if data[:1] == b"\x30" else ())
    except (OSError, CertificateError):
        return ()


def shape_of(chain: tuple[bytes, ...], host: str) -> LeafShape:
    """The shape of a chain's leaf. Raises CertificateError where one of its certificates cannot be read."""
    if not chain:
        raise CertificateError("no certificate was sent")
    sent = [read_certificate(data) for data in chain]
    return LeafShape(sent[0], sent, host)
