"""What an agent may ask: each tool's arguments with their bounds. The schema that agents read is made of these types.

No argument names a file or a command to run: who steers an agent with a text must not read this machine by it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from detector.errors import ConfigError
from detector.model.targets import STARTTLS_PORTS

MAX_HOSTS = 16
_MAX_TEXT = 1 << 20  # characters of a message or log
_LONG, _SHORT = 2000, 300

Host = Annotated[
    str,
    Meta(min_length=1, max_length=_LONG, description="host, host:port, [v6]:port or a URL"),
]
StartTls = Annotated[
    str,
    Meta(
        max_length=20,
        description=f"protocol that starts in clear: {', '.join(STARTTLS_PORTS)}; empty for TLS at once",
    ),
]
Connect = Annotated[
    str,
    Meta(
        max_length=_SHORT,
        description="IP:PORT to dial instead of what the name resolves to; empty for the name's own",
    ),
]
Proxy = Annotated[
    str,
    Meta(
        max_length=_SHORT,
        pattern=r"^((https?|socks5h?)://[^@]*)?$",
        description="proxy to go through, http://HOST:PORT, https://, socks5:// or socks5h://, without a"
        " login; empty for that of the environment",
    ),
]


class ExplainArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `explain` takes."""

    text: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=_MAX_TEXT,
            description="the error message as it was printed, with the lines around it; or a whole log",
        ),
    ]
    command: Annotated[
        str,
        Meta(
            max_length=_LONG,
            description="the command that failed, e.g. pip install requests; it is read, never run",
        ),
    ] = ""
    url: Annotated[
        str, Meta(max_length=_LONG, description="whom it asked, where the text does not say so")
    ] = ""
    side: Annotated[
        Literal["unknown", "client", "server"],
        Meta(description="who wrote the message; unknown: told from the text"),
    ] = "unknown"


class WhyArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `trust_why` takes."""

    program: Annotated[
        str,
        Meta(min_length=1, max_length=100, description="command or name: pip, npm, git, java"),
    ]
    url: Annotated[
        str,
        Meta(
            max_length=_LONG,
            description="whom it asks: host, host:port or URL. It is dialled, and its chain's root looked for in"
            " what the program reads. Empty: nobody is dialled",
        ),
    ] = ""


class CheckArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `check` takes."""

    hosts: Annotated[
        list[Host],
        Meta(min_length=1, max_length=MAX_HOSTS, description="whom to ask; several are compared"),
    ]
    proxy: Proxy = ""
    starttls: StartTls = ""
    connect: Connect = ""


class DiagnoseArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `diagnose` takes."""

    host: Host
    proxy: Proxy = ""
    starttls: StartTls = ""
    connect: Connect = ""


class DoctorArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `doctor` takes."""

    offline: Annotated[bool, Meta(description="ask nothing on the network")] = False


def input_schema(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments, with nothing to follow: some clients follow no references."""
    whole = msgspec.json.schema(arguments)
    found: dict[str, Any] = whole["$defs"][arguments.__name__]
    return {key: value for key, value in found.items() if key not in ("title", "description")}


def read_arguments[T: msgspec.Struct](tool: str, given: object, arguments: type[T]) -> T:
    """What a client sent, checked. Raises ConfigError in one line."""
    try:
        return msgspec.convert(given, arguments)
    except msgspec.ValidationError as error:
        why = " ".join(str(error).split())[:_SHORT]
        raise ConfigError(tool, why, remedy="see the tool's input schema") from None
    except RecursionError:
        raise ConfigError(tool, "the arguments are nested too deep") from None
