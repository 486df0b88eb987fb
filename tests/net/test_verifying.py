import ssl
from pathlib import Path

import pytest

from detector.errors import ConfigError
from detector.lab.pki import LabPki
from detector.net.verifying import context_for_proxy, verifying_context


def test_every_context_verifies(tmp_path: Path, pki: LabPki) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_text(pki.root.pem)
    for context in (
        verifying_context(None),
        verifying_context(roots),
        context_for_proxy(None),
        context_for_proxy(roots),
    ):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname


def test_a_proxys_roots_are_beside_the_systems_and_an_answers_are_the_only_ones(
    tmp_path: Path, pki: LabPki
) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_text(pki.root.pem)
    assert len(verifying_context(roots).get_ca_certs()) == 1
    system = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    system.load_default_certs()
    both = context_for_proxy(roots).get_ca_certs()
    assert len(both) == len(system.get_ca_certs()) + 1


def test_a_file_without_roots_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for make in (verifying_context, context_for_proxy):
        with pytest.raises(ConfigError, match="no PEM file"):
            make(empty)
