"""In what a hello is not one of the browser that a rule describes, each as a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from detector.capture.connection import HelloFacts
from detector.forensics.browser_rules import BrowserRule
from detector.wire.registry import is_grease

# Every client may add them: padding (RFC 7685), a cookie after a retry, a ticket of before and early data.
_ALWAYS = frozenset((21, 41, 42, 44))
_FALLBACK = 0x5600  # TLS_FALLBACK_SCSV (RFC 7507)
_ANYWHERE = frozenset((0x1301, 0x1302, 0x1303, 0xCC13, 0xCC14, 0xCCA8, 0xCCA9))
# What builds for one country add under the common name: GOST (RFC 9189, RFC 9367) and SM (RFC 8998).
_NATIONAL_SUITES = frozenset((*range(0xC100, 0xC107), 0xFF85, 0x0081, 0x00C6, 0x00C7))
_NATIONAL_GROUPS = frozenset(range(34, 42))
_NATIONAL_SCHEMES = frozenset(range(0x0708, 0x0710))
_SHOWN = 6


def impossible(rule: BrowserRule, hello: HelloFacts) -> list[str]:
    """What no release of the interval sends, whatever its settings."""
    found: list[str] = []
    name = rule.name
    kinds = {kind for kind in hello.extensions if not is_grease(kind)}
    grease = len(kinds) < len(set(hello.extensions))
    if rule.grease is not None and grease != rule.grease:
        found.append(f"{name} {'sends' if rule.grease else 'never sends'} GREASE.")
    ignored = {_FALLBACK, *_NATIONAL_SUITES} - set(rule.suites)
    suites = [code for code in hello.ciphers if code not in ignored]
    if extra := [code for code in suites if code not in rule.suites]:
        found.append(f"{name} never offers the suites {_hex(extra)}.")
    elif rule.ordered and not _in_order(suites, rule.suites):
        found.append(f"{name} offers its suites in another order than {_hex(suites)}.")
    if extra := sorted(kinds.difference(rule.extensions, _ALWAYS)):
        found.append(f"{name} never sends the extensions {_listed(extra)}.")
    if missing := [kind for kind in rule.required if kind not in kinds]:
        found.append(f"{name} always sends the extensions {_listed(missing)}; they are missing.")
    groups = {*rule.groups, *_NATIONAL_GROUPS}
    if rule.groups and (extra := [group for group in hello.groups if group not in groups]):
        found.append(f"{name} never offers the groups {_listed(extra)}.")
    schemes = {*rule.schemes, *_NATIONAL_SCHEMES}
    if rule.schemes and (extra := [code for code in hello.schemes if code not in schemes]):
        found.append(f"{name} never offers the signature schemes {_hex(extra)}.")
    if any(hello.formats):
        found.append(
            f"{name} offers uncompressed points alone; this hello {_listed(hello.formats)}."
        )
    if any(hello.compressions):
        found.append(f"{name} offers no compression; this hello {_listed(hello.compressions)}.")
    return found


def unusual(rule: BrowserRule, hello: HelloFacts) -> list[str]:
    """What only a setting or a special build makes of that browser: it may be one, or somebody else."""
    found: list[str] = []
    name = rule.name
    if added := [code for code in hello.ciphers if code in _NATIONAL_SUITES - set(rule.suites)]:
        found.append(f"Only {name} built for one country offers the suites {_hex(added)}.")
    # With a ticket of TLS 1.3 at hand NSS asks for none of TLS 1.2.
    kinds = {*hello.extensions, 35} if 41 in hello.extensions else set(hello.extensions)
    if missing := [kind for kind in rule.usual if kind not in kinds]:
        found.append(f"{name} usually sends the extensions {_listed(missing)}; they are missing.")
    if missing := [code for code in rule.usual_suites if code not in hello.ciphers]:
        found.append(f"{name} usually offers the suites {_hex(missing)}; they are missing.")
    return found


def _in_order(sent: Sequence[int], allowed: Sequence[int]) -> bool:
    """The suites of TLS 1.2 without ChaCha20; the order of TLS 1.3's is the hardware's choice with some."""
    told = [code for code in sent if code not in _ANYWHERE]
    return told == [code for code in allowed if code in told]


def _hex(codes: Iterable[int]) -> str:
    return _listed(f"{code:04x}" for code in codes)


def _listed(codes: Iterable[object]) -> str:
    """The first few, and how many more."""
    every = list(map(str, codes))
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more
