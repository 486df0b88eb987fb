"""The handshake as rungs: how far a client of today gets, and on which rung it falls.

Theory of operation
-------------------
Every cause of severity "error" belongs to a step. The first of these steps in the order of the handshake
is the broken rung; what comes before has held, what comes after was not reached. The order of the rungs
is that of the messages; what differs between versions (TLS 1.3 agrees on keys in the hellos, hides the
certificate, and lets the server finish first) is said in their texts.
"""

from __future__ import annotations

from collections.abc import Mapping

from detector.causes.clues import Claim, Clues
from detector.chain.names import as_address
from detector.model.causes import STEPS
from detector.model.inquiry import Step, StepName
from detector.wire import registry as r
from detector.wire.offer import TLS13
from detector.wire.suites import suite_name

_CUT = ("connection-reset", "silent-drop", "closed-during-handshake", "malformed-handshake")


def ladder(clues: Clues, causes: Mapping[str, Claim]) -> tuple[Step, ...]:
    """Every rung in order."""
    failed = [
        (STEPS.index(_step_of(name, clues)), found.text)
        for name, found in causes.items()
        if found.severity == "error"
    ]
    broken, why = min(failed, default=(len(STEPS), ""))
    return tuple(_rung(clues, index, broken, why) for index in range(len(STEPS)))


def _step_of(cause: str, clues: Clues) -> StepName:
    failure = clues.failure
    if failure is not None and failure.step == "starttls":
        return "client-hello"  # TLS was not even begun
    if failure is not None and failure.step == "proxy" and failure.cause == cause:
        return "proxy"  # whatever it tells of the server
    if cause in _CUT:
        if failure is not None and failure.step == "tcp":
            return "tcp"
        if not clues.observation.server_bytes:
            return "client-hello"
        if clues.chain:
            return "finished"
        return "certificate" if clues.observation.handshake is not None else "server-hello"
    if cause == "client-certificate-required" and clues.completed:
        return "application"  # TLS 1.3: after both have finished
    if cause == "weak-key" and clues.seen is None:
        return "key-exchange"
    return clues.known.causes[cause].step


def _rung(clues: Clues, index: int, broken: int, why: str) -> Step:
    step = STEPS[index]
    took = _milliseconds(clues, step)
    if index > broken:
        return Step(step, "skipped", None, "")
    if index == broken:
        return Step(step, "failed", took, why)
    if step == "proxy" and clues.observation.route.kind == "direct":
        return Step(step, "skipped", None, "none on the way")
    if step == "dns" and (why := _not_resolved(clues)):
        return Step(step, "skipped", None, why)
    if step == "application" and clues.inquiry.application is None:
        return Step(step, "skipped", None, "nothing was asked")
    return Step(step, "ok", took, _TEXTS[step](clues))


def _milliseconds(clues: Clues, step: StepName) -> float | None:
    ms = clues.observation.ms
    if step == "finished" and "tls" in ms and "server-hello" in ms:
        return round(ms["tls"] - ms["server-hello"], 2)
    if step == "application":
        application = clues.inquiry.application
        return application.ms if application is not None else None
    return ms.get("connect" if step == "tcp" else step)


def _not_resolved(clues: Clues) -> str:
    """Why no name was resolved, empty where one was."""
    target = clues.observation.target
    if target.pinned_address:
        return "not asked: the address was given"
    if as_address(target.host) is not None:
        return "an address already"
    if target.ip is None and clues.observation.route.kind != "direct":
        return "the proxy resolves the name"
    return "" if "dns" in clues.observation.ms else "not asked"  # as of a capture


def _dns(clues: Clues) -> str:
    target = clues.observation.target
    return f"{target.host} is {target.ip}" if target.ip is not None else "the name resolves"


def _tcp(clues: Clues) -> str:
    target, route = clues.observation.target, clues.observation.route
    return f"connected to {route.proxy or target.dialled or f'port {target.port}'}"


def _proxy(clues: Clues) -> str:
    route = clues.observation.route
    spoken = ", in TLS" if route.tls else ""
    before = "".join(f"; before it, {one}" for one in route.tried)
    return f"{route.proxy} opened a tunnel{spoken}{before}"


def _client_hello(clues: Clues) -> str:
    target = clues.observation.target
    turned = f"after STARTTLS ({target.starttls}), " if target.starttls else ""
    name = f"SNI {target.sni}" if target.sni else "no SNI"
    trial = clues.trial("browser")
    size = f", {trial.size} bytes as a browser's" if trial is not None else ""
    return f"{turned}{name}{size}"


def _server_hello(clues: Clues) -> str:
    trial = clues.trial("browser") or clues.trial("plain")
    if trial is None or not trial.answered:
        done = clues.observation.handshake
        return f"{done.version}, {done.cipher}" if done is not None else ""
    parts = [r.version_name(trial.version or 0), suite_name(trial.cipher or 0)]
    if trial.retry:
        parts.append("after asking for another key share")
    if trial.alpn:
        parts.append(f"ALPN {trial.alpn}")
    return ", ".join(parts)


def _certificate(clues: Clues) -> str:
    if clues.seen is None:
        return ""
    leaf = clues.seen.leaf
    hidden = "encrypted" if _is_tls13(clues) else "in clear"
    return f"{leaf.subject_text}, by {leaf.issuer_text}, until {leaf.not_after:%Y-%m-%d}, {hidden}"


def _key_exchange(clues: Clues) -> str:
    done = clues.observation.handshake
    browser = clues.trial("browser")
    group = done.group if done is not None else None
    if browser is not None and browser.group is not None:
        group = r.group_name(browser.group)
    if _is_tls13(clues):
        return f"{group}, agreed on in the hellos (TLS 1.3)"
    if group is None:
        return "with the certificate's own key (TLS 1.2 and before)"
    return f"{group}, after the certificate (TLS 1.2)"


def _finished(clues: Clues) -> str:
    if not clues.completed:
        return "not reached by this machine's own library"
    if _is_tls13(clues):
        return "the server's first, then ours (TLS 1.3)"
    return "ours first, then the server's (TLS 1.2 and before)"


def _application(clues: Clues) -> str:
    application = clues.inquiry.application
    if application is None or application.outcome == "quiet":
        return "the connection stands; the server waits for us to speak"
    if application.outcome == "answered":
        line = application.data.split(b"\r\n", 1)[0].rstrip()[:60].decode("latin-1")
        return f"it answers {line}" if line.isprintable() else "it answers"
    return f"the server {application.outcome} the connection"


def _is_tls13(clues: Clues) -> bool:
    done = clues.observation.handshake
    if done is None:
        answered = clues.trial("browser") or clues.trial("plain")
        return answered is not None and answered.version == TLS13
    return done.version == "TLSv1.3"


_TEXTS = {
    "dns": _dns,
    "tcp": _tcp,
    "proxy": _proxy,
    "client-hello": _client_hello,
    "server-hello": _server_hello,
    "certificate": _certificate,
    "key-exchange": _key_exchange,
    "finished": _finished,
    "application": _application,
}
