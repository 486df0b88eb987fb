"""One tree of errors. Each carries a code, the objects it is about, and a remedy.

TlsightError
  WireError          bytes of a peer that are not what they claim to be; has the offset
  CertificateError   a certificate or chain file that cannot be read
  TargetError        a target on the command line or in a list that makes no sense
  ConfigError        pins, policy, roots or rules that cannot be read; has file and line
  StoreError         a database or file of tlsight's own cannot be used
  FetchError         a look-up on the network gave no usable answer
    RefusedError     nobody was asked: the address leads where the one who named it has no business
  ListError          a published list is unsigned, outdated or broken
  ProofError         a log gave no proof, or a false one
  EchoError          what came back is not the word of the server that was asked
  DialError          the network step that failed; has the step and the cause id
    ProxyError       what it failed by was the proxy, or told by it; has the fault
"""

from __future__ import annotations

from typing import Literal

DialEnding = Literal["rst", "fin", "silence", "refused"]
# What a way through a proxy failed by. The first line is the proxy itself; the second what it says of the
# server; the third what it thinks of the question; the last one what it wants to be asked by.
ProxyFault = Literal[
    "down", "lost", "away", "cut", "hangs", "certificate", "tls",
    "refused", "name", "silence", "unreachable", "failed", "overloaded",
    "policy", "port", "address-kind", "portal",
    "login", "wrong-login", "other-login", "scheme", "no-proxy", "pac",
]  # fmt: skip


class TlsightError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        code: stable identifier for programs.
        remedy: one sentence on what to do about it, or an empty string.

    """

    code = "error"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


class WireError(TlsightError):
    """Bytes on the wire break the protocol's grammar at `offset` (bytes from the start)."""

    code = "malformed"

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} at byte {offset}")
        self.offset = offset


class CaptureError(WireError):
    """A capture file breaks its format at `offset` (bytes from the start)."""

    code = "bad-capture"


class CertificateError(TlsightError):
    """A certificate cannot be read; `offset` is where its DER breaks, when known."""

    code = "bad-certificate"

    def __init__(self, message: str, *, offset: int | None = None, remedy: str = "") -> None:
        super().__init__(
            message if offset is None else f"{message} at byte {offset}", remedy=remedy
        )
        self.offset = offset


def without_login(target: str) -> str:
    """A target or URL for people to read: what stands before its last @ may be a password, wherever it ends."""
    before, at, after = target.rpartition("@")
    scheme, colon, _ = before.partition("://")
    return f"{scheme + colon if colon else ''}***{at}{after}" if at else target


class TargetError(TlsightError):
    """A target cannot be understood. A login in it is not repeated."""

    code = "bad-target"

    def __init__(self, target: str, why: str) -> None:
        shown = without_login(target)
        super().__init__(
            f"target {shown!r}: {why}", remedy="write host, host:port, [v6]:port or a URL"
        )
        self.target = shown


class ConfigError(TlsightError):
    """A file of settings or data cannot be used."""

    code = "bad-config"

    def __init__(self, path: str, why: str, *, line: int | None = None, remedy: str = "") -> None:
        where = path if line is None else f"{path}:{line}"
        super().__init__(f"{where}: {why}", remedy=remedy)
        self.path = path
        self.line = line


class UnknownLogError(ConfigError):
    """A file is no log of a known program."""


class StoreError(TlsightError):
    """A database or file of tlsight's own cannot be read or written."""

    code = "store"

    def __init__(self, path: str, why: str, *, remedy: str = "") -> None:
        super().__init__(f"{path}: {why}", remedy=remedy)
        self.path = path


class FetchError(TlsightError):
    """A look-up gave no usable answer.

    Attributes:
        url: what was asked, without a query.
        status: HTTP status, None when there was no answer at all.
        after: seconds that the server asked to wait, None where it did not.
        untrusted: the certificate of who answered for the URL did not verify.

    """

    code = "fetch"

    def __init__(
        self,
        url: str,
        why: str,
        *,
        status: int | None = None,
        remedy: str = "",
        after: float | None = None,
        untrusted: bool = False,
    ) -> None:
        super().__init__(f"{url}: {why}", remedy=remedy)
        self.url = url
        self.status = status
        self.after = after
        self.untrusted = untrusted


class RefusedError(FetchError):
    """Nothing was asked: the address leads where the one who named it has no business."""

    code = "refused"

    def __init__(self, url: str, why: str) -> None:
        self.why = f"not asked: {why}"
        super().__init__(url, self.why)


class ListError(TlsightError):
    """A published list cannot be used: not signed, older than the last one, or broken."""

    code = "bad-list"


class ProofError(TlsightError):
    """A log did not prove that it holds an entry."""

    code = "no-proof"

    def __init__(self, log: str, why: str) -> None:
        super().__init__(f"{log}: {why}")
        self.log = log


class EchoError(TlsightError):
    """What came back is not the word of the server that was asked."""

    code = "no-echo"


class DialError(TlsightError):
    """A step before or during the handshake failed.

    Attributes:
        step: dns, tcp, proxy, starttls or tls.
        cause: a cause id of the design's list.
        how: the way it ended: rst, fin, silence or refused; None where it is none of these.
        why: what this machine's own system says of it, without a host's name; empty where a peer did it.

    """

    code = "dial"

    def __init__(
        self,
        step: str,
        cause: str,
        message: str,
        *,
        remedy: str = "",
        how: DialEnding | None = None,
        why: str = "",
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.step = step
        self.cause = cause
        self.why = why
        self.how: DialEnding | None = how


class ProxyError(DialError):
    """The way through a proxy failed.

    Attributes:
        fault: by what; who acts is told by `detector.causes.through_proxy`.
        status: HTTP's status code or SOCKS' reply, None where the proxy answered neither.
        schemes: what the proxy takes for a login.

    """

    def __init__(
        self,
        fault: ProxyFault,
        cause: str,
        message: str,
        *,
        step: str = "proxy",
        status: int | None = None,
        schemes: tuple[str, ...] = (),
        how: DialEnding | None = None,
        why: str = "",
    ) -> None:
        super().__init__(step, cause, message, how=how, why=why)
        self.fault: ProxyFault = fault
        self.status = status
        self.schemes = schemes
