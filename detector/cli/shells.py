"""The scripts by which shells ask detector.cli.completing, and where each shell finds its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from detector.cli.completing import SHELLS
from detector.errors import ConfigError

_BASH = """\
# Completion of tlsight for bash.
_tlsight() {
    local IFS=$'\\n' line
    COMPREPLY=()
    for line in $(_TLSIGHT_COMPLETE=bash "$1" "${COMP_LINE:0:COMP_POINT}" 2> /dev/null); do
        if [[ $line == $'\\x01'files* ]]; then
            compopt -o filenames -o default 2> /dev/null
            COMPREPLY=()
            return
        fi
        COMPREPLY+=("$line")
    done
}
complete -F _tlsight tlsight
"""
_ZSH = """\
#compdef tlsight
# Completion of tlsight for zsh.
_tlsight() {
    local line word
    local -a found words_ shown
    found=("${(@f)$(_TLSIGHT_COMPLETE=zsh ${words[1]} ${(Q)${words[2,CURRENT-1]}} "${(Q)words[CURRENT]}" 2> /dev/null)}")
    [[ $words[CURRENT] == --*=* ]] && compset -P '*='
    for line in $found; do
        if [[ $line == $'\\x01'files* ]]; then
            _files
            return
        fi
        word=${line%%$'\\t'*}
        words_+=($word)
        if [[ $line == *$'\\t'* ]]; then shown+=("${(r:22:)word}  ${line#*$'\\t'}"); else shown+=($word); fi
    done
    (( $#words_ )) && compadd -l -d shown -a words_
}
if [[ $funcstack[1] == _tlsight ]]; then _tlsight "$@"; else compdef _tlsight tlsight; fi
"""
_FISH = """\
# Completion of tlsight for fish.
function __tlsight_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in (_TLSIGHT_COMPLETE=fish $before[1] $before[2..] "$current" 2> /dev/null)
        if string match -q (printf '\\x01')'files*' -- $line
            set -l front (string split -f 2 \\t -- $line)
            set -l start (string sub -s (math (string length -- "$front") + 1) -- $current)
            for path in (__fish_complete_path $start)
                echo "$front$path"
            end
        else
            echo $line
        end
    end
end
complete -c tlsight -f -a '(__tlsight_complete)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
# The script's file, the shell's own start file, and the line in that one; below the home.
_PLACES = {
    "bash": (".bash_completions/tlsight.sh", ".bashrc", "source ~/.bash_completions/tlsight.sh"),
    "zsh": (".zfunc/_tlsight", ".zshrc", "fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit"),
    "fish": (".config/fish/completions/tlsight.fish", None, None),
}  # fmt: skip
# Where packages of distributions put it.
_PACKAGED = {
    "bash": ("/usr/share/bash-completion/completions/tlsight",),
    "zsh": (
        "/usr/share/zsh/vendor-completions/_tlsight", "/usr/share/zsh/site-functions/_tlsight",
    ),
    "fish": ("/usr/share/fish/vendor_completions.d/tlsight.fish",),
}  # fmt: skip


def script(shell: str) -> str:
    """What a shell reads to complete tlsight. Raises ConfigError for a shell that is not known."""
    if shell not in SCRIPTS:
        raise ConfigError(
            "completion", f"{shell!r} is none of {', '.join(SHELLS)}", remedy="name one"
        )
    return SCRIPTS[shell]


def install(shell: str, home: Path) -> tuple[Path, Path | None]:
    """Put the script where the shell looks; the file, and the start file that was given a line, if it needed one.

    Raises ConfigError, OSError.
    """
    text = script(shell)
    place, start, line = _PLACES[shell]
    file = home / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    if start is None or line is None:
        return file, None
    there = home / start
    said = there.read_text(encoding="utf-8", errors="surrogateescape") if there.exists() else ""
    if line in said:
        return file, None
    with there.open("a", encoding="utf-8") as open_file:
        open_file.write(
            f"{'' if not said or said.endswith(chr(10)) else chr(10)}{line}  # tlsight\n"
        )
    return file, there


def installed(home: Path) -> tuple[str, ...]:
    """Shells that find a script of ours, below this home or where packages put it."""
    return tuple(
        shell
        for shell, (place, _, _) in _PLACES.items()
        if any(file.exists() for file in (home / place, *map(Path, _PACKAGED[shell])))
    )


def own_shell(environment: Mapping[str, str]) -> str:
    """The shell that started this program, else the login shell; its name may be none of ours."""
    try:
        parent = Path(f"/proc/{os.getppid()}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        parent = ""
    return parent if parent in SHELLS else Path(environment.get("SHELL", "")).name
