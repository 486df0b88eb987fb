"""Bundles, copies and recorded outputs, in a tree of the test's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detector.auditing.model import Place
from detector.chain.certificate import Certificate
from detector.lab.pki import Authority, LabPki
from detector.stores import java, macos, nss, windows
from detector.stores.bundles import os_places
from detector.stores.python import python_places
from detector.stores.survey import home_folders, survey

AT = datetime(2026, 11, 23, tzinfo=UTC)


def write(path: Path, *authorities: Authority) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(authority.pem for authority in authorities))
    return path


def subjects(place: Place) -> list[str]:
    return [root.certificate.subject_fields["CN"][0] for root in place.roots]


def test_debians_bundle_tells_who_added_a_root_and_when(
    tmp_path: Path, pki: LabPki, corporate: Authority
) -> None:
    write(tmp_path / "etc/ssl/certs/ca-certificates.crt", pki.root, corporate)
    added = write(tmp_path / "usr/local/share/ca-certificates/corp/corp.crt", corporate)
    (place,) = os_places(tmp_path)
    public, local = place.roots
    assert (public.alias, public.added) == ("", None)
    assert local.alias == str(added)
    assert local.added is not None


def test_fedoras_bundle_is_read_once_through_its_links(
    tmp_path: Path, pki: LabPki, corporate: Authority
) -> None:
    bundle = write(
        tmp_path / "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", pki.root, corporate
    )
    link = tmp_path / "etc/pki/tls/certs/ca-bundle.crt"
    link.parent.mkdir(parents=True)
    link.symlink_to(bundle)
    anchor = write(tmp_path / "etc/pki/ca-trust/source/anchors/corp.pem", corporate)
    (place,) = os_places(tmp_path)
    assert [root.alias for root in place.roots] == ["", str(anchor)]


def test_links_of_an_image_lead_to_the_images_own_files(
    tmp_path: Path, pki: LabPki, corporate: Authority
) -> None:
    """/etc/ssl/cert.pem of the image, as an absolute link, is not this machine's."""
    image = tmp_path / "image"
    own = write(image / "usr/share/own.pem", corporate)
    link = image / "etc/ssl/cert.pem"
    link.parent.mkdir(parents=True)
    link.symlink_to("/usr/share/own.pem")
    (place,) = os_places(image)
    assert (place.path, subjects(place)) == (str(own), ["Example Corp CA"])
    link.unlink()
    link.symlink_to("/etc/ssl/certs/ca-certificates.crt")  # there on this machine, not in the image
    assert os_places(image) == []
    (image / "loop").symlink_to("loop")
    link.unlink()
    link.symlink_to("../../../../loop/x")
    assert os_places(image) == []


def test_a_root_that_only_the_hashed_folder_has_is_found(
    tmp_path: Path, pki: LabPki, corporate: Authority
) -> None:
    write(tmp_path / "etc/ssl/certs/ca-certificates.crt", pki.root)
    write(tmp_path / "etc/ssl/certs/innocent.pem", corporate)
    (tmp_path / "etc/ssl/certs/0a1b2c3d.0").symlink_to("innocent.pem")
    write(tmp_path / "etc/ssl/certs/unused.pem", Authority("Not under a hashed name"))
    _, folder = os_places(tmp_path)
    assert subjects(folder) == ["Example Corp CA"]
    assert folder.roots[0].alias == "innocent.pem"


def test_copies_of_certifi_are_found_in_every_environment(
    tmp_path: Path, pki: LabPki, corporate: Authority
) -> None:
    home = tmp_path / "home/user"
    wanted = [
        tmp_path / "usr/lib/python3/dist-packages/certifi/cacert.pem",
        tmp_path / "usr/local/lib/python3.11/site-packages/pip/_vendor/certifi/cacert.pem",
        home / ".local/lib/python3.12/site-packages/certifi/cacert.pem",
        home / ".pyenv/versions/3.13.0/lib/python3.13/site-packages/certifi/cacert.pem",
        home / "project/.venv/lib/python3.13/site-packages/certifi/cacert.pem",
        home / "miniconda3/envs/x/lib/python3.12/site-packages/botocore/cacert.pem",
        home / "miniconda3/ssl/cacert.pem",
        tmp_path / "active/lib/python3.13/site-packages/certifi/cacert.pem",
    ]
    for path in wanted:
        write(path, pki.root)
    found = python_places(tmp_path, [home], {"VIRTUAL_ENV": str(tmp_path / "active")})
    assert {place.path for place in found} == {str(path) for path in wanted}


def test_an_images_linked_copy_of_certifi_is_the_images_own_bundle(
    tmp_path: Path, pki: LabPki, corporate: Authority
) -> None:
    """Debian links its copy to the system's bundle by an absolute path."""
    image = tmp_path / "image"
    bundle = write(image / "etc/ssl/certs/ca-certificates.crt", corporate)
    copy = image / "usr/lib/python3/dist-packages/certifi/cacert.pem"
    copy.parent.mkdir(parents=True)
    copy.symlink_to("/etc/ssl/certs/ca-certificates.crt")
    (place,) = python_places(image, [], {})
    assert (place.path, subjects(place)) == (str(copy), ["Example Corp CA"])
    bundle.unlink()  # this machine's, of the same name, is none of the image
    assert python_places(image, [], {}) == []


def test_an_unreadable_bundle_is_told_and_stops_nothing(tmp_path: Path, pki: LabPki) -> None:
    path = write(tmp_path / "etc/ssl/certs/ca-certificates.crt", pki.root)
    path.write_text(pki.root.pem + "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n")
    (place,) = os_places(tmp_path)
    assert place.trouble is not None
    path.write_text(pki.root.pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (place,) = os_places(tmp_path)
    assert (len(place.roots), place.trouble) == (1, "1 certificates cannot be read")


def test_a_survey_reads_what_settings_name(
    tmp_path: Path, pki: LabPki, corporate: Authority
) -> None:
    bundle = write(tmp_path / "etc/ssl/certs/ca-certificates.crt", pki.root)
    extra = write(tmp_path / "corp.pem", corporate)
    environment = {"SSL_CERT_FILE": str(bundle), "NODE_EXTRA_CA_CERTS": str(extra)}
    found = survey(environment, (), AT, root=tmp_path, homes=[])
    assert [(place.kind, place.path) for place in found.places] == [
        ("os", str(bundle)), ("file", str(extra)),
    ]  # fmt: skip
    assert found.places[1].used_by == "NODE_EXTRA_CA_CERTS"


def test_what_an_images_settings_name_is_the_images(
    tmp_path: Path, pki: LabPki, corporate: Authority
) -> None:
    image = tmp_path / "image"
    here = write(tmp_path / "corp.pem", pki.root)  # a file of this machine, named by the image
    lines = write(image / "opt/variables")
    lines.write_text(f"SSL_CERT_FILE={here}\nNODE_EXTRA_CA_CERTS=/opt/corp.pem\n")
    (image / "etc").mkdir()
    (image / "etc/environment").symlink_to("/opt/variables")
    own = write(image / "opt/corp.pem", corporate)
    found = survey({}, (), AT, root=image, homes=[])
    assert [(setting.key, setting.missing) for setting in found.settings] == [
        ("env:SSL_CERT_FILE", True), ("env:NODE_EXTRA_CA_CERTS", False),
    ]  # fmt: skip
    assert [(place.path, subjects(place)) for place in found.places] == [
        (str(own), ["Example Corp CA"])
    ]


@pytest.mark.parametrize("name", ["~nobody-of-this-name", "a\0b", "x" * 5000])
def test_a_policys_name_that_can_be_no_path_names_nothing(tmp_path: Path, name: str) -> None:
    policy = tmp_path / "etc/firefox/policies/policies.json"
    policy.parent.mkdir(parents=True)
    policy.write_text(json.dumps({"policies": {"Certificates": {"Install": [name]}}}))
    found = survey({}, (), AT, root=tmp_path, homes=[])
    assert [setting.value for setting in found.settings] == [name]
    assert found.places == ()


def test_homes_of_another_root_are_everybodys(tmp_path: Path) -> None:
    for name in ("root", "home/a", "home/b"):
        (tmp_path / name).mkdir(parents=True)
    assert home_folders(tmp_path) == [tmp_path / n for n in ("root", "home/a", "home/b")]


def test_windows_stores_are_read_through_their_interface(pki: LabPki, corporate: Authority) -> None:
    """Recorded form: DER, encoding, and True or the usages it is trusted for."""
    server, mail = frozenset(("1.3.6.1.5.5.7.3.1",)), frozenset(("1.3.6.1.5.5.7.3.4",))
    stores: dict[str, list[windows.Entry]] = {
        "ROOT": [
            (pki.root.der, "x509_asn", True),
            (corporate.der, "x509_asn", server),
            (Authority("Mail").der, "x509_asn", mail),
            (b"pkcs7", "pkcs_7_asn", True),
        ],
        "CA": [],
    }
    root, ca = windows.windows_places(stores.__getitem__)
    assert subjects(root) == ["Lab Public Root", "Example Corp CA"]
    assert ca.roots == ()
    assert windows.windows_places() == []


def test_a_windows_store_that_is_refused_is_told() -> None:
    def refuse(_: str) -> list[windows.Entry]:
        raise OSError("access denied")

    assert windows.windows_places(refuse)[0].trouble == "access denied"


def test_macos_keychains_are_read_from_securitys_output(
    tmp_path: Path, pki: LabPki, corporate: Authority
) -> None:
    asked: list[str] = []

    def run(command: object) -> bytes | None:
        assert isinstance(command, list)
        asked.append(command[-1])
        if "login" in command[-1]:
            return None
        return (pki.root.pem + corporate.pem).encode()

    system, added, user = macos.macos_places([tmp_path], run)
    assert len(system.roots) == len(added.roots) == 2
    assert user.trouble == "security cannot read it"
    assert asked[0].endswith("SystemRootCertificates.keychain")
    assert macos.macos_places([tmp_path]) == []


KEYTOOL = """Keystore type: JKS
Keystore provider: SUN

Your keystore contains 2 entries

Alias name: debian:corp.pem
Creation date: Jun 4, 2025
Entry type: trustedCertEntry

{corp}

*******************************************


Alias name: server
Creation date: Jun 24, 2025
Entry type: PrivateKeyEntry
Certificate chain length: 1
Certificate[1]:
{server}
"""


def test_keytools_listing_tells_alias_and_date(pki: LabPki, corporate: Authority) -> None:
    text = KEYTOOL.format(corp=corporate.pem, server=pki.root.pem)
    roots, trouble = java.parse_listing(text)
    (root,) = roots
    assert trouble is None
    assert root.alias == "debian:corp.pem"
    assert root.added == datetime(2025, 6, 4, tzinfo=UTC)
    assert root.certificate == Certificate(corporate.der)


def test_a_date_that_is_none_is_left_out(pki: LabPki, corporate: Authority) -> None:
    text = KEYTOOL.format(corp=corporate.pem, server="").replace("Jun 4", "Kun 4")
    assert java.parse_listing(text)[0][0].added is None


CERTUTIL = """
Certificate Nickname                                         Trust Attributes
                                                             SSL,S/MIME,JAR/XPI

Corporate Proxy CA - Example, Inc.                           CT,C,C
mail only                                                    ,C,
server                                                       u,u,u
odd  name ,,                                                 T,,
"""


def test_certutils_listing_tells_nickname_and_trust() -> None:
    assert nss.parse_listing(CERTUTIL) == [
        ("Corporate Proxy CA - Example, Inc.", "CT,C,C"),
        ("mail only", ",C,"),
        ("server", "u,u,u"),
        ("odd  name ,,", "T,,"),
    ]


@pytest.mark.parametrize("text", ["", "certutil: function failed", "\n\n", "a" * 10_000])
def test_other_output_lists_nothing(text: str) -> None:
    assert nss.parse_listing(text) == []
    assert java.parse_listing(text) == ((), None)
