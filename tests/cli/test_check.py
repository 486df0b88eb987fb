"""The command as a user runs it: a process, its output, its exit code."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from detector.chain.certificate import Certificate
from detector.lab.pki import Authority, Credential, LabPki
from tests.cli.conftest import command
from tests.live.programs import free_port

Run = Callable[..., subprocess.CompletedProcess[str]]

_SERVER = """
import asyncio, sys
from pathlib import Path
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from detector.lab.origin import Origin
from detector.lab.pki import Credential
async def main():
    found = {}
    for text in sys.argv[2:]:
        host, path = text.split("=")
        pem = Path(path).read_bytes()
        leaf, *above = x509.load_pem_x509_certificates(pem)
        found[host] = Credential(leaf, load_pem_private_key(pem, None), tuple(above))
    origin = Origin(found)
    origin.port = int(sys.argv[1])
    async with origin:
        print("ready", flush=True)
        await asyncio.sleep(3600)
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def files(pki: LabPki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    (folder / "root.pem").write_text(pki.root.pem)
    (folder / "logs.json").write_text(pki.ct_logs_json)
    return folder


@pytest.fixture(scope="module")
def gateway() -> Authority:
    return Authority("Gateway", organization="Example Corp", profile=False)


@pytest.fixture(scope="module")
def port(pki: LabPki, gateway: Authority, files: Path) -> Iterator[int]:
    """A server with honest and forged hosts."""
    shown: dict[str, Credential] = {h: pki.issue(h) for h in ("good.test", "fine.test")}
    for host in ("one.test", "github.com"):
        forged = gateway.issue(host)
        shown[host] = Credential(forged.certificate, forged.key, (gateway.certificate,))
    number = free_port()
    words = [f"{host}={c.write(files / f'{host}.pem')}" for host, c in shown.items()]
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(number), *words], stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield number
        server.terminate()


@pytest.fixture
def tlsight(files: Path, port: int, tmp_path: Path) -> Run:
    """Run `tlsight VERB` against the server with the lab's knowledge."""

    def run(
        *words: str, lab: bool = True, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        knows: list[object] = []
        if lab:
            knows += ["--roots", files / "root.pem", "--ct-logs", files / "logs.json"]
            if words[0] == "check":
                knows += ["--connect", f"127.0.0.1:{port}"]
        return command(tmp_path)(*words, *knows, stdin=stdin, **{"COLUMNS": "80"} | environment)

    return run


def records(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {item["target"]["host"]: item["verdict"] for item in found}


def test_an_honest_host_is_direct_and_exits_0(tlsight: Run, port: int) -> None:
    done = tlsight("check", "good.test")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"DIRECT        good.test:443 at 127.0.0.1:{port}\n")
    assert "Certificate Transparency holds this leaf" in done.stdout
    assert done.stderr == ""


def test_the_step_that_decides_compares_with_the_same_files(tlsight: Run, files: Path) -> None:
    done = tlsight("check", "--json", "--no-canaries", "one.test")
    (found,) = map(json.loads, done.stdout.splitlines())
    assert found["verdict"] == "suspect"
    assert f"--roots {files / 'root.pem'} --ct-logs {files / 'logs.json'}" in found["next_step"]


def again(page: Path) -> list[str]:
    """The lines of a report that ask the same again, as it shows them."""
    said = re.findall(
        r"<figcaption>Asks the same again</figcaption><pre>(.*?)</pre>", page.read_text()
    )
    return [html.unescape(line) for line in said]


def test_the_line_of_a_report_gives_the_same_answer_again(
    tlsight: Run, files: Path, tmp_path: Path, gateway: Authority
) -> None:
    policy, page = tmp_path / "my policy.toml", tmp_path / "report.html"
    key = Certificate(gateway.der).spki_sha256
    policy.write_text(f'[[sanctioned]]\nname = "Gate"\nspki = "{key}"\ndecrypt = ["*"]\n')
    told = tlsight(
        "check", "--json", "--policy", str(policy), "--pin", "good.test=sha256//" + "A" * 43 + "=",
        "--html", str(page), "--no-canaries", "--no-history", "--staple", "--timeout", "7",
        "github.com", "good.test:8443",
    )  # fmt: skip
    answers = [json.loads(line) for line in told.stdout.splitlines()]
    assert {one["sanctioned"] for one in answers} == {True, False}
    lines = again(page)
    assert len(lines) == 2
    for line in lines:
        assert "--staple" in line
        words = shlex.split(line)
        assert words[:2] == ["tlsight", "check"]
        done = command(tmp_path)("check", "--json", *words[2:])
        assert done.stderr == ""
        (found,) = map(json.loads, done.stdout.splitlines())
        (asked,) = [one for one in answers if one["target"] == found["target"]]
        for part in ("verdict", "sanctioned", "evidence", "causes", "route", "next_step", "chain"):
            assert found[part] == asked[part], part


def test_an_intercepted_pair_exits_1_and_says_so_first(tlsight: Run) -> None:
    done = tlsight("check", "one.test", "github.com", "good.test")
    assert done.returncode == 1
    assert "INTERCEPTED" in done.stdout
    assert done.stdout.splitlines()[-1] == "3 targets: 2 intercepted, 1 direct"


def test_json_is_one_object_a_line_and_nothing_else(tlsight: Run) -> None:
    done = tlsight("check", "--json", "one.test", "github.com", "good.test")
    assert records(done) == {
        "good.test": "direct",
        "one.test": "intercepted",
        "github.com": "intercepted",
    }
    assert done.stderr == ""


def test_lists_come_from_files_and_stdin_and_bad_lines_are_told(
    tlsight: Run, tmp_path: Path
) -> None:
    path = tmp_path / "hosts.txt"
    path.write_text("# hosts\ngood.test\n\nnot a host\n")
    done = tlsight("check", "--json", "-l", str(path), "-", stdin="fine.test\n")
    assert records(done) == {"good.test": "direct", "fine.test": "direct"}
    assert done.returncode == 2
    assert done.stderr.startswith("tlsight: target 'not a host': is no host name")


def test_what_was_asked_for_and_what_was_dialled_are_told_apart_by_every_verb(
    tlsight: Run, port: int, files: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "seen.ndjson"
    way = ("--connect", f"127.0.0.1:{port}", "--roots", str(files / "root.pem"))
    check = tlsight("check", "--json", "--save", str(saved), "good.test")
    judge = tlsight("judge", "--json", str(saved))
    diagnose = tlsight("diagnose", "--json", "good.test", *way, lab=False)
    for done in (check, judge, diagnose):
        target = json.loads(done.stdout)["target"]
        asked = (target["host"], target["port"], target["sni"])
        assert asked == ("good.test", 443, "good.test")
        assert (target["ip"], target["dialled"]) == ("127.0.0.1", f"127.0.0.1:{port}")
    for words in (("judge", str(saved)), ("diagnose", "good.test", *way)):
        done = tlsight(*words, lab=False)
        assert f"good.test:443 at 127.0.0.1:{port}" in done.stdout.splitlines()[0]


def test_a_list_may_be_anything_that_can_be_read(
    tlsight: Run, files: Path, port: int, tmp_path: Path
) -> None:
    done = tlsight("check", "--json", "-l", "/dev/stdin", stdin="good.test\n")
    assert (done.returncode, records(done)) == (0, {"good.test": "direct"}), done.stderr
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["sh", "-c", f"echo fine.test > {fifo}"]) as writer:
        done = tlsight("check", "--json", "-l", str(fifo))
        assert writer.wait(30) == 0
    assert (done.returncode, records(done)) == (0, {"fine.test": "direct"}), done.stderr
    for words in ("-l", str(tmp_path)), ("-l", str(tmp_path / "nothing")):
        done = tlsight("check", *words)
        assert (done.returncode, "no such file of targets" in done.stderr) == (2, True)


# A name that never resolves (RFC 6761 section 6.4).
NOWHERE = ("a.invalid", "b.invalid", "c.invalid", "d.invalid", "e.invalid")


def test_one_reason_of_the_network_is_said_once(tlsight: Run) -> None:
    done = tlsight("check", *NOWHERE, lab=False)
    assert done.returncode == 3
    assert done.stdout.startswith("INCONCLUSIVE  all 5 targets  none of the names resolves: ")
    _, remedy = " ".join(done.stdout.split()).split(" → ")
    assert remedy.startswith("Mend this machine's network")
    assert remedy.endswith("name it: --proxy URL.")
    done = tlsight("check", "--json", *NOWHERE, lab=False)
    assert records(done) == dict.fromkeys(NOWHERE, "inconclusive")
    assert all("does not resolve" in line for line in done.stdout.splitlines())


def test_targets_that_fail_for_different_reasons_are_each_told(tlsight: Run) -> None:
    done = tlsight("check", "127.0.0.1:9", *NOWHERE, lab=False)
    text = " ".join(done.stdout.split())
    assert "all " not in text
    assert [text.count(f"the name {host} does not resolve") for host in NOWHERE] == [1] * 5
    assert text.count("127.0.0.1:9 refuses the connection") == 1
    verbose = " ".join(tlsight("check", "-v", *NOWHERE, lab=False).stdout.split())
    assert verbose.count("does not resolve") == 5


def test_a_proxy_that_is_not_there_is_told_once(tlsight: Run) -> None:
    done = tlsight("check", "--proxy", "http://127.0.0.1:9", "a.com", "b.com", lab=False)
    assert done.returncode == 3
    assert done.stdout.startswith("INCONCLUSIVE  all 2 targets  the proxy at 127.0.0.1:9 refuses")
    assert done.stdout.count("the proxy at 127.0.0.1:9 refuses") == 1


def test_history_remembers_the_first_forged_host(tlsight: Run) -> None:
    first = tlsight("check", "--json", "github.com")
    second = tlsight("check", "--json", "one.test")
    assert records(first) == {"github.com": "intercepted"}
    assert records(second) == {"one.test": "intercepted"}
    alone = tlsight("check", "--json", "--no-history", "one.test")
    assert records(alone) == {"one.test": "suspect"}


def test_a_damaged_history_is_a_warning_not_a_failure(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "broken.sqlite3"
    path.write_bytes(b"no database at all" * 50)
    done = tlsight("check", "good.test", "--history", str(path))
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "history cannot be used" in done.stderr


def test_fail_on_picks_the_level(tlsight: Run) -> None:
    assert tlsight("check", "--no-history", "one.test").returncode == 1
    assert tlsight("check", "--no-history", "--fail-on", "intercepted", "one.test").returncode == 0
    assert tlsight("check", "good.test", TLSIGHT_FAIL_ON="bogus").returncode == 2


def test_pins_from_the_command_line_and_a_file(
    tlsight: Run, pki: LabPki, files: Path, tmp_path: Path
) -> None:
    key = Certificate(pki.intermediate.der).spki_sha256
    right = tlsight("check", "--json", "--pin", f"good.test={key}", "good.test")
    wrong = tlsight("check", "--json", "--pin", f"one.test={key}", "one.test")
    assert (records(right), records(wrong)) == (
        {"good.test": "direct"},
        {"one.test": "intercepted"},
    )
    path = tmp_path / "pins.toml"
    path.write_text('[[pin]]\nhost = "good.test"\nspki = ["nonsense"]\n')
    broken = tlsight("check", "--pins", str(path), "good.test")
    assert broken.returncode == 2
    assert f"{path}:1: 'nonsense' is no key digest" in broken.stderr


def test_a_sanctioned_interceptor_exits_0_when_told_so(
    tlsight: Run, gateway: Authority, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    key = Certificate(gateway.der).spki_sha256
    path.write_text(f'[[sanctioned]]\nname = "Gateway"\nspki = "{key}"\ndecrypt = ["*"]\n')
    common = ["check", "--json", "--policy", str(path), "one.test", "github.com"]
    told = tlsight(*common)
    assert [json.loads(line)["sanctioned"] for line in told.stdout.splitlines()] == [True, True]
    assert told.returncode == 1
    assert tlsight(*common, "--allow-sanctioned").returncode == 0


def test_saved_observations_judge_the_same_offline(tlsight: Run, tmp_path: Path) -> None:
    saved = tmp_path / "saved.ndjson"
    online = tlsight("check", "--json", "--save", str(saved), "one.test", "github.com", "good.test")
    offline = tlsight("judge", "--json", str(saved))
    assert records(online) == records(offline)
    assert offline.returncode == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["check", "a b"], "is no host name"),
        (["check", "-l", "/nowhere"], "/nowhere: no such file of targets"),
        (["check", "--proxy", "gopher://x", "a.com"], "proxy scheme 'gopher'"),
        (["check", "--starttls", "gopher", "a.com"], "none of smtp"),
        (["check", "--connect", "name:1", "a.com"], "is no IP:PORT"),
        (["check", "--pin", "x", "a.com"], "is not HOST="),
        (["check", "--roots", "/nowhere", "a.com"], "/nowhere: No such file"),
        (["check", "--bogus"], "No such option"),
        (["judge"], "Missing argument"),
        (["judge", "/nowhere"], "/nowhere: No such file"),
        (["judge", "--at", "noon", "/nowhere"], "'noon' is no time"),
        (["bogus"], "No such command"),
    ],
)
def test_usage_errors_are_one_line_and_exit_2(
    tlsight: Run, words: list[str], complaint: str
) -> None:
    done = tlsight(*words, lab=False)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_nobody_there_exits_3(tlsight: Run) -> None:
    done = tlsight("check", "--no-history", f"127.0.0.1:{free_port()}", lab=False)
    assert done.returncode == 3
    assert "refuses the connection" in done.stdout


def test_a_jpeg_is_no_chain(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "cat.pem"
    path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + os.urandom(5000))
    done = tlsight("judge", str(path))
    assert done.returncode == 2
    assert "neither a saved observation nor a certificate" in done.stderr


def test_a_pem_file_of_a_thousand_certificates_is_judged(
    tlsight: Run, pki: LabPki, tmp_path: Path
) -> None:
    path = tmp_path / "long.pem"
    path.write_text(pki.issue("a.test").chain_pem + pki.root.pem * 1000)
    done = tlsight("judge", f"a.test={path}")
    assert done.returncode == 0
    assert done.stdout.startswith("CONSISTENT    a.test:443")


def test_a_full_disk_is_one_line_and_exits_4(tlsight: Run) -> None:
    done = tlsight("check", "--save", "/dev/full", "good.test")
    assert done.returncode == 4
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_output_that_does_not_fit_is_no_success(files: Path, port: int, words: list[str]) -> None:
    command = [sys.executable, "-m", "detector", "check", "good.test", "--no-history", *words]
    command += ["--roots", f"{files}/root.pem", "--connect", f"127.0.0.1:{port}"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr == "tlsight: standard output: No space left on device; free some space\n"


def test_a_reader_that_leaves_early_is_no_error(tlsight: Run, files: Path, port: int) -> None:
    script = (
        f"{sys.executable} -m detector check --json --no-history good.test fine.test"
        f" --roots {files}/root.pem --connect 127.0.0.1:{port} | head -c 10"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_a_password_in_argv_is_warned_about_and_never_shown(tlsight: Run) -> None:
    done = tlsight("check", "--json", "--proxy", "http://u:hunter2@127.0.0.1:1", "good.test")
    assert "visible to others" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    quiet = tlsight("check", "--json", "good.test", HTTPS_PROXY="http://u:hunter2@127.0.0.1:1")
    assert quiet.stderr == ""
    assert "hunter2" not in quiet.stdout


def test_settings_come_from_file_then_environment_then_flags(tlsight: Run, tmp_path: Path) -> None:
    folder = tmp_path / "cfg" / "tlsight"
    folder.mkdir(parents=True)
    config = folder / "config.toml"
    config.write_text('[check]\njson = true\nfail-on = "intercepted"\nno-history = true\n')
    assert tlsight("check", "one.test").returncode == 0
    assert tlsight("check", "one.test", TLSIGHT_FAIL_ON="suspect").returncode == 1
    assert (
        tlsight(
            "check", "--fail-on", "intercepted", "one.test", TLSIGHT_FAIL_ON="suspect"
        ).returncode
        == 0
    )
    config.write_text("[check]\njsno = true\n")
    done = tlsight("check", "one.test")
    assert (done.returncode, "no setting 'jsno'" in done.stderr) == (2, True)


def test_no_color_and_pipes_have_no_escape_codes(tlsight: Run) -> None:
    assert "\x1b" not in tlsight("check", "good.test").stdout


def test_version_and_help(tlsight: Run) -> None:
    assert tlsight("--version", lab=False).stdout == "tlsight 0.1.0\n"
    shown = tlsight("check", "--help", lab=False).stdout
    assert "Examples" in shown
    assert "tlsight check --starttls smtp mail.example.com" in shown


def test_few_file_descriptors_make_a_run_slower_and_cost_no_target_its_verdict(
    files: Path, port: int, tmp_path: Path
) -> None:
    path = tmp_path / "many.txt"
    path.write_text("good.test\n" * 300)
    script = (
        f"ulimit -n 40; {sys.executable} -m detector check --json --no-history -l {path}"
        f" --concurrency 200 --roots {files}/root.pem --connect 127.0.0.1:{port}"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert re.fullmatch(
        r"tlsight: file descriptors suffice for \d targets at once; ulimit -n gives more\n",
        done.stderr,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 300
    assert {item["verdict"] for item in found} == {"consistent"}


@pytest.mark.parametrize("verb", ["check", "diagnose"])
@pytest.mark.parametrize("content", [None, "", "# only a comment\n\n"])
def test_a_list_without_targets_is_no_clean_run(
    tlsight: Run, tmp_path: Path, verb: str, content: str | None
) -> None:
    path = Path("/dev/null") if content is None else tmp_path / "none.txt"
    if content is not None:
        path.write_text(content)
    for words in ("-l", str(path)), ("-",):
        done = tlsight(verb, *words, stdin=content or "")
        where = "stdin" if words == ("-",) else path
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"tlsight: {where}: holds no target; write one a line\n"


def test_without_targets_the_canaries_are_of_many_owners() -> None:
    from detector.cli.check import canaries

    assert len(canaries()) == 12


def test_five_hundred_targets_are_written_as_they_finish(tlsight: Run, tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("good.test\n" * 500)
    done = tlsight("check", "--json", "-l", str(path))
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 500
