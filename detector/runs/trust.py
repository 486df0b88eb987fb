"""A run of the trust audit: look at this machine's stores and settings, and say what stands out."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import msgspec

from detector import clock
from detector.auditing.audit import audit
from detector.auditing.model import TrustAudit, TrustKnowledge
from detector.auditing.precedence import tool_trust
from detector.bounded import real_path
from detector.errors import ConfigError
from detector.knowledge.assemble import assemble
from detector.knowledge.installed import InstalledLists
from detector.knowledge.programs import programs
from detector.knowledge.shipped import load_published_keys
from detector.knowledge.trust_tables import public_roots, unsafe_keys
from detector.known.knowledge import PublishedKeys
from detector.stores.survey import survey, variables_for


class TrustRun(msgspec.Struct, frozen=True):
    """What to audit, and what to compare it with.

    Attributes:
        root: where the file system begins; also that of a mounted image.
        homes: users' homes; those of the machine when left out.
        also: more bundles, NSS databases or keystores.
        policy: TOML file; CAs that it declares are notes.
        published: TOML file of more keys that everybody has.
        lists: folder of installed lists.

    """

    root: Path = Path("/")
    homes: tuple[Path, ...] | None = None
    also: tuple[Path, ...] = ()
    policy: Path | None = None
    published: Path | None = None
    lists: Path | None = None

    def audit(self) -> TrustAudit:
        """The audit. Raises ConfigError for what is not there, or cannot be read."""
        for path in (self.root, *(self.homes or ()), *self.also):
            if not path.exists():
                raise ConfigError(str(path), "no such file or folder")
        known = self._known()
        root = real_path(self.root)
        seen = survey(
            variables_for(root), programs().values(), clock.now(),
            root=root, homes=self.homes, also=self.also,
        )  # fmt: skip
        public = frozenset(known.public) | {c.sha256 for c in known.known.public.certificates}
        tools = tool_trust(programs(), seen)
        return TrustAudit(seen, audit(seen, known), tuple(tools), public)

    def _known(self) -> TrustKnowledge:
        from detector.knowledge.folders import state_folder

        installed = InstalledLists(self.lists or state_folder(os.environ) / "lists")
        known = assemble(policy=self.policy, lists=installed, local=False)
        if self.published is not None:
            keys = (*known.published.keys, *load_published_keys(self.published).keys)
            known = replace(known, published=PublishedKeys(keys))
        owners = installed.ca_owners()
        public = {**(owners.roots if owners else {}), **public_roots()}
        return TrustKnowledge(known, public, clock.now().date(), unsafe_keys())
