"""Who must act: one word for each thing that the page shows, so that everybody finds his own."""

from __future__ import annotations

from typing import NamedTuple

from addons.bypass.attempt import AttemptClass
from addons.bypass.breaking import Party


class Badge(NamedTuple):
    """A name of a class in the style sheet, and the words."""

    kind: str
    text: str


YOU = Badge("you", "you decide")
OPERATOR = Badge("operator", "proxy's operator")
DEVICE = Badge("device", "device's admin")
SERVER = Badge("server", "server's owner")
NOBODY = Badge("nobody", "nobody")

OF_CANDIDATE: dict[str, Badge] = {
    "certificate-pinned": YOU,
    "upstream-mtls": OPERATOR,
    "upstream-version": SERVER,
}
OF_CLASS: dict[AttemptClass, Badge] = {
    "trusted": NOBODY,
    "not-http": NOBODY,
    "refused": DEVICE,
    "refused-silently": DEVICE,
    "hung-up": NOBODY,
    "client-version": DEVICE,
    "upstream-mtls": OPERATOR,
    "upstream-version": SERVER,
    "upstream-certificate-invalid": SERVER,
    "upstream-not-tls": SERVER,
    "quic": OPERATOR,
    "glitch": NOBODY,
}
OF_PARTY: dict[Party, Badge] = {"client": DEVICE, "proxy": OPERATOR, "server": SERVER}
# What else than a bypass would help, by the candidate's kind.
ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "certificate-pinned": ("Ask the app's vendor for a build that trusts the company's CA.",),
    "upstream-mtls": (
        "Give mitmproxy the client's certificate: --set client_certs=FOLDER; then it can go on inspecting.",
    ),
    "upstream-version": (
        "Ask the server's owner for TLS 1.2, or lower tls_version_server_min for it.",
    ),
}
