"""Fuzz every parser of foreign bytes: whatever comes in, out comes a value or an error of ours.

    python tests/fuzz.py --seconds 60 [NAME...]

Each parser starts from valid samples and gets them cut, flipped, repeated, spliced and replaced. A
run fails on any exception that is not ours, and on any input that takes longer than LIMIT seconds.
Parsers run in parallel, one process a core; every one gets its whole time.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[1]))

from detector.causes.revocation import crl_state, ocsp_state
from detector.chain.certificate import Certificate, split_pem
from detector.chain.names import holds_name
from detector.chain.recover import common_key, ecdsa_candidates, is_named_key, rsa_signature
from detector.chain.sct import embedded_scts, parse_sct_list
from detector.chain.signature import is_signed_by
from detector.chain.stapled_scts import stapled_scts
from detector.ct.certspotter import parse_page
from detector.ct.crtsh import parse_answer
from detector.ct.proving import prove
from detector.ct.tree_head import parse_checkpoint, parse_sth
from detector.errors import TlsightError
from detector.judging.diagnose import diagnose
from detector.knowledge.ct_export import read_export
from detector.knowledge.fixes import config_lines
from detector.lab.ca_service import revocation_list, staple
from detector.lab.ct_log import LabLog
from detector.lab.pki import Authority, LabPki, sct_extension, sct_list
from detector.lists.ccadb import parse_pems, parse_records
from detector.lists.crlset import parse_crx, parse_header
from detector.lists.log_list import parse_list
from detector.model.inquiry import Application, Inquiry, Lookup, Trial
from detector.model.observation import Handshake, Observation, Target
from detector.net import http_connect, socks5, starttls
from detector.net.dialogue import LAST, Dialogue
from detector.net.other_ways import offered_http3
from detector.report.diagnose_json import encode as encode_diagnosis
from detector.report.diagnose_text import render
from detector.report.diagnose_trace import trace
from detector.stores import java, nss
from detector.stores.settings import read_settings
from detector.wire import certificates as certs
from detector.wire import hello
from detector.wire.alerts import parse_alerts
from detector.wire.fingerprints import ja3, ja3s, ja4
from detector.wire.key_exchange import parse_key_exchange
from detector.wire.offer import Material, Offer, client_hello
from detector.wire.records import HandshakeReader, RecordReader, encode_message, encode_record
from detector.wire.server_flight import ServerFlight
from detector.wire.transcript import read_transcript
from tests import fuzz_chain, fuzz_evidence
from tests.ct.test_issuance import ROW as ISSUANCE
from tests.knowledge.test_ct_store import lookup as a_lookup
from tests.lists.signing import EXTENSION, a_crx, a_list
from tests.lists.test_ccadb import RECORDS, pems
from tests.lists.test_ccadb import ROOT as ROOT_CA
from tests.stores.test_survey import KEYTOOL

LIMIT = 2.0
ROOT = Path(__file__).parents[1]


_HELLO = client_hello(Offer(sni="a.example", shares=()), Material(bytes(32), bytes(32), {}))


def vec(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def a_client_hello() -> bytes:
    return _HELLO[4:]


def a_server_hello() -> bytes:
    extensions = ((43, b"\x03\x04"), (51, b"\x00\x1d\x00\x20" + bytes(32)), (16, b"\x00\x03\x02h2"))
    return hello.build_server_hello(
        hello.ServerHello(0x0303, b"r" * 32, b"", 0x1301, 0, extensions)
    )


def a_flight() -> bytes:
    """A TLS 1.2 server's flight: hello, certificates, request, status, key exchange, an alert."""
    pki = LabPki()
    chain = b"".join(vec(3, der) for der in pki.issue("a.example").chain)
    parts = (
        (2, a_server_hello()),
        (11, vec(3, chain)),
        (22, b"\x01" + vec(3, b"ocsp")),
        (12, b"\x03\x00\x1d" + vec(1, bytes(32))),
        (13, vec(1, b"\x01") + vec(2, b"\x04\x03") + vec(2, vec(2, b"name"))),
    )
    wire = b"".join(encode_record(22, encode_message(kind, body)) for kind, body in parts)
    return wire + encode_record(21, b"\x02\x28")


def read_hello(data: bytes) -> None:
    found = hello.parse_client_hello(data)
    # Lengths inside extensions are checked when a view is asked for.
    for view in (lambda: (found.sni, found.alpn, found.versions, found.groups),
                 lambda: (found.key_shares, found.ech, found.point_formats),
                 lambda: (ja3(found), ja4(found))):  # fmt: skip
        try:
            view()
        except TlsightError:
            continue


def read_server_hello(data: bytes) -> None:
    found = hello.parse_server_hello(data)
    ja3s(found)
    _ = (found.version, found.group, found.alpn, found.is_retry)


def read_records(data: bytes) -> None:
    records, messages = RecordReader(), HandshakeReader()
    for start in range(0, len(data), 7):
        for record in records.feed(data[start : start + 7]):
            messages.feed(record.payload)
    assert records.pending < 1 << 15


def read_both(data: bytes) -> None:
    half = len(data) // 2
    read_transcript(data[:half], data[half:])
    read_transcript(b"", data)


def read_certificate(data: bytes) -> None:
    found = Certificate(data)
    for view in (
        "basic_constraints", "may_sign_certificates", "usages", "dns_names", "ip_addresses",
        "authority_key_id", "subject_key_id", "subject_text", "issuer_text", "x509",
    ):  # fmt: skip
        try:
            getattr(found, view)
        except TlsightError:
            continue
    holds_name(found, "a.example")
    embedded_scts(found)


def judge_chain(data: bytes) -> None:
    """A whole judgement over a mutated leaf before its genuine intermediate."""
    from datetime import UTC, datetime

    from detector.judging.judge import judge_all
    from detector.model.observation import Handshake, Observation, Target

    known = _PKI.knowledge(lab=False)
    at = datetime.now(UTC)
    chain = (data, _PKI.intermediate.der) if len(data) % 2 else (_LEAF, data, _PKI.root.der)
    seen = Observation(at, Target("a.example.com"), chain=chain, handshake=Handshake(True))
    try:
        (found,) = judge_all([seen], known)
    except TlsightError as error:
        raise AssertionError(f"judging raised {error!r}") from error
    # Only the untouched leaf may be called proven: any change breaks its signature.
    assert found.verdict != "direct" or _LEAF in chain


def shape_of_chain(data: bytes) -> None:
    """Everything that asks for a leaf's shape, and the innocent explanations."""
    import tomllib
    from datetime import UTC, datetime

    from detector.chain.shape import LeafShape
    from detector.chain.shape_learning import HonestShape, learn
    from detector.chain.shape_rule import features_of
    from detector.evidence.examination import Examination
    from detector.evidence.innocence import innocent_private_ca
    from detector.model.observation import Observation, Target
    from detector.report.engine_text import row_text

    known = _PKI.knowledge(lab=False)
    seen = Observation(datetime.now(UTC), Target("a.example.com"), chain=(data, _PKI.root.der))
    leaf = Certificate(data)
    shape = LeafShape(leaf, [leaf, Certificate(_PKI.root.der)], "a.example.com")
    kept = features_of(shape)
    for engine in known.engines:
        for rule in engine.shapes:
            assert rule.matches(kept) == rule.matches(shape)
    learned = learn([kept, kept], [HonestShape(leaf.subject_text, kept)])
    tomllib.loads(row_text(leaf.issuer_text, "x", learned))
    innocent_private_ca(Examination(seen, known))


def judge_sent(data: bytes) -> None:
    """A public leaf without SCTs, and hostile lists beside it. Only the untouched list proves anything."""
    from datetime import UTC, datetime

    from detector.judging.judge import judge_all
    from detector.model.observation import Handshake, Observation, Target

    scts, _, ocsp = data.partition(_THEN)
    seen = Observation(
        datetime.now(UTC), Target("a.example"), chain=_BARE.chain, handshake=Handshake(True),
        scts=scts, ocsp=ocsp or None, asked_for=("scts", "ocsp"),
    )  # fmt: skip
    (found,) = judge_all([seen], _PKI.knowledge())
    assert found.verdict != "direct" or _BARE_SCT in data


def talk(make: Callable[[], Dialogue]) -> Callable[[bytes], None]:
    def play(data: bytes) -> None:
        dialogue = make()
        try:
            out = next(dialogue)
            for start in range(0, len(data) + 1, 5):
                out = dialogue.send(b"" if out.startswith(LAST) else data[start : start + 5])
            dialogue.send(b"")
            dialogue.send(b"")
        except StopIteration:
            pass

    return play


def read_saved(data: bytes) -> None:
    from detector.runs.saved import load_observations

    path = Path(f"/tmp/tlsight-fuzz-{os.getpid()}")
    path.write_bytes(data)
    try:
        load_observations(path, "a.example")
    finally:
        path.unlink()


def read_rules(data: bytes) -> None:
    from addons.bypass.rule import load_rules
    from detector.knowledge.pins import load_pins
    from detector.knowledge.policy import load_policy

    path = Path(f"/tmp/tlsight-fuzz-{os.getpid()}.toml")
    path.write_bytes(data)
    try:
        for load in (load_rules, load_pins, load_policy):
            try:
                load(path)
            except TlsightError:
                continue
    finally:
        path.unlink()


def hostile_log(data: bytes) -> None:
    """Both kinds of log answer with the parts of `data`, in turn."""
    for sct, log in zip(embedded_scts(_LOGGED), (_LOG, _TILED), strict=True):
        log.url = "https://log.test/"
        dialogue = prove(sct, log.known(), bytes(32))
        parts = data.split(b"\0", 1) * 5
        try:
            next(dialogue)
            for part in parts:
                dialogue.send(part)
        except StopIteration as end:
            raise AssertionError("garbage became a proof") from end
        except TlsightError:
            pass


def read_ccadb(data: bytes) -> None:
    from datetime import date

    list(parse_pems(data))
    parse_records(data, date(2026, 1, 1))


def in_a_file(data: bytes, name: str, read: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        read(path)


def read_exported(data: bytes) -> None:
    in_a_file(data, "known.ndjson", lambda path: list(read_export(path)))


def read_listings(data: bytes) -> None:
    """What keytool and certutil print."""
    text = data.decode("utf-8", errors="replace")
    java.parse_listing(text)
    nss.parse_listing(text)


def read_configuration(data: bytes) -> None:
    """The same bytes in the place of every file of settings."""
    for name in (".npmrc", ".curlrc", ".condarc", ".wgetrc", ".pip/pip.conf", "etc/environment",
                 "etc/firefox/policies/policies.json"):  # fmt: skip
        in_a_file(data, name, lambda path: read_settings(_top(path), [_top(path)], {}))


def _top(path: Path) -> Path:
    return next(p for p in path.parents if p.parent == Path(tempfile.gettempdir()))


def read_server_flight(data: bytes) -> None:
    """The flight as it comes, then everything that is said about it."""
    flight = ServerFlight(b"", lambda _group, _key: None)
    for at in range(0, len(data), 97):
        flight.feed(data[at : at + 97])
    messages = tuple((message.type, message.body) for message in flight.received)
    trace(Trial("plain", "answered", messages=messages, sent=data[:600]))


def read_revocation(data: bytes) -> None:
    leaf, issuer = Certificate(_LEAF), Certificate(_PKI.intermediate.der)
    for state in (ocsp_state, crl_state):
        state("it", data, leaf, issuer, _PKI.intermediate.now)


def diagnose_noise(data: bytes) -> None:
    """Hostile certificates, answers and look-ups in one inquiry, diagnosed and shown."""
    parts = data.split(b"\0\0", 3) + [b""] * 3
    seen = Observation(
        _PKI.intermediate.now, Target("a.example.com", sni="a.example.com"), ocsp=parts[2],
        chain=(parts[0], _PKI.intermediate.der), handshake=Handshake(True, "TLSv1.3"),
    )  # fmt: skip
    trial = Trial("plain", "answered", version=0x0304, chain=(parts[0],), authorities=(parts[1],))
    inquiry = Inquiry(
        seen,
        {"plain": trial},
        application=Application("answered", parts[1]),
        lookups=(Lookup("issuer", "u", parts[2]), Lookup("crl", "u", parts[1])),
    )
    diagnosis = diagnose(inquiry, _KNOWN, config_lines())
    encode_diagnosis(diagnosis)
    Console(file=io.StringIO(), width=80).print(render(diagnosis))


def read_attempt_log(data: bytes) -> None:
    """Whatever the log holds, it is attempts with a class, or an error with a line."""
    from addons.bypass.learning import LearningOptions, replay
    from addons.store.attempt_file import read_attempts

    in_a_file(
        data, "attempts.ndjson", lambda path: replay(read_attempts(path), LearningOptions(), None)
    )


def read_lists(data: bytes) -> None:
    """The first byte names the program; the rest is its list."""
    from addons.formats.registry import FORMATS, read

    readable = [name for name, one in FORMATS.items() if one.reads]
    read(
        readable[data[0] % len(readable)] if data else "squid",
        data[1:].decode("utf-8", "replace"),
        "x",
    )


def read_endpoints(data: bytes) -> None:
    from addons.bypass.seeds import microsoft365

    microsoft365(data.decode("utf-8", "replace"))


_LOG, _TILED = LabLog(), LabLog(tiled=True)
_PKI = LabPki()
_KNOWN = _PKI.knowledge()
_LEAF = _PKI.issue("a.example.com").der
_LOGGING = Authority("Logging", logs=(_LOG, _TILED))
_P521, _RSA = ec.generate_private_key(ec.SECP521R1()), rsa.generate_private_key(3, 1024)
_RSA_LEAF = Authority("c", key=_RSA).issue("c.example").der
_LOGGED = Certificate(_LOGGING.issue("a.example").der)
_BARE = _PKI.issue("a.example", logs=())
_BARE_SCT = _PKI.logs[0].sign_certificate(_BARE.der)
_SENT, _THEN = sct_list([_BARE_SCT] * 2), b"|then|"
_STAPLE = staple(_PKI.intermediate, _BARE, sct_extension([_BARE_SCT]))
_CRTSH = (
    b'[{"id": 1, "issuer_name": "CN=x", "name_value": "a\\nb", "not_before": "2026-01-01T00:00:00",'
    b' "not_after": "2026-02-01T00:00:00"}]'
)
_AUDIT = b'{"leaf_index": 0, "audit_path": []}'
_TILES = b"".join(_TILED.leaves)
_SCT = b"\x00" + bytes(32 + 8 + 2) + b"\x04\x03" + vec(2, b"sig")
_CERTS13 = vec(1, b"") + vec(
    3, (vec(3, b"leaf") + vec(2, b"\x00\x05" + vec(2, b"\x01" + vec(3, b"x")))) * 3
)
_REQ13 = vec(1, b"c") + vec(
    2, b"\x00\x0d" + vec(2, vec(2, b"\x04\x03")) + b"\x00\x2f" + vec(2, vec(2, vec(2, b"n")))
)

_SERVER_FLIGHT = encode_record(
    22,
    encode_message(2, hello.build_server_hello(
        hello.ServerHello(0x0303, b"r" * 32, b"", 0xC02F, 0, ((0xFF01, b"\x00"),))
    ))
    + encode_message(11, vec(3, vec(3, _LEAF)))
    + encode_message(12, b"\x03\x00\x1d" + vec(1, bytes(32)) + b"\x04\x03" + vec(2, b"sig"))
    + encode_message(13, vec(1, b"\x01") + vec(2, b"\x04\x03") + vec(2, vec(2, b"name")))
    + encode_message(14, b""),
)  # fmt: skip


def recover_signer(data: bytes) -> None:
    """Whatever comes out of a signature, it holds under it."""
    leaf = Certificate(data)
    for key in ecdsa_candidates(leaf):
        assert is_signed_by(leaf, key)
        is_named_key(leaf, key)
    is_named_key(leaf, leaf.spki)
    one, two = rsa_signature(leaf), rsa_signature(Certificate(_RSA_LEAF))
    if one is not None and two is not None:
        common_key(one, two, (3, 17))


PARSERS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "records": (read_records, [a_flight(), encode_record(22, bytes(40_000))]),
    "client-hello": (read_hello, [a_client_hello()]),
    "server-hello": (read_server_hello, [a_server_hello()]),
    "certificate-1.2": (certs.parse_certificate_tls12, [vec(3, vec(3, b"leaf") * 5)]),
    "certificate-1.3": (certs.parse_certificate_tls13, [_CERTS13]),
    "certificate-request-1.2": (
        certs.parse_certificate_request_tls12,
        [vec(1, b"\x01") + vec(2, b"\x04\x03") + vec(2, vec(2, b"name"))],
    ),
    "certificate-request-1.3": (certs.parse_certificate_request_tls13, [_REQ13]),
    "certificate-status": (certs.parse_certificate_status, [b"\x01" + vec(3, b"ocsp")]),
    "key-exchange": (certs.key_exchange_group, [b"\x03\x00\x1d" + bytes(33)]),
    "server-flight": (read_server_flight, [a_flight(), _SERVER_FLIGHT]),
    "key-exchange-whole": (
        lambda data: parse_key_exchange(data, 0x009E, 0x0303),
        [vec(2, bytes(128)) + vec(2, b"\x02") + vec(2, bytes(128)) + b"\x04\x01"],
    ),
    "revocation": (
        read_revocation,
        [revocation_list(_PKI.intermediate), staple(_PKI.intermediate, _PKI.issue("a.example"))],
    ),
    "diagnosis": (
        diagnose_noise,
        [
            b"\0\0".join((_LEAF, b"HTTP/1.1 400 No\r\nDate: x\r\n\r\n", _PKI.root.der)),
            _PKI.issue("a.example.com", logs=()).der,
        ],
    ),
    "alerts": (parse_alerts, [b"\x02\x28\x01\x00"]),
    "transcript": (read_both, [a_flight(), encode_record(22, _HELLO) + a_flight()]),
    "recovered signer": (recover_signer, [_LEAF, _RSA_LEAF, Authority("c", key=_P521).issue("c.example").der]),
    "certificate": (read_certificate, [_LEAF, _PKI.root.der, *_PKI.issue("b", "192.0.2.1").chain]),
    "judgement": (judge_chain, [_LEAF, _PKI.intermediate.der, _PKI.issue("b.org", logs=()).der]),
    "shape": (shape_of_chain, [_LEAF, _PKI.issue("b.org", logs=()).der]),
    "sct-list": (parse_sct_list, [vec(2, vec(2, _SCT) * 3)]),
    "stapled-scts": (
        lambda data: stapled_scts(data, _BARE.certificate.serial_number),
        [_STAPLE, staple(_PKI.intermediate, _BARE)],
    ),
    "alt-svc": (
        lambda data: offered_http3(data, "a.example"),
        [b'HTTP/1.1 200 OK\r\nAlt-Svc: h3=":443"; ma=86400, h3-29=":443"\r\n\r\n'],
    ),
    "sent-scts": (judge_sent, [_SENT + _THEN + _STAPLE, _SENT, vec(2, b"") + _THEN + _STAPLE]),
    "tree-head": (parse_sth, [_LOG.sth()]),
    "checkpoint": (lambda data: parse_checkpoint(data, _LOG.log_id), [_LOG.checkpoint()]),
    "log-answers": (hostile_log, [_LOG.sth() + b"\0" + _AUDIT, _TILED.checkpoint() + b"\0" + _TILES]),
    "log-list": (parse_list, [a_list("2026-11-20", _LOG, _TILED)]),
    "crlset": (lambda data: parse_crx(data, EXTENSION), [a_crx(7, "A" * 43 + "=")]),
    "crlset-header": (parse_header, [b'\x20\x00{"Sequence": 1, "NotAfter": 19e8}']),
    "ccadb": (read_ccadb, [RECORDS.encode(), pems(ROOT_CA)]),
    "cert-spotter": (parse_page, [json.dumps([ISSUANCE]).encode()]),
    "crt.sh": (parse_answer, [_CRTSH]),
    "ct-export": (read_exported, [msgspec.json.encode(a_lookup())]),
    "keystores": (read_listings, [KEYTOOL.format(corp=_PKI.root.pem, server="").encode()]),
    "settings": (read_configuration, [b"cafile = /x\nssl_verify: no\n[global]\ncert = x\n"]),
    "pem": (split_pem, [_PKI.root.pem.encode() * 2]),
    "http-connect": (
        talk(lambda: http_connect.connect("a.example", 443)),
        [b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n", b"HTTP/1.1 407 No\r\nProxy-Authenticate: x\r\n\r\n"],
    ),
    "socks5": (
        talk(lambda: socks5.connect("a.example", 443, "u", "p")),
        [b"\x05\x02\x01\x00\x05\x00\x00\x03\x03abc\x00\x50", b"\x05\x00\x05\x00\x00\x01" + bytes(6)],
    ),
    **{
        f"starttls-{name}": (talk(lambda name=name: starttls.start(name, "a.example")), [sample])  # type: ignore[misc]
        for name, sample in {
            "smtp": b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n",
            "imap": b"* OK\r\n* X\r\na1 OK\r\n",
            "pop3": b"+OK\r\n+OK\r\n",
            "ftp": b"220 x\r\n234 y\r\n",
            "xmpp": b"<x>urn:ietf:params:xml:ns:xmpp-tls</stream:features><proceed/>",
            "ldap": bytes.fromhex("300c02010178070a010004000400"),
            "postgres": b"S",
            "mysql": b"\x3c\x00\x00\x00\x0a8.0\x00" + b"\xff" * 60,
        }.items()
    },
    "gateway-lists": (
        read_lists,
        [
            bytes((n,)) + sample
            for n in range(12)
            for sample in (
                b".a.com\nb.com # x\n*.c.com\n",
                b"{-https-inspection}\n.a.com/\n",
                b'<x><entry name="*.a.com"><exclude>yes</exclude></entry></x>',
                b'config firewall wildcard-fqdn custom\n edit "g"\n set wildcard-fqdn "*.a.com"\nend\n',
                b'[[rule]]\nhost = "a.com"\nexpires = 2027-01-01\n',
                b"ignore_hosts:\n  - '^(?:.+\\.)?a\\.com:443$'\n",
                b'{"ProxySettings": {"ProxyBypassList": "a.com;*.a.com"}}',
                b'{"policies": {"Proxy": {"Passthrough": "a.com"}}}',
            )
        ],
    ),
    "endpoints-365": (
        read_endpoints,
        [b'[{"id":1,"urls":["*.a.com","b.*.c.com"],"tcpPorts":"443","category":"Allow"}]'],
    ),
    "attempts": (
        read_attempt_log,
        [
            b'{"at":"2026-11-23T00:00:00Z","side":"client","host":"a.com","port":443,"client":"b",'
            b'"outcome":"failed","alert":48,"alert_by":"client","ja4":"t13"}\n' * 3
        ],
    ),
    "saved": (read_saved, [b'{"at":"2026-01-01T00:00:00Z","target":{"host":"a.b"},"chain":[]}\n']),
    "toml": (read_rules, [b'[[rule]]\nhost = "a.com"\n[[pin]]\nhost = "a"\nspki = ["x"]\ninternal = 1\n']),
}  # fmt: skip
_FURTHER = fuzz_evidence.parsers(_KNOWN) | fuzz_chain.parsers(_PKI, _KNOWN)
for _name, (_parse, _made) in _FURTHER.items():
    PARSERS[_name] = _parse, list(_made)


@st.composite
def mutated(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A sample after a few edits, or plain random bytes now and then."""
    if draw(st.integers(0, 15)) == 0:
        return draw(st.binary(max_size=2000))
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(("flip", "cut", "insert", "set", "repeat", "drop", "length")))
        if kind == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del data[at:]
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=16))
        elif kind == "set" and data:
            data[at] = draw(st.sampled_from((0, 1, 0x7F, 0x80, 0x81, 0x84, 0xFF)))
        elif kind == "repeat":
            data[at:at] = data[at : at + draw(st.integers(1, 200))] * draw(st.integers(1, 20))
        elif kind == "drop":
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == "length":
            data[at : at + 2] = draw(st.integers(0, 65535)).to_bytes(2, "big")
    return bytes(data)


def fuzz(name: str, seconds: float) -> tuple[str, int, str]:
    """Run one parser; (name, inputs tried, what went wrong or "")."""
    parse, samples = PARSERS[name]
    count = 0
    deadline = time.monotonic() + seconds

    def too_slow(*_: object) -> None:
        raise AssertionError(f"an input took longer than {LIMIT} s")

    signal.signal(signal.SIGALRM, too_slow)

    def once(data: bytes) -> None:
        nonlocal count
        count += 1
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        try:
            parse(data)
        except TlsightError:
            pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    checks = list(HealthCheck)
    while time.monotonic() < deadline:
        run = settings(
            max_examples=500, deadline=None, database=None, suppress_health_check=checks,
            phases=[Phase.generate, Phase.shrink],
        )(given(mutated(samples))(once))  # fmt: skip
        try:
            seed(random.getrandbits(64))(run)()
        except Exception as error:
            notes = " ".join(getattr(error, "__notes__", ()))
            return name, count, f"{type(error).__name__}: {error} {notes}"
    return name, count, ""


def jobs(names: list[str], seconds: float) -> Iterator[tuple[str, int, str]]:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(fuzz, names, [seconds] * len(names))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("names", nargs="*", metavar="NAME")
    given_options = options.parse_args()
    names = given_options.names or list(PARSERS)
    failed = 0
    for name, count, trouble in jobs(names, given_options.seconds):
        print(f"{name:26} {count:9} inputs  {trouble or 'ok'}", flush=True)
        failed += bool(trouble)
    print(f"{len(names)} parsers, {given_options.seconds:g} s each, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
