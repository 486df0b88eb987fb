"""haproxy.cfg: which names its frontends send to which backends.

Source: HAProxy configuration manual, "Using ACLs", "use_backend", "map".

Rules
-----
1. `use_backend` lines are asked in order; what `tcp-request content reject` refuses is refused before.
2. An ACL holds where any of its values does, whatever line gave them. Terms of a condition hold together, "||" and
   "or" part them, "!" turns one round, `unless` all.
3. "-m end .a.com" is all below a.com and not a.com itself; without the dot, whatever ends like it. "-m dom" is the
   name with dots around it, anywhere.
4. One frontend is one list. Of several that let through the first is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from addons.bypass.rule import RuleRow
from addons.formats import addresses, searched
from addons.formats.backends import Backends
from addons.formats.exported import Imported, ReadOptions, Unread
from addons.formats.router_words import MAX_LINES, haproxy_words
from addons.formats.settling import MOST_TEXT, Line, Named, settle
from addons.formats.together import MOST_ROWS, together
from detector.errors import ConfigError

_SECTIONS = ("global", "defaults", "frontend", "listen", "backend", "userlist", "peers", "resolvers", "cache", "program",
             "mailers", "http-errors", "ring", "crt-store", "fcgi-app")  # fmt: skip
_SNI = re.compile(r"req[._]ssl_sni((?:,[a-z_]+(?:\([^()]*\))?)*)")
_MAP = re.compile(r"%\[(?P<fetch>[^\]]*?),map(?:_(?P<how>[a-z]+))?\((?P<args>[^()]*)\)\]")
_HELLO = (
    "req.ssl_hello_type",
    "req_ssl_hello_type",
    "req.ssl_ver",
    "always_true",
    "req.proto_http",
)
_FLAGS = ("-i", "-n", "-u", "-M", "--")
_PREDEFINED = ("TRUE", "WAIT_END")
_METHODS = ("str", "end", "beg", "sub", "dom", "reg", "found")


class _Acl(msgspec.Struct):
    values: list[Named]
    why: str = ""
    everything: bool = False


class _Front(msgspec.Struct):
    """A frontend: what it refuses, and what it sends where."""

    name: str
    refused: list[Line]
    sent: list[tuple[str, Line]]

    def lets_through(self) -> bool:
        """Whether any of it is known to pass."""
        return any(line.action == "pass" and not line.untold for _, line in self.sent)


def read(text: str, source: str, options: ReadOptions) -> Imported:
    """The rules of a configuration, or of the lines of one frontend. Raises ConfigError beyond its bounds."""
    found = _Reading(source, options)
    found.sections(text)
    fronts = [one for one in found.fronts if one.sent]
    chosen = next((one for one in fronts if one.lets_through()), None)
    more = [one for one in fronts if one is not chosen]
    unread = list(found.unread)
    for front in more:
        for backend, line in front.sent:
            why = line.untold
            if not why and line.action == "pass":
                why = f"of another frontend, {front.name}: give its lines alone"
            if why:
                unread += [
                    Unread(n.line, n.text[:MOST_TEXT], n.why or why, n.file) for n in line.named
                ]
            del backend
    if chosen is None:
        return Imported((), tuple(unread))
    return settle([*chosen.refused, *(line for _, line in chosen.sent)], unread)


class _Reading:
    def __init__(self, source: str, options: ReadOptions) -> None:
        self.source, self.beside = source, options.beside
        self.backends = Backends(options)
        self.fronts: list[_Front] = [_Front("", [], [])]
        self.unread: list[Unread] = []
        self._acls: dict[str, _Acl] = {}
        self._kind = "frontend"
        self._rows = 0

    def sections(self, text: str) -> None:
        """Every line, in the section where it stands."""
        for number, line in enumerate(text.splitlines(), 1):
            words = haproxy_words(line) if number <= MAX_LINES else []
            if not words:
                continue
            if words[0] in _SECTIONS:
                self._kind = words[0]
                self._acls = {}
                self.fronts.append(_Front(" ".join(words[:2]), [], []))
            elif self._kind in ("frontend", "listen"):
                self._line(words, Named(RuleRow(), number, line.strip()))

    def _line(self, words: list[str], at: Named) -> None:
        first, front = words[0], self.fronts[-1]
        if first == "acl" and len(words) >= 3:
            found = self._acls.setdefault(words[1], _Acl([]))
            self._criterion(found, words[2:], at)
        elif first == "use_backend" and len(words) >= 2:
            for line in self._sent(words[1], words[2:], at):
                front.sent.append((words[1], line))
        elif first == "default_backend" and len(words) >= 2:
            line = self.backends.line(words[1], (), at, any_host=True)
            front.sent.append((words[1], line))
        elif words[:3] == ["tcp-request", "content", "reject"]:
            for named, spared, doubt, any_host in self._branches(words[3:]):
                line = Line("block", named, at.line, at.text, "", any_host, spared, doubt)
                front.refused.append(line)

    def _sent(self, backend: str, condition: list[str], at: Named) -> Iterator[Line]:
        for named, spared, doubt, any_host in self._branches(condition):
            mapped = _MAP.fullmatch(backend)
            if backend.startswith("%[") and mapped is None:
                whose = replace_all(
                    named or (at,), why="the backend is worked out, in no way that is read here"
                )
                yield Line("inspect", whose, at.line, at.text, any_host=any_host)
                continue
            if mapped is None:
                yield self.backends.line(
                    backend, named, at, any_host=any_host, spared=spared, doubt=doubt
                )
                continue
            yield from self._mapped(mapped, named, spared, doubt, at, any_host=any_host)

    def _mapped(
        self, mapped: re.Match[str], named: tuple[Named, ...], spared: tuple[Named, ...], doubt: str,
        at: Named, *, any_host: bool,
    ) -> Iterator[Line]:  # fmt: skip
        name, _, default = mapped["args"].partition(",")
        how = mapped["how"] or "str"
        entries = self._file(name, at)
        if not _SNI.fullmatch(mapped["fetch"]) or how not in _METHODS:
            doubt = doubt or f"a map that is asked by {mapped['fetch'][:40]}"
        if entries is None:
            yield Line("inspect", (), at.line, at.text, any_host=True)
            return
        for number, line in entries:
            key, _, value = line.partition(" ")
            one = self._name(how, key, number, name)
            rows, why = ((one,), "") if any_host else together([[one], list(named)])
            where = Named(RuleRow(), number, line, name)
            yield self.backends.line(value.strip(), rows, where, spared=spared, doubt=doubt or why)
        if default:
            yield self.backends.line(
                default.rpartition(",")[2].strip(),
                named,
                at,
                any_host=any_host,
                spared=spared,
                doubt=doubt,
            )

    def _file(self, name: str, at: Named) -> list[tuple[int, str]] | None:
        """Lines of a list or a map, which may be commented out as a whole."""
        why = f"the file {name} was not given"
        try:
            text = self.beside(name) if self.beside is not None else None
        except ConfigError as error:
            text, why = None, str(error)
        if text is None:
            self.unread.append(Unread(at.line, at.text[:MOST_TEXT], why, at.file))
            return None
        lines = [(n, " ".join(line.split())) for n, line in enumerate(text.splitlines(), 1)]
        return [(n, line) for n, line in lines[:MAX_LINES] if line and not line.startswith("#")]

    def _branches(
        self, words: list[str]
    ) -> Iterator[tuple[tuple[Named, ...], tuple[Named, ...], str, bool]]:
        """What each alternative of a condition names and spares, its doubt, and whether it names any host."""
        if not words:
            yield (), (), "", True
            return
        branches = list(self._terms(words[1:]))
        if words[0] == "unless":
            turned = [[(not said, acl) for said, acl in terms] for terms in branches]
            if len(turned) == 1:
                branches = [[one] for one in turned[0]]
            elif all(len(terms) == 1 for terms in turned):
                branches = [[terms[0] for terms in turned]]
            else:
                yield (), (), "a condition of alternatives, turned round", True
                return
        for terms in branches:
            if all(holds or not acl.everything for holds, acl in terms):
                yield _joined(terms)

    def _terms(self, words: list[str]) -> Iterator[list[tuple[bool, _Acl]]]:
        """Alternatives, each of terms with whether it is to hold."""
        terms: list[tuple[bool, _Acl]] = []
        left = iter(words)
        holds = True
        for word in left:
            if word in ("||", "or"):
                yield terms
                terms = []
                continue
            while word.startswith("!"):
                holds, word = not holds, word[1:]
            if not word:
                continue
            if word == "{":
                inside = []
                for one in left:
                    if one == "}":
                        break
                    inside.append(one)
                found = _Acl([])
                self._criterion(found, inside, Named(RuleRow()))
            elif word in _PREDEFINED:
                found = _Acl([], everything=True)
            else:
                found = self._acls.get(word) or _Acl([], why=f"the list {word} is not there")
            terms.append((holds, found))
            holds = True
        yield terms

    def _criterion(self, found: _Acl, words: list[str], at: Named) -> None:
        """One test: what is fetched, how it is compared, and with what."""
        if not words:
            found.why = "an empty condition"
            return
        fetch, rest = words[0], list(words[1:])
        how, values, files = "str", [], []
        while rest:
            word = rest.pop(0)
            if word == "-m" and rest:
                how = rest.pop(0)
            elif word == "-f" and rest:
                files.append(rest.pop(0))
            elif word == "--":
                values += rest
                rest = []
            elif word not in _FLAGS or values:
                values.append(word)
        at = at if at.line else Named(RuleRow(), 0, " ".join(words))
        if fetch in _HELLO or (_SNI.fullmatch(fetch) and how == "found"):
            found.everything = True
            return
        sni = _SNI.fullmatch(fetch)
        if sni is not None and sni[1] not in ("", ",lower"):
            sni = None
        if sni is None and fetch not in ("src", "dst", "dst_port"):
            found.why = f"no rule asks for {fetch[:60]}"
            return
        for name in files:
            entries = self._file(name, at)
            if entries is None:
                found.why = f"a part of the list is in {name}, which was not read"
            for number, line in entries or ():
                self._put(found, fetch if sni is None else "", how, line, number, name)
        for value in values:
            self._put(found, fetch if sni is None else "", how, value, at.line, at.file)

    def _put(self, found: _Acl, fetch: str, how: str, value: str, line: int, file: str) -> None:
        self._rows += 1
        if self._rows > MOST_ROWS:
            raise ConfigError(self.source, f"more than {MOST_ROWS} values in its lists")
        at = (line, value, file)
        try:
            if not fetch:
                found.values.append(self._name(how, value, line, file))
            elif fetch == "dst_port":
                if value != "eq":
                    ports = addresses.ports(value.replace(":", "-"))
                    found.values += [Named(RuleRow(host="*", port=port), *at) for port in ports]
            else:
                field = "client" if fetch == "src" else "cidr"
                for network in addresses.networks(value):
                    found.values.append(Named(RuleRow(**{field: network}), *at))  # type: ignore[arg-type]
        except ValueError as error:
            found.values.append(Named(RuleRow(), *at, why=str(error)))

    def _name(self, how: str, value: str, line: int, file: str) -> Named:
        at = (line, value, file)
        if how == "str":
            return Named(RuleRow(host=value), *at)
        if how == "end" and value.startswith("."):
            return Named(RuleRow(suffix=value), *at, without=True)
        escaped = re.escape(value)
        row: RuleRow | str
        if how == "reg":
            row = searched.meaning(value)
        elif how in ("end", "beg", "sub"):
            row = searched.meaning(
                f"{'^' if how == 'beg' else ''}{escaped}{'$' if how == 'end' else ''}"
            )
        elif how == "dom":
            row = RuleRow(regex=rf"(?:.*\.)?{re.escape(value.strip('.'))}(?:\..*)?")
        else:
            row = f"no rule compares by -m {how}"
        if isinstance(row, str):
            return Named(RuleRow(), *at, why=row)
        return Named(row, *at)


def _joined(
    terms: Iterable[tuple[bool, _Acl]],
) -> tuple[tuple[Named, ...], tuple[Named, ...], str, bool]:
    positive: list[list[Named]] = []
    spared: list[Named] = []
    doubts: list[str] = []
    for holds, acl in terms:
        if acl.why or (not holds and any(one.why for one in acl.values)):
            doubts.append(acl.why or "what is turned round is no rule")
        elif acl.everything:
            continue
        elif holds:
            positive.append(acl.values)
        else:
            spared += acl.values
        if acl.why and acl.values and holds:
            positive.append(acl.values)
    named, why = together(positive)
    doubts += [why] if why else []
    return named, tuple(spared), "; ".join(doubts)[:200], not positive


def replace_all(named: Iterable[Named], *, why: str) -> tuple[Named, ...]:
    """Each, with why it cannot be said."""
    return tuple(msgspec.structs.replace(one, why=one.why or why) for one in named)
