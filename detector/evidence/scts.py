"""All the SCTs of one observation, wherever they came, and whether they were looked for everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from detector.chain.certificate import Certificate
from detector.chain.sct import CTLog, Issuer, SctResult, check_scts, check_sent_scts, parse_sct_list
from detector.chain.stapled_scts import stapled_scts
from detector.errors import CertificateError, WireError
from detector.model.observation import Observation


def scts_of(
    observation: Observation,
    leaf: Certificate,
    issuer: Issuer | None,
    logs: Mapping[bytes, CTLog],
) -> tuple[SctResult, ...]:
    """Worth of each SCT: those in the leaf, then those sent beside it. A malformed list counts as none."""
    found: tuple[SctResult, ...] = ()
    with suppress(CertificateError):
        found += check_scts(leaf, issuer, logs)
    if observation.scts is not None:
        with suppress(WireError):
            sent = parse_sct_list(observation.scts)
            found += check_sent_scts(leaf, sent, logs, "tls-extension")
    if observation.ocsp is not None:
        with suppress(CertificateError):
            sent = stapled_scts(observation.ocsp, leaf.serial)
            found += check_sent_scts(leaf, sent, logs, "ocsp-staple")
    return found


def looked_everywhere(observation: Observation) -> bool:
    """The client asked for both that may carry SCTs beside the leaf, and its answer was seen."""
    return {"scts", "ocsp"} <= set(observation.asked_for)
