"""Published vectors: Salesforce's JA3 README, FoxIO's JA4 technical description."""

from hashlib import md5

from detector.wire import hello as h
from detector.wire.fingerprints import ja3, ja3_string, ja3s, ja4


def client(
    version: int,
    ciphers: list[int],
    extensions: list[h.Extension],
    versions: list[int] | None = None,
) -> h.ClientHello:
    if versions:
        extensions = [*extensions, h.supported_versions(versions)]
    return h.ClientHello(version, bytes(32), b"", tuple(ciphers), b"\x00", tuple(extensions))


def test_ja3_of_the_readmes_first_example() -> None:
    made = client(
        769,
        [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
        [h.server_name("a.example"), h.supported_groups([23, 24, 25]), h.ec_point_formats()],
    )
    assert ja3_string(made).endswith(",0-10-11,23-24-25,0")
    assert ja3(made) == "ada70206e40642a3e4461f35503241d5"


def test_ja3_of_the_readmes_hello_without_extensions() -> None:
    made = h.ClientHello(
        769, bytes(32), b"", (4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99), b"\x00", None
    )
    assert ja3_string(made) == "769,4-5-10-9-100-98-3-6-19-18-99,,,"
    assert ja3(made) == "de350869b8c85de67a350c8d186f11e6"


def test_ja3s_reads_version_cipher_and_extensions() -> None:
    chosen = h.ServerHello(771, bytes(32), b"", 49199, 0, ((65281, b""), (11, b""), (35, b"")))
    expected = md5(b"771,49199,65281-11-35", usedforsecurity=False).hexdigest()
    assert ja3s(chosen) == expected


CHROME_CIPHERS = [
    0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014,
    0x009C, 0x009D, 0x002F, 0x0035,
]  # fmt: skip
CHROME_SCHEMES = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]


def chrome(*, alpn: list[str], grease: bool) -> h.ClientHello:
    kinds = [0x001B, 0x0023, 0x0005, 0x0012, 0x000B, 0x002D, 0x4469, 0xFF01, 0x0017, 0x0015]
    extensions: list[h.Extension] = [(kind, b"") for kind in kinds if kind != 0x000B]
    extensions += [
        h.ec_point_formats(),
        h.server_name("a.example"),
        h.alpn(alpn),
        h.supported_groups([0x1A1A, 29, 23, 24]),
        h.signature_algorithms(CHROME_SCHEMES),
        h.key_share([(29, b"k")]),
    ]
    ciphers = CHROME_CIPHERS
    versions = [0x0304, 0x0303]
    if grease:
        ciphers = [0x2A2A, *ciphers]
        extensions = [(0x4A4A, b""), *extensions, (0x5A5A, b"\x00")]
        versions = [0x6A6A, *versions]
    return client(0x0303, ciphers, extensions, versions)


def test_ja4_of_the_technical_descriptions_chrome() -> None:
    assert ja4(chrome(alpn=["h2", "http/1.1"], grease=True)) == (
        "t13d1516h2_8daaf6152771_e5627efa2ab1"
    )


def test_ja4_does_not_see_grease() -> None:
    assert ja4(chrome(alpn=["h2"], grease=True)) == ja4(chrome(alpn=["h2"], grease=False))


def test_ja4_marks_missing_names_and_odd_protocols() -> None:
    bare = client(0x0303, [0x1301], [])
    assert ja4(bare, "q").startswith("q12i010000_")
    assert ja4(bare).endswith("_000000000000")
    odd = client(0x0303, [0x1301], [h.alpn(["\x01x\x02"])])
    assert ja4(odd)[8:10] == "02"
