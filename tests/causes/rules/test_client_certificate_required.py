"""To ask for a client certificate is not to require one."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from detector.causes.rules.client_certificate_required import find
from detector.lab.loopback import Loopback
from detector.lab.origin import server_context
from detector.lab.peers import Refusing
from detector.lab.pki import LabPki
from detector.model.inquiry import Application, Inquiry, Trial
from detector.model.targets import parse_target
from tests.causes.conftest import MakeClues
from tests.causes.rules.asked import causes, diagnosed
from tests.conftest import Observe

ID = "client-certificate-required"


def context(pki: LabPki, version: ssl.TLSVersion, mode: ssl.VerifyMode) -> ssl.SSLContext:
    def prepare(made: ssl.SSLContext) -> None:
        made.verify_mode = mode
        made.load_verify_locations(cadata=pki.root.pem)
        made.maximum_version = version

    return server_context(pki.issue("localhost"), prepare)


class Curt(Loopback):
    """Closes on whatever it is asked, as a server of another protocol does."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        await reader.read(100)
        writer.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_only_asks_and_closes_is_not_said_to_want_one(
    pki: LabPki, version: ssl.TLSVersion
) -> None:
    found = diagnosed(Curt(context(pki, version, ssl.CERT_OPTIONAL)), pki)
    assert found.healthy
    # Before TLS 1.3 its Finished says that it goes on without; later nothing does.
    noted = causes(found).get(ID)
    assert (noted is None) == (version == ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_refuses_is_believed(pki: LabPki, version: ssl.TLSVersion) -> None:
    found = diagnosed(Refusing(context(pki, version, ssl.CERT_REQUIRED)), pki)
    assert causes(found)[ID].severity == "error"


@pytest.mark.parametrize(
    ("text", "severity"), [("rediss://localhost", "error"), ("localhost", "note")]
)
def test_a_cut_counts_where_the_protocol_is_known(
    clues: MakeClues, pki: LabPki, observe: Observe, text: str, severity: str
) -> None:
    """As slapd over GnuTLS does it: in TLS 1.3, without an alert."""
    asked = Trial("plain", "answered", version=0x0304, authorities=())
    seen = observe("localhost", pki.issue("localhost"), target=parse_target(text))
    found = find(clues(Inquiry(seen, {"plain": asked}, application=Application("closed"))))
    assert found is not None
    assert found.severity == severity
