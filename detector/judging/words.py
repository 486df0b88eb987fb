"""What a verdict leaves open, in a sentence, and the one step that decides it.

A verdict that people cannot act on is a worry. SUSPECT names the innocent explanation that keeps it from
being an accusation, and the command that tells the two apart; PRIVATE says why a private CA is expected;
INTERCEPTED says what an employee and what an administrator does next; DIRECT says what its proof proves.
"""

from __future__ import annotations

import msgspec

from detector.chain.names import as_address
from detector.evidence.examination import Examination
from detector.evidence.innocence import innocent_private_ca
from detector.model.asked import asked_by, shell_line, some_words
from detector.model.observation import Evidence, VerdictName

# Options of `tlsight ct` that are also those of the verbs that dial.
_OF_CT = ("--proxy", "--no-proxy", "--store", "--roots", "--ct-logs")


class Words(msgspec.Struct, frozen=True):
    """`explanation` and `next_step` of a judgement; either may be empty."""

    explanation: str = ""
    next_step: str = ""


def words_for(
    verdict: VerdictName, row: str, seen: Examination, found: dict[str, Evidence]
) -> Words:
    """The words that belong to a verdict, its row of the table and its findings."""
    if verdict == "suspect":
        return _suspect(row, seen, found)
    if verdict == "private":
        return Words(_why_private(row, seen))
    if verdict == "intercepted":
        return _intercepted(seen, found)
    if verdict == "direct" and row == "logged-leaf":
        open_questions = "not that the host's owner asked for it"
        return Words(f"A public CA issued this leaf in the open; {open_questions}.")
    return Words()


def _suspect(row: str, seen: Examination, found: dict[str, Evidence]) -> Words:
    if row == "other-name":
        if "one-leaf-for-all" in found:
            return Words(
                "A portal, a block page or a sinkhole answers for everybody.",
                "Log in where the network asks for it, then check again.",
            )
        return Words(
            "A default site answers where the host was not set up.", _ask(seen, "diagnose")
        )
    if row == "pin-mismatch":
        return Words(
            "The owner may have renewed with another key, or the pinned issuer was not sent.",
            f"Ask the owner for the key, or run: {_ask_logs(seen)}",
        )
    if row == "insecure-key":
        return Words(
            "A development server, or a device with its vendor's key.", _ask(seen, "diagnose")
        )
    if seen.below_own_root:
        return Words(
            "You gave the root, and no public program has it.",
            f"If {seen.host} is a host of yours, name it as internal in the policy.",
        )
    if seen.is_public_path:
        return Words(
            "The owner may have changed its CA, or keeps its names out of the logs.",
            _ask_logs(seen, "--refresh"),
        )
    if seen.is_internal and _drift(found) == "forbidden-host":
        return Words(
            "The company's CA may serve its own hosts as well.",
            f"Ask who runs {seen.host}; if that CA is the host's own, name both under [[private]] in the policy.",
        )
    return Words(_innocent(seen, found), _decides(seen, found))


def _drift(found: dict[str, Evidence]) -> str:
    """How practice has come apart from the policy; "" where it has not."""
    return str(found["policy-drift"].details["kind"]) if "policy-drift" in found else ""


def _innocent(seen: Examination, found: dict[str, Evidence]) -> str:
    if seen.declared_internal and "other-private-ca" in found:
        return "The internal CA may have been replaced without telling the policy."
    known = innocent_private_ca(seen)
    if known is not None:
        return known.text
    if seen.path.kind == "self-signed":
        return "A server or a device that was set up with a certificate of its own."
    if seen.path.kind == "incomplete":
        if seen.looks_public:
            return (
                "The server may have forgotten to send its intermediate, or its CA is unknown here."
            )
        return "The owner may run a CA of its own, whose certificate was not sent."
    if seen.at_inner_address:
        return "The owner may show another view inside its own network."
    if seen.has_unknown_logs:
        return "A public CA and logs that are unknown here may have issued it; tables grow old."
    return "The owner may run a CA of its own."


def _decides(seen: Examination, found: dict[str, Evidence]) -> str:
    if seen.declared_internal:
        return "Ask who runs the CA; name it in the policy if it is yours."
    if seen.path.kind == "incomplete" and seen.looks_public:
        return _ask(seen, "diagnose")
    if "canaries-clean" in found:
        return f"Compare from another network: {_ask(seen, 'check')}"
    by_name = as_address(seen.host) is None and seen.observation.target.port == 443
    if by_name and seen.known_issuers is None:
        return f"{_ask_logs(seen)} && {_ask(seen, 'check', leave_out=('--no-store',))}"
    target = seen.observation.target
    if target.starttls is not None or target.pinned_address or target.dialled is not None:
        return f"Compare from another network: {_ask(seen, 'check')}"  # canaries go another way
    return _ask(seen, "check", "www.google.com", "github.com")


def _ask(seen: Examination, *verb: str, leave_out: tuple[str, ...] = ()) -> str:
    """A verb that asks the target by the way that led to it, and compares with what it was compared with."""
    words = tuple(word for word in seen.known.words if word not in leave_out)
    return shell_line(("tlsight", *verb), asked_by(seen.observation, words))


def _ask_logs(seen: Examination, *more: str) -> str:
    """Has the store, which `check` reads, know the issuers that logs know."""
    asked = asked_by(seen.observation, some_words(seen.known.words, _OF_CT))
    words = some_words(asked.words, _OF_CT)
    named = msgspec.structs.replace(asked, host=seen.host, port=443, starttls=None, words=words)
    return shell_line(("tlsight", "ct", *more), named)


def _why_private(row: str, seen: Examination) -> str:
    if row == "state-at-home":
        return "A state's own CA serves its country's sites."
    if seen.expected_private is not None:
        return f"The policy expects it: {seen.expected_private}."
    if seen.declared_internal:
        return f"{seen.host} is an internal name or address."
    return f"{seen.host} resolved to {seen.observation.target.ip}."


def _intercepted(seen: Examination, found: dict[str, Evidence]) -> Words:
    if "sanctioned" in found:
        return Words("The policy allows this interceptor to decrypt this host.")
    if _drift(found) in ("forbidden-host", "expired"):
        return Words(
            "The policy knows this interceptor, and does not let it decrypt this host.",
            "Ask who runs it: the host belongs onto its bypass list, or the policy is out of date.",
        )
    if "published-key" in found and found["published-key"].points == "intercepted":
        return Words(
            "Anybody can sign with that key.",
            "Send no secrets; remove that root from this machine: tlsight trust",
        )
    if seen.path.kind == "self-signed":
        return Words(
            "Whoever answers made the certificate himself.",
            "Send no secrets; compare from another network.",
        )
    key = seen.issuer_spki_sha256
    named = f"name its key in the policy (sha256 {key})" if key else "name its CA in the policy"
    return Words(
        "Whoever holds that CA reads and can change what is sent.",
        f"Send no secrets; ask your administrator. If you run it: {named}, or let the host bypass it.",
    )
