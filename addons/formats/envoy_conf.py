"""Envoy: filter chains, and which server names they are for.

Source: envoyproxy.io, FilterChainMatch, "TLS transport socket", tcp_proxy.

Rules
-----
1. A chain that has a transport socket of TLS decrypts. One that has none, and hands the connection to `tcp_proxy`,
   lets it through. Our own exports say it by their names, others by `columns` of the options.
2. A whole name comes before "*.a.com", which is all below a.com, the longest one first.
3. Ports and clients of a chain are conditions of its names. What else it asks for no rule says.
4. One list of chains is one list. Of several that let through the first is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from addons.bypass.rule import RuleRow
from addons.formats.backends import Backends
from addons.formats.exported import Imported, ReadOptions, Unread
from addons.formats.settling import MOST_TEXT, Line, Named, settle
from addons.formats.together import together
from addons.formats.yaml_tree import Node, parsed, walked
from detector.errors import ConfigError

_CONDITIONS = {
    "server_names", "serverNames", "destination_port", "destinationPort", "prefix_ranges", "prefixRanges",
    "source_prefix_ranges", "sourcePrefixRanges", "transport_protocol", "transportProtocol",
}  # fmt: skip


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """The rules of a listener in YAML or JSON. Raises ConfigError for what is neither."""
    try:
        root = parsed(text, source)
    except ConfigError:
        if not text.lstrip().startswith("{"):
            raise
        root = _of_json(text, source)
    backends = Backends(options)
    unread: list[Unread] = []
    lists = [chains for node in walked(root) if (chains := _chains(node))] if root else []
    read_ = [[_line(chain, backends) for chain in chains] for chains in lists]
    chosen = next((one for one in read_ if any(map(_passes, one))), None)
    for lines in read_:
        for line in lines if lines is not chosen else ():
            why = line.untold or (
                "of another listener: give it alone" if line.action == "pass" else ""
            )
            if why:
                unread += [Unread(n.line, n.text[:MOST_TEXT], n.why or why) for n in line.named]
    return settle(_by_name(chosen or []), unread)


def _passes(line: Line) -> bool:
    return line.action == "pass" and not line.untold


def _of_json(text: str, source: str) -> Node:
    """JSON that YAML does not take, by tabs or escapes; without lines."""
    try:
        return parsed(json.dumps(json.loads(text)), source) or Node(1)
    except (ValueError, RecursionError) as error:
        raise ConfigError(source, f"no JSON: {str(error)[:100]}") from None


def _chains(node: Node) -> list[Node]:
    found = node.at("filter_chains") or node.at("filterChains")
    return [one for one in (found.items if found else None) or () if one.pairs is not None]


def _line(chain: Node, backends: Backends) -> Line:
    match = chain.at("filter_chain_match") or chain.at("filterChainMatch") or Node(chain.line)
    lists: list[list[Named]] = []
    names = _either(match, "server_names", "serverNames")
    if names is not None:
        lists.append([_name(one) for one in names.items or ()])
    port = _either(match, "destination_port", "destinationPort")
    if port is not None and (port.text or "").isdecimal() and len(port.text or "") <= 5:
        row = RuleRow(host="*", port=int(port.text or ""))
        lists.append([Named(row, port.line, port.text or "")])
    for field, one, two in (
        ("cidr", "prefix_ranges", "prefixRanges"), ("client", "source_prefix_ranges", "sourcePrefixRanges"),
    ):  # fmt: skip
        ranges = _either(match, one, two)
        if ranges is not None:
            lists.append([_range(item, field) for item in ranges.items or ()])
    named, why = together(lists)
    others = sorted(set(match.pairs or ()) - _CONDITIONS)
    doubt = why or (f"the chain asks for {', '.join(others)}"[:MOST_TEXT] if others else "")
    name = (chain.at("name") or Node(0)).text or ""
    at = Named(RuleRow(), chain.line, name or "filter chain")
    line = backends.line(name, named, at, any_host=not lists, doubt=doubt)
    if line.untold and (found := _by_structure(chain)):
        action = "inspect" if found == "inspect" else "pass"
        line = msgspec.structs.replace(line, action=action, untold="")
    return line


def _by_structure(chain: Node) -> str:
    """What the chain does with TLS: "pass", "inspect", or empty where that cannot be told."""
    if any(
        chain.at(one)
        for one in ("transport_socket", "transportSocket", "tls_context", "tlsContext")
    ):
        return "inspect"
    filters = chain.at("filters")
    named = [
        (one.at("name") or Node(0)).text or "" for one in (filters.items if filters else None) or ()
    ]
    return "pass" if named and named[-1].endswith("tcp_proxy") else ""


def _name(node: Node) -> Named:
    text = node.text
    at = (node.line, text or "")
    if text is None:
        return Named(RuleRow(), *at, why="a list or a mapping, where a name is expected")
    if text.startswith("*."):
        return Named(RuleRow(suffix=text[2:]), *at, without=True)
    if text in ("*", ""):
        return Named(
            RuleRow(host="*"), *at, why="any host is everything: no list of exceptions says it"
        )
    return Named(RuleRow(host=text), *at)


def _range(node: Node, field: str) -> Named:
    prefix = (_either(node, "address_prefix", "addressPrefix") or Node(0)).text or ""
    length = node.at("prefix_len") or node.at("prefixLen") or Node(0)
    written = length.text or (_either(length, "value", "value") or Node(0)).text or "32"
    text = f"{prefix}/{written}"
    return Named(RuleRow(**{field: text}), node.line, text)  # type: ignore[arg-type]


def _either(node: Node, one: str, two: str) -> Node | None:
    return node.at(one) or node.at(two)


def _by_name(lines: list[Line]) -> Iterator[Line]:
    """Each name in a line of its own: whole ones, then stars, the longest one first, then chains for any name."""
    each = [msgspec.structs.replace(line, named=(one,)) for line in lines for one in line.named]
    yield from sorted(each, key=lambda line: _place(line.named[0]))
    yield from (line for line in lines if line.any_host)


def _place(one: Named) -> tuple[int, int, int]:
    """Envoy asks for the port first, then for addresses, then for names."""
    row = one.row
    narrow = (row.port is None) + (row.cidr is None)
    if row.host is not None and row.host != "*":
        return narrow, 0, 0
    return narrow, 1 if row.suffix is not None else 2, -len(row.suffix or "")
