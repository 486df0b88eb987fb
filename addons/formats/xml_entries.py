"""Names of <entry name="..."> elements that exclude, from XML of unknown origin."""

from __future__ import annotations

from xml.parsers import expat

from detector.errors import ConfigError

MAX_DEPTH = 50


def entries(text: str, source: str) -> list[tuple[int, str]]:
    """(line, name). Raises ConfigError for what is no XML, or has a DTD: there entities could explode."""
    found: list[tuple[int, str]] = []
    state: dict[str, str] = {}
    stack: list[str] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        stack.append(tag)
        if len(stack) > MAX_DEPTH:
            raise ConfigError(source, f"elements nested deeper than {MAX_DEPTH}")
        if tag == "entry" and "name" in attributes:
            state["name"], state["line"] = attributes["name"], str(parser.CurrentLineNumber)
            state["exclude"] = "yes"

    def data(text: str) -> None:
        if stack and stack[-1] == "exclude" and text.strip():
            state["exclude"] = text.strip()

    def end(tag: str) -> None:
        stack.pop()
        if tag == "entry" and "name" in state and state.pop("exclude", "") == "yes":
            found.append((int(state.pop("line")), state.pop("name")))

    def doctype(*_: object) -> None:
        raise ConfigError(source, "a document type is not expected here")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = data, doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise ConfigError(source, expat.ErrorString(error.code), line=error.lineno) from None
    return found
