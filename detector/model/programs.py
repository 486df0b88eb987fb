"""Which store a program reads: one row each, read from data/programs/, asked by everybody.

Rules
-----
1. `reads` says what a program goes by where nothing is set; the first row that fits platform and version counts.
2. `setting` rows stand in the order in which the program obeys them, the strongest first. One that `replaces` takes the
   place of the store and of every setting below it; one that `adds` adds to what stands below it; one that `switches`
   takes another store. Debian's folder of roots counts beside a file that replaces its bundle where a program reads both.
3. A key names a place and what stands there: "env:NODE_EXTRA_CA_CERTS", "npmrc:cafile", "git:http.sslcainfo",
   "option:--cacert". The part before the colon is a kind of data/setting_files.toml, or env, or option.
4. A fix has one form: a variable (`sets`), a command, or lines of a file. CA_FILE stands for a PEM file with the one CA, BUNDLE
   for one with the public roots and the CA: a setting that replaces needs the latter, or the hosts that nobody intercepts
   break.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

Platform = Literal["", "linux", "macos", "windows", "android", "ios"]
Effect = Literal["replaces", "adds", "switches"]
Value = Literal["file", "folder", "files", "store", "flag"]
Shell = Literal["sh", "powershell", "dockerfile", "systemd", "ci"]
SHELLS: tuple[Shell, ...] = ("sh", "powershell", "dockerfile", "systemd", "ci")

# Causes that end where the client trusts the CA.
TRUST_CAUSES = (
    "tls-intercepted",
    "untrusted-root",
    "issuer-unknown",
    "self-signed",
    "client-lacks-ca",
)


class Reads(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The store a program goes by where nothing is set.

    Attributes:
        store: os (the system's bundle or store), mozilla (a copy of Mozilla's roots inside the program), certifi, node, java,
            nss, chrome, android, apple, windows, none (it verifies nothing), own (in words).
        since, until: versions from and below which that holds; "" for all.

    """

    store: str
    text: str
    platform: Platform = ""
    since: str = ""
    until: str = ""


class ProgramSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A setting that changes it.

    Attributes:
        value: what its value is.
        when: a regular expression that the whole value must match for the setting to have the effect; "" for any.
        store: where a switch leads to, in the words of `Reads.store`.
        keeps: the store goes on counting beside what replaces it; the settings below do not.
        leaves_folder: it takes the place of OpenSSL's file of roots alone; the system's folder of hashed names, where there is
            one, goes on counting (X509_LOOKUP_hash_dir), unless SSL_CERT_DIR names another.
        needs: key of another setting of the row without whose effect this one does not count; "" for none.

    """

    key: str
    effect: Effect
    value: Value = "file"
    when: str = ""
    store: str = ""
    keeps: bool = False
    leaves_folder: bool = False
    needs: str = ""
    platform: Platform = ""
    since: str = ""
    until: str = ""


class Unsafe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A setting that turns verification off.

    Attributes:
        when: a regular expression for the whole value, letters of any case, that turns it off; "" for any value.

    """

    key: str
    when: str = ""
    text: str = ""


class ProgramFix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What mends a cause in this program, in one of three forms.

    Attributes:
        causes: which; those of trust where left out.
        sets, value: a variable's name and its value.
        command: a command line of sh; powershell: where that one differs.
        file, lines: what to add to which file.
        text: what it does, or when it is the right one, in one sentence.

    """

    causes: tuple[str, ...] = TRUST_CAUSES
    platform: Platform = ""
    since: str = ""
    until: str = ""
    sets: str = ""
    value: str = ""
    command: str = ""
    powershell: str = ""
    file: str = ""
    lines: str = ""
    text: str = ""


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One program.

    Attributes:
        id: stable, lower-case.
        kind: package manager, runtime, version control, container, cloud, database, browser, editor, agent, mail, iot,
            transfer, library, system.
        commands: names on PATH; empty for libraries.
        hosts: whom it asks where nobody says otherwise: registries and services that are fine for everybody else.
        under: the program or runtime beneath, whose settings count as well, by id.
        check: a command that shows whether it works.
        proved: the live tests run it: without the setting it refuses, with the line it works, in the order written.

    """

    id: str
    name: str
    kind: str
    sources: tuple[str, ...]
    reads: tuple[Reads, ...]
    commands: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    under: str = ""
    setting: tuple[ProgramSetting, ...] = ()
    unsafe: tuple[Unsafe, ...] = ()
    fix: tuple[ProgramFix, ...] = ()
    check: str = ""
    proved: bool = False

    def fixes(self, cause: str) -> Iterator[ProgramFix]:
        """What mends the cause here, the best first."""
        return (one for one in self.fix if cause in one.causes)


def line_for(fix: ProgramFix, shell: Shell, ca: str, bundle: str) -> str:
    """The line as one pastes it there; "" where that form has none.

    Args:
        fix: what to do.
        shell: where.
        ca: path of a PEM file with the one CA.
        bundle: path of a PEM file with the public roots and the CA.

    """

    def filled(text: str) -> str:
        return _BLANK.sub(lambda found: ca if found[0] == "CA_FILE" else bundle, text)

    if fix.sets:
        name, value = fix.sets, filled(fix.value)
        return {
            "sh": f"export {name}={_quoted(value)}",
            "powershell": f'$env:{name} = "{value}"',
            "dockerfile": f'ENV {name}="{value}"',
            "systemd": f'Environment="{name}={value}"',
            "ci": f'env:\n  {name}: "{value}"',
        }[shell]
    if fix.command:
        command = filled(fix.command)
        return {
            "sh": command,
            "powershell": filled(fix.powershell) or command,
            "dockerfile": f"RUN {command}",
            "systemd": f"ExecStartPre={command}",
            "ci": f"- run: {command}",
        }[shell]
    return filled(fix.lines) if shell == "sh" else ""


def _quoted(value: str) -> str:
    return value if value and not set(value) - _PLAIN else f'"{value}"'


# REQUESTS_CA_BUNDLE and its like are names, and no blanks.
_BLANK = re.compile(r"(?<!\w)(?:CA_FILE|BUNDLE)(?!\w)")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%~")
