"""What an agent may ask is bounded by the schema that it reads."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from detector.errors import ConfigError
from detector.mcp.arguments import CheckArguments, ExplainArguments, input_schema, read_arguments
from detector.mcp.tools import TOOLS

REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "no host": ("check", {"hosts": []}),
    "too many hosts": ("check", {"hosts": ["a.example"] * 17}),
    "a host as long as a book": ("check", {"hosts": ["a" * 2001]}),
    "hosts that are numbers": ("check", {"hosts": [1]}),
    "hosts in one string": ("check", {"hosts": "a.example"}),
    "a file of hosts": ("check", {"hosts": ["a.example"], "target_list": "/etc/passwd"}),
    "a PAC file": ("check", {"hosts": ["a.example"], "proxy": "pac+file:///etc/passwd"}),
    "a login for a proxy": ("check", {"hosts": ["a.example"], "proxy": "http://u:p@proxy:1"}),
    "nothing": ("explain", {}),
    "an empty text": ("explain", {"text": ""}),
    "a text past its bound": ("explain", {"text": "x" * ((1 << 20) + 1)}),
    "a side that nobody is on": ("explain", {"text": "x", "side": "proxy"}),
    "a command to watch": ("explain", {"text": "x", "watch": True}),
    "a root folder": ("trust_why", {"program": "pip", "root": "/proc/1/root"}),
    "a null": ("diagnose", {"host": None}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_schema_forbids_is_refused_in_one_line(case: str) -> None:
    tool, given = REFUSED[case]
    row = TOOLS[tool]
    assert not Draft202012Validator(row.takes).is_valid(given)
    with pytest.raises(ConfigError) as told:
        read_arguments(tool, given, row.arguments)
    assert str(told.value).startswith(f"{tool}: ")
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 400


def test_what_the_schema_allows_is_taken() -> None:
    asked = read_arguments("check", {"hosts": ["a.example", "[::1]:8443"]}, CheckArguments)
    assert asked.hosts == ["a.example", "[::1]:8443"]
    assert asked.proxy == asked.connect == asked.starttls == ""
    proxied = {"hosts": ["a.example"], "proxy": "socks5h://127.0.0.1:1080"}
    assert Draft202012Validator(TOOLS["check"].takes).is_valid(proxied)
    assert read_arguments("check", proxied, CheckArguments).proxy == "socks5h://127.0.0.1:1080"


@pytest.mark.parametrize("tool", TOOLS)
def test_a_schema_stands_alone_and_explains_every_field(tool: str) -> None:
    schema = TOOLS[tool].takes
    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert "$ref" not in str(schema)
    for name, field in schema["properties"].items():
        assert field.get("description") or field["items"].get("description"), name


def test_no_tool_takes_the_path_of_a_file() -> None:
    names = {name for row in TOOLS.values() for name in row.takes["properties"]}
    assert names == {
        "text", "command", "url", "side", "program", "hosts", "host", "proxy", "starttls", "connect",
        "offline",
    }  # fmt: skip


def test_arguments_that_are_nested_too_deep_are_refused() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ConfigError):
        read_arguments("explain", {"text": deep}, ExplainArguments)


def test_the_schema_is_made_from_the_type() -> None:
    assert input_schema(ExplainArguments)["properties"]["text"]["maxLength"] == 1 << 20
