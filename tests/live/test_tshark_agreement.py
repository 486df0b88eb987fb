"""A third opinion on Zeek's traces: where tshark says something of a handshake, we say the same.

tshark says nothing where it does not know that TLS is spoken (RDP, IRC, a port of its own), where its version does not
join what came in pieces, and of what a key log of ours opens: that is no disagreement. What only tshark sees is one,
unless it is known why.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from detector.capture.connection import Connection
from detector.capture.keylog import KeyLog
from detector.capture.tally import Tally
from detector.runs.packets import Capture
from tests.capture.zeek_traces import zeek_trace, zeek_traces
from tests.live.programs import find

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

End = tuple[str, str]
Told = dict[str, object]
ADDRESSES = ("ip.src", "ipv6.src", "ip.dst", "ipv6.dst")
PORTS = ("tcp.srcport", "udp.srcport", "tcp.dstport", "udp.dstport")
SAID = (
    "handshake.type", "handshake.ciphersuite", "handshake.version",
    "handshake.extensions.supported_version", "handshake.extensions_server_name",
    "handshake.certificate_length", "alert_message.desc",
)  # fmt: skip
FIELDS = (*ADDRESSES, *PORTS, *(f"{way}.{one}" for way in ("tls", "dtls") for one in SAID))
# What only tshark sees, and why.
UNSEEN = {
    "rdp/rdpeudp2-handshake-success.pcap": "TLS inside of RDP's own transport over UDP (MS-RDPEUDP2)",
    "tunnels/geneve-47101.pcap": "Geneve on a port of somebody's own (RFC 8926 section 3.3: 6081)",
    "tunnels/gtp/gtp6_gtp_0x32.pcap": "the tunnel of a mobile network (3GPP TS 29.281)",
}


def by_tshark(path: Path) -> dict[tuple[End, End], Told]:
    """What tshark says of each connection, the client's end first."""
    shown = " || ".join(f"{way}.{what}" for way in ("tls", "dtls") for what in ("handshake", "alert_message"))  # fmt: skip
    command = [find("tshark"), "-r", path, "-d", "udp.port==853,quic", "-Y", shown, "-T", "fields"]
    command += ["-E", "occurrence=a", "-E", "aggregator=|"]
    command += [word for field in FIELDS for word in ("-e", field)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    found: dict[tuple[End, End], Told] = {}
    for line in done.stdout.splitlines():
        told = {name: value.split("|") if value else [] for name, value in zip(FIELDS, line.split("\t"), strict=True)}  # fmt: skip
        said = {one: told[f"tls.{one}"] or told[f"dtls.{one}"] for one in SAID}
        source = last(told, "ip.src", "ipv6.src"), last(told, "tcp.srcport", "udp.srcport")
        target = last(told, "ip.dst", "ipv6.dst"), last(told, "tcp.dstport", "udp.dstport")
        types = said["handshake.type"]
        from_client = "1" in types or (source, target) in found
        key = (source, target) if from_client else (target, source)
        one = found.setdefault(key, {"alerts": Counter()})
        if "1" in types and said["handshake.extensions_server_name"]:
            one.setdefault("sni", said["handshake.extensions_server_name"][0])
        if "2" in types and "1" not in types:
            one["cipher"] = int(said["handshake.ciphersuite"][-1], 16)
            versions = said["handshake.extensions.supported_version"] or said["handshake.version"]
            one["version"] = int(versions[-1], 16)
        if "11" in types and said["handshake.certificate_length"]:
            side = "client_certificates" if from_client else "certificates"
            one[side] = int(str(one.get(side, 0))) + len(said["handshake.certificate_length"])
        alerts = one["alerts"]
        assert isinstance(alerts, Counter)
        alerts.update(int(code) for code in said["alert_message.desc"] if code != "0")
    return found


def last(told: dict[str, list[str]], *names: str) -> str:
    """Of a tunnel the innermost."""
    return next((told[name][-1] for name in names if told[name]), "")


def by_us(path: Path) -> dict[tuple[End, End], Connection]:
    found = Capture(KeyLog()).connections(str(path), Tally())
    return {((c.client, str(c.client_port)), (c.server, str(c.server_port))): c for c in found}


def ours(c: Connection) -> Told:
    return {
        "sni": c.sni,
        "cipher": c.answer.cipher if c.answer else None,
        "version": c.answer.version if c.answer else None,
        "certificates": len(c.chain),
        "client_certificates": len(c.client_chain),
        "alerts": Counter(alert.code for alert in c.alerts if alert.code),
    }


def test_where_tshark_says_something_we_say_the_same() -> None:
    paths = zeek_traces(every=4)
    with ThreadPoolExecutor(2) as pool:
        theirs = list(pool.map(by_tshark, paths))
    differences: list[str] = []
    compared: Counter[str] = Counter()
    for path, told in zip(paths, theirs, strict=True):
        name = str(path.relative_to(zeek_trace("")))
        known = by_us(path)
        for ends, one in told.items():
            c = known.get(ends) or known.get((ends[1], ends[0]))
            if c is None:
                if name not in UNSEEN:
                    differences.append(f"{name} {ends}: only tshark: {one}")
                continue
            for field, value in one.items():
                compared[field] += 1
                if value != ours(c)[field]:
                    differences.append(
                        f"{name} {ends} {field}: tshark {value}, we {ours(c)[field]}"
                    )
    assert not differences, "\n".join(differences)
    assert compared["cipher"] > 20
    assert compared["certificates"] > 10
