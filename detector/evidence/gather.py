"""All rules, in the order in which their findings are shown, and how they are run."""

from __future__ import annotations

from collections.abc import Callable

from detector.errors import CertificateError
from detector.evidence.examination import Examination
from detector.evidence.rules import (
    address_odd,
    canaries_clean,
    canaries_dirty,
    ct_issuer_known,
    ct_issuer_unknown,
    ct_logged,
    early_renewal,
    engine_match,
    interception_key,
    issuer_impersonated,
    issuer_shared,
    leaf_key_shared,
    minted_now,
    name_mismatch,
    names_astray,
    one_leaf_for_all,
    other_private_ca,
    path_incomplete,
    path_local_root,
    path_private,
    path_public,
    pin_match,
    pin_mismatch,
    policy_drift,
    product_match,
    profile_not_public,
    protocol_downgrade,
    public_host_private_ca,
    published_key,
    root_undecided,
    route_differs,
    sanctioned,
    sct_invalid,
    sct_missing,
    sct_verified,
    self_signed,
    signer_recovered,
    state_ca,
    ways_differ,
)
from detector.evidence.sharing import Sharing
from detector.model.observation import Evidence

Rule = Callable[[Examination, Sharing], Evidence | None]

RULES: tuple[Rule, ...] = (
    published_key.find,
    pin_match.find,
    pin_mismatch.find,
    issuer_impersonated.find,
    ct_logged.find,
    sct_verified.find,
    engine_match.find,
    product_match.find,
    interception_key.find,
    public_host_private_ca.find,
    leaf_key_shared.find,
    issuer_shared.find,
    ct_issuer_unknown.find,
    ct_issuer_known.find,
    route_differs.find,
    early_renewal.find,
    other_private_ca.find,
    address_odd.find,
    names_astray.find,
    one_leaf_for_all.find,
    canaries_dirty.find,
    canaries_clean.find,
    name_mismatch.find,
    state_ca.find,
    sct_invalid.find,
    sct_missing.find,
    profile_not_public.find,
    minted_now.find,
    protocol_downgrade.find,
    ways_differ.find,
    path_public.find,
    path_local_root.find,
    path_private.find,
    path_incomplete.find,
    root_undecided.find,
    signer_recovered.find,
    self_signed.find,
    policy_drift.find,
    sanctioned.find,
)


def gather(seen: Examination, sharing: Sharing) -> tuple[Evidence, ...]:
    """Run every rule. A certificate field that cannot be read becomes a finding of its own."""
    found: list[Evidence] = []
    for rule in RULES:
        try:
            evidence = rule(seen, sharing)
        except CertificateError as error:
            text = f"A certificate breaks its grammar: {error.message}."
            evidence = Evidence("malformed-certificate", "intercepted", "weak", text)
            if any(e.id == evidence.id for e in found):
                continue
        if evidence is not None:
            found.append(evidence)
    return tuple(found)
