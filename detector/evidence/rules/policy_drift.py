"""policy-drift: what the policy allows and what is going on have come apart.

- new-key: the issuer bears the name of a sanctioned interceptor's CA, but signs with another key. Its
  CA was replaced without telling, or somebody poses as it.
- unlawful-issuer: a certificate below its CA signs that may not: whoever has one poses as it. One
  that is out of date may not any more.
- forbidden-host: a sanctioned interceptor decrypts what it may not. A company's CA may serve its intranet as well,
  which the policy says in `private` or `internal`: then a host that its permission leaves out is no drift.
- expired: it goes on after the permission ended.
- published-key: its key is one that everybody has.
"""

from __future__ import annotations

from detector.chain.names import is_special_use
from detector.evidence.examination import Examination
from detector.evidence.sanctions import entry_for, may_decrypt
from detector.evidence.sharing import Sharing
from detector.known.hosts import any_matches
from detector.known.knowledge import Sanctioned
from detector.model.observation import Evidence, Strength


def find(seen: Examination, _: Sharing) -> Evidence | None:
    if not seen.known.policy.sanctioned or seen.is_public_path:
        return None
    entry = entry_for(seen)
    if entry is None:
        return _unlawful_issuer(seen) or _new_key(seen)
    if not may_decrypt(entry, seen.host):
        if any_matches(entry.never, seen.host):
            text = f"{entry.name} decrypts {seen.host}, which the policy forbids."
        elif _may_serve(entry, seen):
            return None
        else:
            text = f"{entry.name} answers for {seen.host}, which its permission does not name."
        return _evidence("forbidden-host", entry, text)
    if entry.expires is not None and seen.observation.at.date() > entry.expires:
        text = f"{entry.name} still decrypts, after its permission ended."
        return _evidence("expired", entry, text)
    if any(seen.known.published.find(key) for key in seen.issuing_keys):
        text = f"The key of {entry.name} is one that everybody has; replace its CA."
        return _evidence("published-key", entry, text)
    return None


def _may_serve(entry: Sanctioned, seen: Examination) -> bool:
    """The CA may be the host's own: the policy names it for the host, or calls the host internal and has no inner
    host decrypted by it.
    """
    if seen.is_expected_private:
        return True
    inner = seen.known.policy.internal
    if not any_matches(inner, seen.host):
        return False
    names = [pattern.text.lstrip("*.") for pattern in entry.decrypt]
    return not any(name and (is_special_use(name) or any_matches(inner, name)) for name in names)


def _unlawful_issuer(seen: Examination) -> Evidence | None:
    for entry in seen.known.policy.sanctioned:
        if not seen.issuing_keys.isdisjoint(entry.keys):
            text = f"The path to the CA of {entry.name} has a certificate that may not sign, or no more."
            return _evidence("unlawful-issuer", entry, text)
    return None


def _new_key(seen: Examination) -> Evidence | None:
    names = {name for c in seen.path.certificates for name in c.issuer_fields.get("CN", ())}
    for entry in seen.known.policy.sanctioned:
        if entry.ca_name and entry.ca_name in names:
            text = f"The issuer bears the name of {entry.name}, but signs with another key."
            return _evidence("new-key", entry, text, "weak")  # a common name is anybody's
    return None


def _evidence(kind: str, entry: Sanctioned, text: str, strength: Strength = "strong") -> Evidence:
    details = {"kind": kind, "name": entry.name} | ({"owner": entry.owner} if entry.owner else {})
    return Evidence("policy-drift", "intercepted", strength, text, details)
