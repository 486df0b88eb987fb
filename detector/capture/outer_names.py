"""Which server names in hellos only stand for others: the outer names of Encrypted Client Hello (RFC 9849).

Theory of operation
-------------------
A client that hides the name sends the public name of the server's ECHConfig in its place, and an extension. A client
that has no such configuration sends an extension that looks the same (GREASE, section 6.2), with the true name. So the
extension alone says nothing; with a name that is known to be a public one it does. Known are those of a table, and those
that the capture's own DNS answers give out (HTTPS records, RFC 9460).
"""

from __future__ import annotations

from collections.abc import Iterable

from detector.errors import WireError
from detector.wire.ech import public_names

_MAX_NAMES = 4096
_MAX_ANSWER = 1 << 14
_RECORD = b"\0\x41\0\x01"  # HTTPS, IN
_CONFIG = b"\xfe\x0d"


class OuterNames:
    """Public names, in lower case.

    Args:
        known: those of the table.

    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._names = set(known)

    def __contains__(self, name: str | None) -> bool:
        return name is not None and name.rstrip(".").lower() in self._names

    def learn(self, answer: bytes) -> None:
        """Take in a DNS answer, if it is one that holds configurations. Never raises."""
        if _RECORD not in answer or _CONFIG not in answer or len(answer) > _MAX_ANSWER:
            return
        for configs in _configurations(answer):
            try:
                names = public_names(configs)
            except WireError:
                continue
            if len(self._names) + len(names) <= _MAX_NAMES:
                self._names.update(name.rstrip(".") for name in names if name)


def _configurations(answer: bytes) -> list[bytes]:
    import dns.exception
    import dns.message
    from dns.rdatatype import RdataType
    from dns.rdtypes.svcbbase import ECHParam, ParamKey, SVCBBase

    found: list[bytes] = []
    try:
        message = dns.message.from_wire(answer, ignore_trailing=True)
        for records in message.answer:
            for record in records:
                if isinstance(record, SVCBBase) and records.rdtype == RdataType.HTTPS:
                    given = record.params.get(ParamKey.ECH)
                    if isinstance(given, ECHParam):
                        found.append(given.ech)
    except (dns.exception.DNSException, ValueError):
        return found
    return found
