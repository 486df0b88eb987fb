"""Good servers of many kinds, none of which may be blamed for anything."""

from __future__ import annotations

import ssl

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from detector.lab.case import HOST, Case, Started, only, prepared, shows
from detector.lab.origin import Origin
from detector.lab.pki import Credential, LabPki


def _rsa(pki: LabPki) -> Credential:
    return pki.issue(HOST, key=rsa.generate_private_key(public_exponent=65537, key_size=2048))


def _through_three_cas(pki: LabPki) -> Credential:
    second = pki.authority("Lab Second Intermediate", pki.intermediate)
    return pki.authority("Lab Third Intermediate", second).issue(HOST)


def _asks_politely(pki: LabPki) -> Started:
    def prepare(context: ssl.SSLContext) -> None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=pki.root.pem)

    return Origin({HOST: pki.issue(HOST)}, prepare=prepare)


def _another_share(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_ecdh_curve("secp384r1")


def _without_tickets(context: ssl.SSLContext) -> None:
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0


CASES: tuple[Case, ...] = (
    Case("healthy", "healthy", "nothing is wrong", shows(lambda pki: pki.issue(HOST))),
    Case("healthy-rsa", "healthy", "an RSA key of 2048 bits", shows(_rsa)),
    Case("healthy-p384", "healthy", "an ECDSA key on P-384",
         shows(lambda pki: pki.issue(HOST, key=ec.generate_private_key(ec.SECP384R1())))),
    Case("healthy-ed25519", "healthy", "an Ed25519 key",
         shows(lambda pki: pki.issue(HOST, key=ed25519.Ed25519PrivateKey.generate()))),
    Case("healthy-wildcard", "healthy", "a second name, a wildcard beside it",
         shows(lambda pki: pki.issue("*.lab.example")), "www.lab.example",
         ("--connect", "127.0.0.1:{port}")),
    Case("healthy-idna", "healthy", "an internationalised name",
         shows(lambda pki: pki.issue("xn--bcher-kva.example")), "bücher.example",
         ("--connect", "127.0.0.1:{port}")),
    Case("healthy-address", "healthy", "a certificate for an address",
         shows(lambda pki: pki.issue("127.0.0.1")), "127.0.0.1"),
    Case("healthy-ipv6", "healthy", "on IPv6",
         lambda pki: Origin({"::1": pki.issue("::1")}, "::1"), "[::1]"),
    Case("healthy-1.2", "healthy", "TLS 1.2 only", prepared(only(ssl.TLSVersion.TLSv1_2))),
    Case("healthy-1.3", "healthy", "TLS 1.3 only", prepared(only(ssl.TLSVersion.TLSv1_3))),
    Case("healthy-retry", "healthy", "asks for another key share", prepared(_another_share)),
    Case("healthy-three-cas", "healthy", "three intermediates", shows(_through_three_cas)),
    Case("healthy-optional", "healthy", "asks for a client certificate and takes none",
         _asks_politely),
    Case("healthy-no-tickets", "healthy", "no session resumption", prepared(_without_tickets)),
    Case("healthy-responder", "healthy", "the CA's responder and list say good",
         shows(lambda pki: pki.issue(HOST, access=("issuer", "list", "responder")))),
)  # fmt: skip
