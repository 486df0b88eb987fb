"""One judged target as Prometheus metrics, in the shapes that dashboards are made for, and in our own.

`probe_*` are the names and labels of blackbox_exporter's prober "tcp" with TLS, `ssl_*` those of ssl_exporter's
prober "tcp"; series that they leave out where there is nothing to say are left out here too. Both call a probe a
success where the handshake was completed and the certificate verified: here, where nothing is found and no cause of
severity "error" stands. `tlsight_*` say who answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import get_args

from detector.chain.certificate import Certificate, read_certificate
from detector.errors import CertificateError
from detector.model.observation import Judgement, VerdictName
from detector.report.prometheus import Family, Labels, gauge

_GOOD = ("direct", "consistent", "private")
_VERSIONS = {
    "TLSv1": "TLS 1.0",
    "TLSv1.0": "TLS 1.0",
    "TLSv1.1": "TLS 1.1",
    "TLSv1.2": "TLS 1.2",
    "TLSv1.3": "TLS 1.3",
}
_EMAIL = 1  # rfc822Name among general names
_FNV_OFFSET, _FNV_PRIME = 2166136261, 16777619


def succeeded(judgement: Judgement, *, allow_sanctioned: bool) -> bool:
    """Whether a monitor calls it well."""
    done = judgement.observation.handshake
    fine = judgement.verdict in _GOOD or (allow_sanctioned and judgement.sanctioned)
    return (
        fine and done is not None and done.completed
        and not any(cause.severity == "error" for cause in judgement.causes)
    )  # fmt: skip


def families(
    judgement: Judgement, verified: Sequence[Certificate], seconds: float, *, allow_sanctioned: bool
) -> Iterator[Family]:
    """All of one probe.

    Args:
        judgement: of the target.
        verified: the path to a trusted root, leaf first; empty where there is none.
        seconds: what it took.
        allow_sanctioned: an interceptor that the policy allows is no failure.

    """
    good = succeeded(judgement, allow_sanctioned=allow_sanctioned)
    sent = _readable(judgement.observation.chain)
    yield from _as_blackbox(judgement, sent, verified, good, seconds)
    yield from _as_ssl_exporter(judgement, sent, verified, good)
    yield from _ours(judgement)


def failed(seconds: float) -> Iterator[Family]:
    """Of a probe that ran out of time."""
    yield gauge("probe_success", "Displays whether or not the probe was a success", 0)
    yield gauge(
        "probe_duration_seconds", "Returns how long the probe took to complete in seconds", seconds
    )
    yield gauge("ssl_probe_success", "If the probe was a success", 0)
    yield gauge(
        "ssl_prober", "The prober used by the exporter to connect to the target", 1, prober="tcp"
    )
    yield _verdicts("inconclusive")


def _as_blackbox(
    judgement: Judgement, sent: Sequence[Certificate], verified: Sequence[Certificate], good: bool, seconds: float,
) -> Iterator[Family]:  # fmt: skip
    seen = judgement.observation
    yield gauge("probe_success", "Displays whether or not the probe was a success", good)
    yield gauge(
        "probe_duration_seconds", "Returns how long the probe took to complete in seconds", seconds
    )
    looked = seen.ms.get("dns", 0.0) / 1000
    yield gauge(
        "probe_dns_lookup_time_seconds",
        "Returns the time taken for probe dns lookup in seconds",
        looked,
    )
    yield gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", 0)
    if seen.target.ip is not None:
        with suppress(ValueError):
            address = ip_address(seen.target.ip)
            yield gauge(
                "probe_ip_protocol",
                "Specifies whether probe ip protocol is IP4 or IP6",
                address.version,
            )
            hashed = _fnv1a(address.packed)
            yield gauge(
                "probe_ip_addr_hash",
                "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
                hashed,
            )
    if not sent or seen.handshake is None:
        return
    yield gauge(
        "probe_ssl_earliest_cert_expiry", "Returns earliest SSL cert expiry date", _earliest(sent)
    )
    version = "Returns the TLS version used, or NaN when unknown"
    yield gauge("probe_tls_version_info", version, 1, version=_version(judgement))
    if verified:
        text = "Returns last SSL chain expiry in timestamp seconds"
        yield gauge("probe_ssl_last_chain_expiry_timestamp_seconds", text, _earliest(verified))
    leaf = sent[0]
    yield gauge(
        "probe_ssl_last_chain_info", "Contains SSL leaf certificate information", 1,
        fingerprint_sha256=leaf.sha256, subject=leaf.subject_text, issuer=leaf.issuer_text,
        subjectalternative=",".join(leaf.dns_names), serialnumber=f"{leaf.serial:x}",
    )  # fmt: skip


def _as_ssl_exporter(
    judgement: Judgement, sent: Sequence[Certificate], verified: Sequence[Certificate], good: bool
) -> Iterator[Family]:
    seen = judgement.observation
    yield gauge("ssl_probe_success", "If the probe was a success", good)
    yield gauge(
        "ssl_prober", "The prober used by the exporter to connect to the target", 1, prober="tcp"
    )
    if seen.handshake is None or not sent:
        return
    yield gauge("ssl_tls_version_info", "The TLS version used", 1, version=_version(judgement))
    yield gauge(
        "ssl_ocsp_response_stapled",
        "If the connection state contains a stapled OCSP response",
        seen.ocsp is not None,
    )
    after, before = (
        "NotAfter expressed as a Unix Epoch Time",
        "NotBefore expressed as a Unix Epoch Time",
    )
    named = [(_names(one), one) for one in sent]
    yield Family(
        "ssl_cert_not_after",
        after,
        tuple((names, one.not_after.timestamp()) for names, one in named),
    )
    yield Family(
        "ssl_cert_not_before",
        before,
        tuple((names, one.not_before.timestamp()) for names, one in named),
    )
    chained = [({"chain_no": "0", **_names(one)}, one) for one in verified]
    yield Family(
        "ssl_verified_cert_not_after",
        after,
        tuple((names, one.not_after.timestamp()) for names, one in chained),
    )
    yield Family(
        "ssl_verified_cert_not_before",
        before,
        tuple((names, one.not_before.timestamp()) for names, one in chained),
    )


def _ours(judgement: Judgement) -> Iterator[Family]:
    yield _verdicts(judgement.verdict)
    yield gauge(
        "tlsight_sanctioned",
        "Whether the policy allows this interceptor for this host",
        judgement.sanctioned,
    )
    yield gauge(
        "tlsight_decided_by_info",
        "The evidence that decided the verdict",
        1,
        evidence=judgement.decided_by,
    )
    if (who := judgement.interceptor) is not None:
        yield gauge(
            "tlsight_interceptor_info", "Who stands in between", 1,
            product=who.product or "", engine=who.engine or "", category=who.category or "",
            issuer=who.issuer, issuer_spki_sha256=who.issuer_spki_sha256 or "",
        )  # fmt: skip
    causes = tuple(
        ({"cause": one.id, "party": one.party, "severity": one.severity}, 1.0)
        for one in judgement.causes
    )
    yield Family("tlsight_cause_info", "What is wrong, and who can mend it", causes)
    if judgement.observation.failure is not None:
        failure = judgement.observation.failure
        yield gauge(
            "tlsight_failure_info",
            "Why no handshake was completed",
            1,
            step=failure.step,
            cause=failure.cause,
        )


def _verdicts(verdict: VerdictName) -> Family:
    """One is 1, the others 0, so that every alert's rule finds its series."""
    rows = tuple(({"verdict": name}, float(name == verdict)) for name in get_args(VerdictName))
    return Family("tlsight_verdict", "Whether this is the verdict", rows)


def _readable(chain: Sequence[bytes]) -> list[Certificate]:
    """What was sent, each once, as far as the first that cannot be read."""
    found: dict[bytes, Certificate] = {}
    with suppress(CertificateError):
        for der in chain:
            found[der] = read_certificate(der)
    return list(found.values())


def _names(one: Certificate) -> Labels:
    emails = [
        value.decode("ascii", "replace") for kind, value in one.general_names if kind == _EMAIL
    ]
    return {
        "serial_no": str(one.serial),
        "issuer_cn": _last(one.issuer_fields.get("CN", [])),
        "cn": _last(one.subject_fields.get("CN", [])),
        "dnsnames": _between_commas(one.dns_names),
        "ips": _between_commas(one.ip_addresses),
        "emails": _between_commas(emails),
        "ou": _between_commas(one.subject_fields.get("OU", [])),
    }


def _last(values: Sequence[str]) -> str:
    return values[-1] if values else ""


def _between_commas(values: Sequence[str]) -> str:
    return f",{','.join(values)}," if values else ""


def _earliest(chain: Sequence[Certificate]) -> float:
    return min(one.not_after for one in chain).timestamp()


def _version(judgement: Judgement) -> str:
    done = judgement.observation.handshake
    return _VERSIONS.get((done.version if done is not None else None) or "", "unknown")


def _fnv1a(data: bytes) -> int:
    """FNV-1a, 32 bits, by which blackbox_exporter tells addresses apart."""
    value = _FNV_OFFSET
    for byte in data:
        value = (value ^ byte) * _FNV_PRIME & 0xFFFFFFFF
    return value
