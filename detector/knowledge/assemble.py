"""Knowledge put together from the shipped tables and the user's files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from detector.chain.anchors import ProgramRoots, SelectedRoots, TrustAnchors
from detector.chain.sct import CTLog
from detector.knowledge import shipped
from detector.knowledge.causes import cause_table
from detector.knowledge.roots import local_roots, public_roots, roots_from_file
from detector.known.intermediates import PublicIntermediates
from detector.known.issuers import IssuerSource, IssuerTable
from detector.known.knowledge import Knowledge, LateRows, Pin, Policy

if TYPE_CHECKING:
    from detector.chain.root_table import RootTable
    from detector.knowledge.installed import InstalledLists


def assemble(
    *,
    roots: Path | None = None,
    ct_logs: Path | None = None,
    pins: Sequence[Pin] = (),
    pin_file: Path | None = None,
    policy: Path | None = None,
    issuers: Path | None = None,
    store: IssuerSource | None = None,
    lists: InstalledLists | None = None,
    local: bool = True,
) -> Knowledge:
    """Everything a judge needs. Raises ConfigError for a file that cannot be used.

    Args:
        roots: PEM file of the roots to call public, instead of certifi's; makes it a lab, where
            special-use names and private addresses count as public ones, except below the root of a CA of the user's own.
        ct_logs: more CT logs, in Google's JSON schema.
        pins: pins given one by one.
        pin_file: TOML file of more pins.
        policy: TOML file; see detector.knowledge.policy.
        issuers: TOML or JSON file; see detector.knowledge.issuers.
        store: what was looked up in Certificate Transparency before.
        lists: what `tlsight update` installed.
        local: whether to ask the operating system's store; a lab never does.

    """
    logs = shipped.ct_logs()
    interception: frozenset[str] = frozenset()
    if lists is not None:
        logs = {**logs, **_installed_logs(lists)}
        crl_set = lists.crl_set()
        interception = frozenset((*crl_set.known, *crl_set.blocked)) if crl_set else interception
    given_logs = shipped.load_ct_logs(ct_logs) if ct_logs is not None else {}
    logs = {**logs, **given_logs}
    lab = roots is not None
    found = roots_from_file(roots) if roots is not None else public_roots()
    public = found if lab else SelectedRoots(found, _is_listed)
    machine = local_roots() if local and not lab else None
    return Knowledge(
        public=public,
        anchors=_digest(found if lab else None, given_logs),
        causes=cause_table(),
        local=machine,
        programs=None if lab else ProgramRoots(_root_table, machine, public, _past_roots),
        listed=None if lab else _root_table,
        added=None if lab else SelectedRoots(found, _is_unlisted),
        vouched=None if lab else _vouched_roots,
        canaries=frozenset(shipped.canaries()),
        logs=shipped.LogsOfAllTimes(logs),
        products=LateRows(shipped.products),
        engines=LateRows(shipped.engines),
        shared_cas=LateRows(shipped.shared_cas),
        published=shipped.published_keys(),
        pins=(*pins, *(_pins(pin_file) if pin_file is not None else ())),
        policy=_policy(policy) if policy is not None else Policy(),
        issuers=(
            *((_issuers(issuers),) if issuers is not None else ()),
            *((store,) if store is not None else ()),
        ),
        interception=interception,
        intermediates=PublicIntermediates(shipped.public_intermediates if roots is None else tuple),
        owners=_owners_of(lists) if lists is not None else dict,
        lab=lab,
        own=SelectedRoots(found, _is_unlisted) if lab and ct_logs is None else None,
    )


def _digest(roots: TrustAnchors | None, logs: Iterable[bytes]) -> str:
    """Of what the user gave, in whatever order; "" of nothing."""
    given = sorted(one.sha256 for one in roots.certificates) if roots is not None else []
    given += ["logs", *sorted(log.hex() for log in logs)]
    return sha256(" ".join(given).encode()).hexdigest() if given != ["logs"] else ""


def _root_table() -> RootTable:
    from detector.knowledge.trust_tables import root_table

    return root_table()


def _past_roots() -> tuple[bytes, ...]:
    from detector.knowledge.past_roots import past_roots

    return past_roots()


def _is_listed(sha256: str) -> bool:
    return sha256 in _root_table()


def _is_unlisted(sha256: str) -> bool:
    return not _is_listed(sha256)


@cache
def _vouched_roots() -> frozenset[str]:
    from detector.knowledge.packages import vouched_roots

    return vouched_roots(_root_table().made)


def _installed_logs(lists: InstalledLists) -> dict[bytes, CTLog]:
    from detector.knowledge.installed import LOG_LISTS

    found: dict[bytes, CTLog] = {}
    for name in LOG_LISTS:
        one = lists.log_list(name)
        found |= one.logs if one is not None else {}
    return found


def _owners_of(lists: InstalledLists) -> Callable[[], Mapping[str, str]]:
    @cache
    def load() -> Mapping[str, str]:
        found = lists.ca_owners()
        return found.owners if found is not None else {}

    return load


# Each reader is imported when its file is given: most runs have none of them.


def _pins(path: Path) -> tuple[Pin, ...]:
    from detector.knowledge.pins import load_pins

    return load_pins(path)


def _policy(path: Path) -> Policy:
    from detector.knowledge.policy import load_policy

    return load_policy(path)


def _issuers(path: Path) -> IssuerTable:
    from detector.knowledge.issuers import load_issuers

    return load_issuers(path)
