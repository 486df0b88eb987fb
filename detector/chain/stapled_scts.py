"""SCTs in a stapled OCSP response (RFC 6962 section 3.3, RFC 6960 section 4.2.1).

Only the way down to the one extension is read, tags and lengths alone: whether the response is signed, and
of today, does not matter here, since each SCT bears its log's own signature.
"""

from __future__ import annotations

from detector.chain import der
from detector.chain.sct import Sct, parse_sct_list
from detector.errors import CertificateError, WireError

MAX_RESPONSE = 1 << 18
MAX_ANSWERS = 64
SCT_LIST_OID = bytes.fromhex("2b06010401d679020405")  # 1.3.6.1.4.1.11129.2.4.5, without its tag
_ENUMERATED = 0x0A
_FIRST, _SECOND = 0xA0, 0xA1  # context tags [0] and [1]


def stapled_scts(response: bytes, serial: int) -> tuple[Sct, ...]:
    """The SCTs that a response (DER) holds for the certificate of that serial number.

    Empty for a response without any. Raises CertificateError where the response, or its list, breaks its
    grammar.
    """
    if SCT_LIST_OID not in response:
        return ()
    if len(response) > MAX_RESPONSE:
        raise CertificateError(f"OCSP response of {len(response)} bytes, at most {MAX_RESPONSE}")
    for start, stop in _answers(response):
        # CertID, status, thisUpdate, then [0] nextUpdate and [1] singleExtensions, either may be missing.
        parts = der.children(response, start, stop, 5)
        if not parts or _serial(response, parts[0]) != serial:
            continue
        for tag, first, last in parts[3:]:
            if tag == _SECOND:
                return _listed(response, first, last)
    return ()


def _answers(data: bytes) -> list[tuple[int, int]]:
    """Contents of each SingleResponse; none where the responder gave no basic response."""
    at, end = der.expect(data, 0, len(data), der.SEQUENCE, "OCSP response")
    at = der.expect(data, at, end, _ENUMERATED, "response status")[1]
    if at == end:
        return []
    at, end = der.expect(data, at, end, _FIRST, "response bytes")
    at, end = der.expect(data, at, end, der.SEQUENCE, "response bytes")
    at = der.expect(data, at, end, der.OID, "response type")[1]
    at, end = der.expect(data, at, end, der.OCTET_STRING, "response")
    at, end = der.expect(data, at, end, der.SEQUENCE, "basic response")
    at, end = der.expect(data, at, end, der.SEQUENCE, "response data")
    tag, _, stop = der.element(data, at, end)
    if tag == _FIRST:  # version
        at = stop
    at = der.element(data, at, end)[2]  # responder
    at = der.element(data, at, end)[2]  # producedAt
    at, end = der.expect(data, at, end, der.SEQUENCE, "responses")
    return [(start, stop) for _, start, stop in der.children(data, at, end, MAX_ANSWERS)]


def _serial(data: bytes, certificate_id: tuple[int, int, int]) -> int:
    """The last of hash algorithm, issuer's name, issuer's key, serial number."""
    parts = der.children(data, *certificate_id[1:], 4)
    if not parts or parts[-1][0] != der.INTEGER:
        raise CertificateError("certificate id without a serial number", offset=certificate_id[1])
    return der.integer(data, *parts[-1][1:])


def _listed(data: bytes, at: int, end: int) -> tuple[Sct, ...]:
    at, end = der.expect(data, at, end, der.SEQUENCE, "single extensions")
    for _, start, stop in der.children(data, at, end, 16):
        parts = der.children(data, start, stop, 3)
        if not parts or data[parts[0][1] : parts[0][2]] != SCT_LIST_OID:
            continue
        tag, first, last = parts[-1]
        if tag != der.OCTET_STRING:
            raise CertificateError("extension value is no octet string", offset=first)
        first, last = der.expect(data, first, last, der.OCTET_STRING, "SCT list")
        try:
            return parse_sct_list(data[first:last])
        except WireError as error:
            raise CertificateError(f"SCT list: {error.message}") from None
    return ()
