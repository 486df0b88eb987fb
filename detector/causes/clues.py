"""What the rules of this room ask about: an inquiry, its certificates, and everybody's verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from detector.chain.certificate import Certificate, name_text, read_certificate
from detector.errors import CertificateError
from detector.evidence.examination import Examination
from detector.known.knowledge import Knowledge
from detector.model.inquiry import Inquiry, Outcome, Trial
from detector.model.observation import Failure, Judgement, Party, Severity

if TYPE_CHECKING:
    from detector.causes.plan import Contrast

CLOCK_SLACK = timedelta(minutes=10)


class Claim(msgspec.Struct, frozen=True):
    """A cause that applies.

    Attributes:
        text: one sentence on this very server.
        evidence: what shows it, a sentence each.
        party: who acts, where it is not the one of the catalogue.
        fix: what to do, where the catalogue's advice can be said more exactly.
        confirm: the same for what would confirm it.
        confirm_as: the cause whose command confirms it, where it is not its own.
        web: the lines for web servers would mend it; not where another protocol answers.

    """

    severity: Severity
    text: str
    evidence: tuple[str, ...] = ()
    party: Party | None = None
    fix: str = ""
    confirm: str = ""
    confirm_as: str = ""
    web: bool = True


class Clues:
    """One inquiry under examination.

    Args:
        inquiry: what was tried.
        known: what certificates are compared with.
        judgement: who answered.
        seen: the observation's examination where it was made before.

    """

    def __init__(
        self,
        inquiry: Inquiry,
        known: Knowledge,
        judgement: Judgement,
        seen: Examination | None = None,
    ) -> None:
        self.inquiry = inquiry
        self.known = known
        self.judgement = judgement
        self.observation = inquiry.observation
        self.trials: Mapping[str, Trial] = inquiry.trials
        if seen is not None:
            self.seen = seen

    @property
    def host(self) -> str:
        return self.observation.target.host

    @property
    def sni(self) -> str | None:
        return self.observation.target.sni

    @property
    def at(self) -> datetime:
        return self.observation.at

    @property
    def clock(self) -> str:
        """Whose clock `at` was read from, for a sentence."""
        return "the capture's clock" if self.observation.captured else "this machine's clock"

    @cached_property
    def clock_behind(self) -> datetime | None:
        """When a log signed for the certificate, where that is still to come: signed times cannot lie in the
        future (RFC 6962 section 3.2), so that clock is wrong.
        """
        scts = self.seen.scts if self.seen is not None else ()
        first = min((one.sct.timestamp for one in scts if one.status == "valid"), default=None)
        return first if first is not None and first > self.at + CLOCK_SLACK else None

    @property
    def dated(self) -> bool:
        """Validity can be judged by `at`: not by a capture's clock that is known to be wrong."""
        return not self.observation.captured or self.clock_behind is None

    @property
    def failure(self) -> Failure | None:
        return self.observation.failure

    @property
    def completed(self) -> bool:
        handshake = self.observation.handshake
        return handshake is not None and handshake.completed

    def failed_with(self, *causes: str) -> str | None:
        """The recorded failure as a sentence, where it has one of these causes."""
        failure = self.failure
        if failure is None or failure.cause not in causes:
            return None
        return f"{failure.text[:1].upper()}{failure.text[1:]}."

    def trial(self, name: str) -> Trial | None:
        return self.trials.get(name)

    def answers(self, name: str) -> bool:
        """The hello was answered."""
        found = self.trials.get(name)
        return found is not None and found.answered

    def serves(self, name: str) -> bool:
        """The hello was answered with a version that a client of today takes."""
        found = self.trials.get(name)
        return found is not None and found.answered and (found.version or 0) >= 0x0303

    def fails(self, name: str) -> bool:
        """The hello was sent and not answered."""
        found = self.trials.get(name)
        return found is not None and not found.answered and found.outcome != "unreachable"

    def cut(self, name: str) -> bool:
        """The hello met silence, a reset or a close: the ways of middleboxes."""
        found = self.trials.get(name)
        return found is not None and found.outcome in ("silent", "reset", "closed")

    @property
    def greeted(self) -> bool:
        """Today's hello is answered, at least in its small form."""
        return self.serves("plain")

    @property
    def welcome(self) -> bool:
        """Today's hello is answered in one of its forms."""
        return self.greeted or self.serves("browser")

    @property
    def harm(self) -> Severity:
        """How much it counts that a hello fails which nobody sends as it is: little where a browser's is answered."""
        return "note" if self.serves("browser") else "error"

    @property
    def heard(self) -> Trial | None:
        """How today's hello was taken: a browser's, the plain one where that did not get there."""
        browser = self.trials.get("browser")
        reached = browser is not None and browser.outcome != "unreachable"
        return browser if reached else self.trials.get("plain")

    def shunned(self, outcome: Outcome) -> str | None:
        """That no form of today's hello is answered, though this machine's library is, as a sentence; None where
        that is not so, or the hello ends otherwise.
        """
        heard = self.heard
        if not self.completed or self.welcome or heard is None or heard.outcome != outcome:
            return None
        return f"A browser's hello {said(heard)}, while this machine's own library is answered."

    @cached_property
    def flips(self) -> tuple[Contrast, ...]:
        """Changes without which the hello would be answered: it fails with them, and only with them."""
        from detector.causes.plan import CHANGES

        return tuple(
            change for change in CHANGES if self.fails(change.offer) and self.serves(change.base)
        )

    @property
    def flips_told(self) -> tuple[str, ...]:
        """The same as sentences."""
        return tuple(told(change, self.trials) for change in self.flips)

    def compared(self, offer: str, base: str) -> str:
        """Two hellos of CHANGES that were both tried, as a sentence."""
        from detector.causes.plan import CHANGES

        change = next(c for c in CHANGES if (c.offer, c.base) == (offer, base))
        return told(change, self.trials)

    @property
    def past_the_proxy(self) -> tuple[str, ...]:
        """How the way without the proxy went, nothing where it was not tried."""
        direct = self.inquiry.direct
        return () if direct is None else (f"Past the proxy, a hello {said(direct)}.",)

    @cached_property
    def authorities(self) -> tuple[bytes, ...] | None:
        """Names (DER) of the CAs whose client certificates will do, None where nobody asked."""
        found = (trial.authorities for trial in self.trials.values())
        return next((names for names in found if names is not None), None)

    @property
    def authorities_told(self) -> tuple[str, ...]:
        """The first of them in a sentence, nothing where there are none."""
        names = ", ".join(name_text(name) for name in (self.authorities or ())[:4])
        return (f"Certificates of these CAs will do: {names}.",) if names else ()

    @cached_property
    def staple(self) -> bytes | None:
        """The stapled OCSP response (DER)."""
        found = (trial.ocsp for trial in self.trials.values() if trial.ocsp)
        return self.observation.ocsp or next(found, None)

    @cached_property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates of the full handshake, else those that some hello brought to light."""
        if self.observation.chain:
            return self.observation.chain
        return next((trial.chain for trial in self.trials.values() if trial.chain), ())

    @cached_property
    def seen(self) -> Examination | None:
        """The certificates under examination, None where there are none to read."""
        if not self.chain:
            return None
        try:
            return Examination(replace(self.observation, chain=self.chain), self.known)
        except CertificateError:
            return None

    @cached_property
    def repaired(self) -> tuple[Certificate, ...]:
        """The chain that fetched issuers complete, anchor included; empty where none does."""
        seen = self.seen
        return seen.path.certificates if seen is not None and seen.forgotten else ()

    @property
    def fetch_problems(self) -> tuple[str, ...]:
        """Why a missing issuer could not be fetched, nothing where it was not tried."""
        problems = (
            f"It could not be fetched: {lookup.problem}."
            for lookup in self.inquiry.lookups
            if lookup.kind == "issuer" and lookup.problem
        )
        return tuple(problems)[:1]

    @cached_property
    def server_date(self) -> datetime | None:
        """The Date of the server's answer (RFC 9110 section 6.6.1)."""
        application = self.inquiry.application
        if application is None:
            return None
        for line in application.data.split(b"\r\n")[1:40]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"date":
                try:
                    found = parsedate_to_datetime(value.decode("latin-1").strip())
                except ValueError:
                    return None
                return found if found.tzinfo is not None else None
        return None

    @cached_property
    def status(self) -> int | None:
        """Status code of the HTTP answer."""
        application = self.inquiry.application
        if application is None or not application.data.startswith(b"HTTP/"):
            return None
        code = application.data.partition(b" ")[2][:3]
        return int(code) if code.isdigit() else None

    def names_host(self, chain: tuple[bytes, ...]) -> bool:
        """Whether a chain's leaf is for the host that was asked for."""
        from detector.chain.names import holds_name

        try:
            return bool(chain) and holds_name(read_certificate(chain[0]), self.host)
        except CertificateError:
            return False


Rule = Callable[[Clues], Claim | None]


def said(trial: Trial) -> str:
    """How a hello was taken, for a sentence."""
    return {
        "answered": "is answered",
        "alert": f"gets the {trial.text}",
        "reset": "is reset",
        "closed": "makes the peer close",
        "silent": "meets silence",
        "not-tls": "is answered with something else than TLS",
        "malformed": "is answered with garbage",
        "unreachable": "does not get there",
    }[trial.outcome]


def told(change: Contrast, trials: Mapping[str, Trial]) -> str:
    """One pair of hellos as a sentence."""
    one, other = trials[change.offer], trials[change.base]
    return f"A hello {change.with_it} {said(one)}; {change.without} it {said(other)}."
