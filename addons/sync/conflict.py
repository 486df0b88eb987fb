"""What is in force at a gateway, of what the centre says and what was decided there.

Rules
-----
1. The centre's list takes the place of what came from the centre before; rules of the gateway's own stay. Between
   rules of different patterns the usual order decides (reach.py), as if all were one list.
2. Where both have the same pattern, the tighter action counts: block before inspect before pass.
3. With the same action what a person approved counts before a trial, and else the centre's: it says who
   answers for it, and until when.
4. A draft waits for a person and is not in force; the centre's rule counts.
5. A rule of the gateway's own that does not count is put aside, and comes back when the centre's rule goes, or no
   longer counts.
6. A rule of the centre that somebody changed or removed at the gateway stays as it was left there until the centre
   changes that rule itself: who stops a bypass on the spot must not see it come back by itself.
7. All this is weighed when another list comes. A rule whose last day is over is weighed as it was meant; it passes
   nothing anyway. Trials that are over are no part of a list.

      the centre says   the gateway's own   in force
      pass              -                   pass, the centre's
      pass              pass                pass, the centre's        (own one aside)
      pass, on trial    pass, approved      pass, the gateway's
      pass              pass, on trial      pass, the centre's        (own one aside)
      pass              inspect             inspect, the gateway's
      inspect           pass                inspect, the centre's     (own one aside)
      inspect           block               block, the gateway's
      block             pass or inspect     block, the centre's       (own one aside)
      pass              a draft             pass, the centre's        (own one aside)
      -                 anything            the gateway's
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from addons.bypass.change import Change
from addons.bypass.ledger import Placed

_TIGHTER = {"pass": 0, "inspect": 1, "block": 2}


class Central(msgspec.Struct, frozen=True):
    """One rule of the list taken last.

    Attributes:
        said: as the centre said it.
        aside: the gateway's own rule with this pattern that does not count meanwhile.
        counts: it was put in force; else the gateway's own one stayed.

    """

    said: Placed
    aside: Placed | None = None
    counts: bool = True


class Settled(msgspec.Struct, frozen=True):
    """What a list changes.

    Attributes:
        changes: of the gateway's table.
        central: all that the centre says by now.
        kept: patterns of the list where the gateway's own rule, or what somebody did there, counts.

    """

    changes: tuple[Change, ...]
    central: dict[str, Central]
    kept: tuple[str, ...]


def settled(
    here: Mapping[str, Placed | None], before: Mapping[str, Central], said: Mapping[str, Placed]
) -> Settled:
    """What to change so that a list counts.

    Args:
        here: the gateway's table by pattern; None for a row that says something else than its pattern.
        before: what the centre had said last.
        said: what it says now.

    """
    changes: list[Change] = []
    central: dict[str, Central] = {}
    kept: list[str] = []
    for pattern in sorted({*before, *said}):
        old, wanted, there = before.get(pattern), said.get(pattern), here.get(pattern)
        in_force = old is not None and there == old.said
        own = old.aside if in_force and old is not None else there
        if wanted is None:
            if in_force and own is not None:
                changes.append(Change(pattern, there, own))
            elif in_force:
                changes.append(Change(pattern, there, None))
            continue
        if old is not None and old.counts and not in_force and wanted == old.said:
            # Somebody changed it here, and the centre says what it said.
            central[pattern] = old
            kept.append(pattern)
        elif own is None or _counts(wanted, own):
            central[pattern] = Central(wanted, own)
            if there != wanted:
                changes.append(Change(pattern, there, wanted))
        else:
            central[pattern] = Central(wanted, counts=False)
            kept.append(pattern)
            if there != own:
                changes.append(Change(pattern, there, own))
    return Settled(tuple(changes), central, tuple(kept))


def _counts(central: Placed, own: Placed) -> bool:
    """Whether the centre's rule counts before the gateway's own of the same pattern."""
    if own.state == "draft" or own.row is None or central.row is None:
        return True
    theirs, ours = _TIGHTER[central.row.action], _TIGHTER[own.row.action]
    if theirs != ours:
        return theirs > ours
    return not (central.state == "trial" and own.state == "approved")
