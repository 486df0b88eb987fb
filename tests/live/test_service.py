"""The shipped units and images: checked by systemd's own tools, and run as systemd would run them."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from ruamel.yaml import YAML

from addons.service import KINDS, shipped
from detector.lab.origin import Origin
from detector.lab.pki import LabPki
from tests.cli.conftest import running
from tests.live.programs import find, free_port
from tests.live.unit_world import BACKUPS, COMMAND, STATE, UID, UnitWorld
from tests.live.waiting import PATIENCE, until

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore::ResourceWarning")]
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "bypass-service.md"
# Exposure by systemd-analyze, in tenths; the how-to says the same.
MOST = {"tlsight-proxy": 13, "tlsight-review": 11, "tlsight-backup": 4}


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("units")
    for kind in ("systemd", "logrotate"):
        command = [COMMAND, "bypass", "service", kind, "--write", folder, "--command", COMMAND]
        subprocess.run(command, check=True, capture_output=True)
    return folder


def test_systemd_finds_no_fault_in_the_units_and_little_that_they_may_do(units: Path) -> None:
    folder = units / "etc/systemd/system"
    files = sorted(folder.glob("tlsight-*.*e*"))
    assert len([one for one in files if one.is_file()]) == 4
    for file in (one for one in files if one.is_file()):
        checked = subprocess.run(
            [find("systemd-analyze"), "verify", "--man=no", file], capture_output=True, text=True
        )
        # Of the machine's own units it says what it likes.
        assert "tlsight" not in checked.stderr, checked.stderr
        if file.suffix == ".service":
            said = subprocess.run(
                [find("systemd-analyze"), "security", "--offline=yes", "--no-pager",
                 f"--threshold={MOST[file.stem]}", file],
                capture_output=True, text=True,
            )  # fmt: skip
            assert said.returncode == 0, said.stdout[-400:]
            level = f"{MOST[file.stem] / 10:.1f}"
            assert re.search(rf"{file.stem}.service: {re.escape(level)} ", said.stdout)
            assert level in PAGE.read_text()


def test_users_and_folders_are_made_as_they_say(units: Path, tmp_path: Path) -> None:
    shutil.copytree(units / "etc", tmp_path / "etc")
    subprocess.run([find("systemd-sysusers"), f"--root={tmp_path}"], check=True)
    assert "tlsight services:/var/lib/tlsight:" in (tmp_path / "etc/passwd").read_text()
    subprocess.run(
        [find("systemd-tmpfiles"), f"--root={tmp_path}", "--create", "tlsight.conf"], check=True
    )
    for path, mode in (("var/lib/tlsight", 0o750), (BACKUPS[1:], 0o700), ("etc/tlsight", 0o750)):
        assert (tmp_path / path).stat().st_mode & 0o777 == mode


def test_logrotate_takes_its_file(units: Path, tmp_path: Path) -> None:
    """With the accounts and folders of this test in the places of the service's."""
    log = tmp_path / "log"
    log.mkdir()
    (log / "proxy.log").write_text("line\n")
    text = (units / "etc/logrotate.d/tlsight").read_text()
    text = text.replace("/var/log/tlsight", str(log)).replace("su tlsight tlsight", "su root root")
    settings = tmp_path / "settings"
    settings.write_text(text)
    command = [find("logrotate"), "--force", "--state", str(tmp_path / "state"), str(settings)]
    with (log / "proxy.log").open("a") as file:  # as systemd holds it
        subprocess.run(command, check=True, capture_output=True)
        file.write("after\n")
    assert (log / "proxy.log").read_text() == "after\n"
    assert (log / "proxy.log.1").read_text() == "line\n"


def test_the_image_and_its_services_say_the_same_user_folders_and_commands() -> None:
    files = {one.place: one.text for one in shipped("docker", "/x/tlsight", "1.2.3")}
    composed = YAML(typ="safe", pure=True).load(files["compose.yaml"])
    lines = files["Dockerfile"].splitlines()
    assert "USER 10001:10001" in lines
    assert 'ENTRYPOINT ["tlsight", "bypass"]' in lines
    assert f"STATE_DIRECTORY={STATE}" in files["Dockerfile"]
    for name, one in composed["services"].items():
        assert (one["user"], one["read_only"], one["cap_drop"]) == ("10001:10001", True, ["ALL"])
        assert one["image"] == "tlsight:1.2.3"
        assert [v.partition(":")[2] for v in one["volumes"]] == [STATE, BACKUPS]
        for word in one["command"]:
            if word.startswith("--") and name == "review":
                said = subprocess.run(
                    [COMMAND, "bypass", "serve", "--help"], capture_output=True, text=True,
                    env={"COLUMNS": "200", "PATH": "/usr/bin"},
                )  # fmt: skip
                assert word in said.stdout
    assert {one.place for kind in KINDS for one in shipped(kind, "/x", "1")} >= {"Dockerfile"}


def leaf(proxy: int, target: int) -> bytes:
    """The certificate that a client behind the proxy is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", proxy), PATIENCE) as plain:
        plain.sendall(f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\n\r\n".encode())
        assert plain.recv(4096).startswith(b"HTTP/1.1 200")
        with context.wrap_socket(plain) as speaking:
            return speaking.getpeercert(binary_form=True) or b""


def waited(what: Callable[[], object]) -> None:
    """Until it holds; what it raises meanwhile does not count."""

    def holds() -> object:
        with contextlib.suppress(OSError, AssertionError):
            return what()
        return False

    until(holds)


@pytest.fixture(scope="module")
def world() -> Generator[UnitWorld]:
    with UnitWorld() as found:
        yield found


def test_a_proxy_as_the_unit_starts_it_obeys_the_shell_and_a_restore(
    units: Path, world: UnitWorld
) -> None:
    folder = units / "etc/systemd/system"
    credential = LabPki().issue("127.0.0.1")
    port = free_port()
    options = f"--mode regular@127.0.0.1:{port} --set ssl_insecure=true --set bypass_mode=suggest"
    with running(Origin({"127.0.0.1": credential})) as origin:
        world.start(folder / "tlsight-proxy.service", TLSIGHT_PROXY_OPTIONS=options)
        own = credential.certificate.public_bytes(Encoding.DER)
        waited(lambda: leaf(port, origin.port))
        assert leaf(port, origin.port) != own  # inspected, without a word of memory that is run

        rule = "tlsight bypass add 127.0.0.1/32 --reason x --owner net --expires 9d"
        added = world.shell(rule)
        assert (added.returncode, added.stderr) == (0, "")  # a proxy reads it
        waited(lambda: leaf(port, origin.port) == own)
        assert world.shell("tlsight bypass proxies").returncode == 0
        # What root made there is the service's, who goes on writing it.
        owners = world.shell(f"stat -c '%u %a' {STATE}/bypass.sqlite3*").stdout.splitlines()
        assert owners
        assert {one.split()[0] for one in owners} == {str(UID)}
        assert world.run(folder / "tlsight-backup.service").returncode == 0
        (made,) = world.shell(f"ls {BACKUPS}").stdout.split()

        assert world.shell("tlsight bypass remove 127.0.0.1/32 --reason wrong").returncode == 0
        waited(lambda: leaf(port, origin.port) != own)
        line = f"tlsight bypass restore {BACKUPS}/{made} --reason 'it was right'"
        refused = world.shell(line)
        assert refused.returncode == 2
        shown = world.shell(f"{line} --dry-run")
        assert "+ 127.0.0.1/32" in shown.stdout
        assert "remove 127.0.0.1/32" in shown.stdout
        assert leaf(port, origin.port) != own
        restored = world.shell(f"{line} --yes")
        assert restored.returncode == 0, restored.stderr
        waited(lambda: leaf(port, origin.port) == own)
        assert world.shell("tlsight bypass audit verify").returncode == 0
        # Passages go on being written after it.
        before = world.shell("tlsight bypass list").stdout
        leaf(port, origin.port)
        waited(lambda: world.shell("tlsight bypass list").stdout != before)
        assert world.shell("tlsight bypass audit verify").returncode == 0


def test_the_page_as_the_unit_starts_it_lets_its_users_in(units: Path, world: UnitWorld) -> None:
    port = free_port()
    folder = units / "etc/systemd/system"
    password = "a good long passphrase"
    made = world.shell("tlsight bypass user add alice --role admin", f"{password}\n")
    assert made.returncode == 0, made.stderr
    page = world.start(
        folder / "tlsight-review.service", TLSIGHT_REVIEW_OPTIONS=f"--listen 127.0.0.1:{port}"
    )
    assert page.stdout is not None
    said = [page.stdout.readline() for _ in range(3)]
    assert said[0] == f"review page: http://127.0.0.1:{port}/\n", said
    assert said[1] == f"users of {STATE}/review-users\n"
    for user, word, status in (
        ("alice", password, "303"),
        ("alice", "x", "403"),
        ("bob", password, "403"),
    ):
        answer = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", "--retry", "5",
             "--retry-connrefused", "-H", f"Origin: http://127.0.0.1:{port}",
             "--data-urlencode", f"user={user}", "--data-urlencode", f"token={word}",
             f"http://127.0.0.1:{port}/login"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert answer.stdout == status
    told = world.shell("tlsight bypass audit list").stdout
    assert "user add" in told
    assert password not in told


def test_the_commands_of_the_how_to_work_one_after_the_other(world: UnitWorld) -> None:
    """All that are tlsight's, in the page's order, as root types them; where files go is a folder that may be written."""
    lines = [
        line.strip().partition("  #")[0]
        for line in PAGE.read_text().splitlines()
        if line.startswith("    tlsight bypass ")
    ]
    assert len(lines) > 15
    world.shell(f"rm -f {STATE}/review-users {STATE}/bypass.sqlite3* {BACKUPS}/*")
    world.shell(f"mkdir -p {STATE}/written && touch {STATE}/bypass.sqlite3")
    for shown in lines:
        line = re.sub(r"--write \.?/", f"--write {STATE}/written/", shown)
        if "bypass-*" in line:  # one of them
            world.shell(f"cd {BACKUPS} && ls | tail -n +2 | xargs -r rm")
        done = world.shell(line, "a good long passphrase\n")
        wanted = 1 if line == "tlsight bypass proxies" else 0  # none runs here
        assert done.returncode == wanted, (line, done.stdout, done.stderr)
    placed = world.shell(f"cd {STATE}/written && find . -type f").stdout.split()
    assert "./etc/systemd/system/tlsight-proxy.service" in placed
