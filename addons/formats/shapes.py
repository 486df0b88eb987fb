"""Regexes of other programs: the rules that say the same, where some do.

Theory of operation
-------------------
A gateway searches a name, or "name/path", or a whole URL, for its expression; a rule of ours asks the whole name. So
anchors are looked for first: what is not anchored is said with `.*` at that end, as wide as it was there. Then the
usual shapes become names: `^(.*\\.)?x$` and `(^|\\.)x$` a suffix, `^.+\\.x$` and `\\.x$` all below, `^[^.]+\\.x$` one
label, `^x$` a host. Whatever else it says stays a regex. What looks at a path cannot be said.

A set of letters, digits and the hyphen is taken for whatever a label may hold; a narrower one is not.
"""

from __future__ import annotations

import re

from addons.bypass.expression import MAX_REGEX, fault, has_alternatives
from addons.formats.gathered import Found, Kind, Pattern
from addons.formats.spelling import EVERYTHING, PATH

MAX_ALTERNATIVES = 64
_SCHEME = re.compile(
    r"\^?(?:https\??|\((?:\?:)?https\|http\)|\((?:\?:)?http\|https\)|http\(s\)\?)\\?:(?:\\?/){2}"
)
_DOT = r"(?:\\\.|\[\.\])"
_SET = r"(?P<set>\.|\\S|\[[^\]\[]{1,40}\])"
_BEGIN_OR_DOT = re.compile(rf"\((?:\?:)?(?:\^\|{_DOT}|{_DOT}\|\^)\)")
_GROUP = re.compile(rf"\((?:\?:)?{_SET}[*+]\??{_DOT}\)(?P<count>[?*+]?)")
_BARE = re.compile(rf"{_SET}[*+]\??{_DOT}")
_LITERAL = re.compile(r"(?:[A-Za-z0-9_-]|\\[.-]|\[\.\])+")
_END = re.compile(
    r"(?:\\\.\?)?(?:\\?/(?:\.\*)?\$?|\\?/\?\$|\((?:\?:)?(?:\\?/\|\$|\$\|\\?/)\)|\$)\Z"
)
_ANY = {".", "\\S", "[^/]", "[^\\/]"}
_ONE = {"[^.]", "[^\\.]", "[^./]", "[^.\\/]", "[^\\.\\/]", "[^/.]", "[^\\/.]"}
# By how many labels a set may hold, and how often its group stands: the patterns.
_KINDS: dict[tuple[str, str], tuple[Kind, ...]] = {
    ("any", ""): ("below",), ("any", "+"): ("below",), ("any", "?"): ("suffix",), ("any", "*"): ("suffix",),
    ("one", ""): ("wildcard",), ("one", "+"): ("below",), ("one", "?"): ("host", "wildcard"),
    ("one", "*"): ("suffix",),
}  # fmt: skip


def meaning(regex: str, *, path: bool = False, port: int | None = None) -> Found:
    """The patterns that say what an expression finds, or why none do.

    Args:
        regex: searched for, not matched.
        path: it is looked for in "host/path" or a URL: a slash ends the host.
        port: of the patterns.

    """
    if len(regex) > 10 * MAX_REGEX:
        return f"a regex of {len(regex)} characters"
    text = regex.strip().removeprefix("(?i)")
    if not has_alternatives(text):
        return _one(text, path, port)
    found: list[Pattern] = []
    parts = _alternatives(text)
    if len(parts) > MAX_ALTERNATIVES:
        return f"a regex of {len(parts)} alternatives, at most {MAX_ALTERNATIVES}"
    for part in parts:
        one = _one(part, path, port)
        if isinstance(one, str):
            return one
        found += one
    return found


def _one(text: str, path: bool, port: int | None) -> Found:
    anchored = text.startswith("^")
    scheme = _SCHEME.match(text) if path else None
    text = text[scheme.end() :] if scheme is not None else text.removeprefix("^")
    anchored = anchored or scheme is not None
    if scheme is not None and text.startswith("^"):
        return "an anchor in its middle: it finds nothing"
    ended, text = _without_end(text, path=path)
    if path and "/" in text.replace("[^/]", "").replace("[^\\/]", ""):
        return PATH
    kinds = _shaped(text, anchored=anchored) if ended else None
    if kinds is not None:
        return [Pattern(kind, name, port) for kind, name in kinds]
    if not anchored:
        edge = _BEGIN_OR_DOT.match(text)
        text = f"(?:.*[.])?{text[edge.end() :]}" if edge is not None else _after_anything(text)
    text = text if ended else f"{text}.*"
    if not text.strip("().*+?:^$"):
        return EVERYTHING
    why = fault(text)
    return why if why is not None else [Pattern("regex", text, port)]


def _after_anything(text: str) -> str:
    return text if text.startswith((".*", ".+")) else f".*{text}"


def _without_end(text: str, *, path: bool) -> tuple[bool, str]:
    """Whether the name ends where the text does, and the text without that."""
    if path:
        found = _END.search(text)
        return (False, text) if found is None else (True, text[: found.start()])
    if text.endswith("$") and not text.endswith("\\$"):
        return True, text[:-1]
    return False, text


def _shaped(text: str, *, anchored: bool) -> list[tuple[Kind, str]] | None:
    """What a text says that ends where the name does."""
    edge = _BEGIN_OR_DOT.match(text)
    if edge is not None:
        return _named(text[edge.end() :], "host" if anchored else "suffix")
    if text.startswith(("\\.", "[.]")):
        return None if anchored else _named(text[2 if text[0] == "\\" else 3 :], "below")
    group = _GROUP.match(text) or _BARE.match(text)
    if group is None:
        return _named(text, "host") if anchored else None
    labels = _labels(group["set"])
    count = group.groupdict().get("count") or ""
    if labels is None or (not anchored and count in ("?", "*")):
        return None
    kinds = _KINDS[labels, count] if anchored else ("below",)
    return _named(text[group.end() :], *kinds)


def _named(text: str, *kinds: Kind) -> list[tuple[Kind, str]] | None:
    if not _LITERAL.fullmatch(text):
        return None
    name = text.replace("[.]", ".").replace("\\", "")
    return [(kind, name) for kind in kinds]


def _labels(letters: str) -> str | None:
    """Whether a set stands for any number of labels or one; None where it is narrower than a label may be."""
    if letters in _ANY or letters in _ONE:
        return "any" if letters in _ANY else "one"
    inner = letters[1:-1].replace("\\-", "-").replace("\\.", ".").lower()
    if inner.startswith("^"):
        return None
    word = "\\w" in inner or ("a-z" in inner and ("0-9" in inner or "\\d" in inner))
    rest = re.sub(r"\\[wd]|a-z|0-9", "", inner)
    if not word or "-" not in rest:
        return None
    return "any" if "." in rest else "one"


def _alternatives(text: str) -> list[str]:
    """The text cut at the bars that stand in no group and no set."""
    parts, depth, start, place, inside = [], 0, 0, 0, False
    while place < len(text):
        letter = text[place]
        if letter == "\\":
            place += 1
        elif inside:
            inside = letter != "]"
        elif letter == "[":
            inside = True
            place += text[place + 1 : place + 2] in ("]", "^")
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "|" and depth == 0:
            parts.append(text[start:place])
            start = place + 1
        place += 1
    return [*parts, text[start:]]


def whole(regex: str) -> Found:
    """An expression in our own words: the whole name must match."""
    return [Pattern("regex", regex)]


def any_host() -> Found:
    """Every host; a rule of it needs a condition."""
    return [Pattern("any", "*")]
