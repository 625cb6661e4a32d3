"""The Debian package, by docs/operations.md as written: installed, used, saved, upgraded, gone back from, restored."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import build_deb
from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix, require_postfix
from tamis.postfix.ports import free_ports
from tamis.postfix.sink import Sink
from tests.endtoend.site import delivery
from tests.packaging.scratch import CannotMount, Scratch, may_mount

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.skipif(not may_mount(), reason="a copy of the machine needs root"),
    pytest.mark.skipif(sys.base_prefix != "/usr", reason="the package is for Debian's Python, and .venv has another"),
    pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="this is no Debian"),
]

PAGE = (build_deb.ROOT / "docs" / "operations.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"<!-- tested: ([a-z ]+) -->\n```sh\n(.*?)```", PAGE, re.S))
SPAMMER = "203.0.113.66"
MESSAGE = b"From: Ann <ann@sender.example>\r\nSubject: offer\r\nMessage-ID: <1@sender.example>\r\n\r\nAn offer.\r\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two versions of the package, with nothing compressed."""
    folder = tmp_path_factory.mktemp("deb")
    tree = folder / "tree"
    tree.mkdir(mode=0o755)
    build_deb.stage(tree, compiled=False)
    old = build_deb.pack(tree, folder, "1", "none")
    (tree / build_deb.SITE / "tamis" / "only_in_the_new_one").touch()
    new = build_deb.pack(tree, folder, "2", "none")
    shutil.rmtree(tree)
    return {"old": old, "new": new}


@pytest.fixture(scope="module")
def scratch(packages: dict[str, Path]) -> Iterator[Scratch]:
    try:
        require_postfix()
        with Scratch() as one:
            yield one
    except (PostfixUnavailable, CannotMount) as error:
        pytest.skip(f"a copy of the machine cannot be made: {error}")


def take(scratch: Scratch, package: Path) -> None:
    """Have this package, and no other, where the administrator is."""
    scratch.run("sh", "-c", "mkdir -p /root; rm -f /root/tamis_*.deb")
    scratch.take(package, f"/root/{package.name}")


def version(scratch: Scratch) -> str:
    return scratch.run("dpkg-query", "-Wf", "${Version}", "tamis").rpartition("-")[2]


def state(scratch: Scratch) -> str:
    """What is in the state directory, and of whom, but for what is made anew and what the database keeps beside it."""
    text = scratch.run(
        "sh", "-c", "cd /var/lib/tamis && find spool web.secret model.bin -type f | sort | xargs sha256sum"
    )
    owners = scratch.run("find", "/var/lib/tamis", "!", "-user", "tamis")
    return text + owners


def wait(scratch: Scratch, word: str, *command: str) -> str:
    deadline = time.monotonic() + 30
    while word not in (said := scratch.run(*command, check=False)):
        assert time.monotonic() < deadline, said + scratch.run("tail", "-n", "20", "/var/log/tamis.log")
        time.sleep(0.2)
    return said


def test_life_of_an_installation(scratch: Scratch, packages: dict[str, Path]) -> None:
    port = free_ports(1)[0]
    with Sink() as sink:
        postfix = PrivatePostfix(f"inet:127.0.0.1:{port}", routes={"example.org": sink.transport}, domains=[])
        # Installed: nothing runs, and what ought to be secret is.
        take(scratch, packages["old"])
        assert "valid" in scratch.shell(BLOCKS["install"])
        assert scratch.run("systemctl", "is-active", "tamis.service", check=False) == ""
        assert scratch.run("ls", "-A", "/var/lib/tamis") == ""
        for who, hidden in (("nobody", True), ("tamis", False)):
            assert scratch.cannot_read(who, "/etc/tamis/tamis.toml") == hidden
        assert scratch.run("stat", "-c", "%U:%G %a", "/var/lib/tamis", "/run/tamis").split("\n")[:2] == [
            "tamis:tamis 750",
            "tamis:tamis 755",
        ]

        scratch.write("/root/message.eml", MESSAGE.decode())
        said = scratch.run("tamis", "scan", "/root/message.eml", "--rcpt", "bob@example.org")
        assert "bob@example.org: " in said
        assert scratch.run("readlink", "-f", "/usr/bin/tamis").strip() == "/usr/lib/tamis/bin/tamis"

        # The administrator configures it, and starts it.
        text = scratch.run("cat", "/etc/tamis/tamis.toml").replace('"observe"', '"quarantine"')
        text += f'[lists]\nblacklist_ip = ["{SPAMMER}"]\n[dns]\nservers = ["127.0.0.1:1"]\n'
        text += delivery(postfix)
        scratch.run("sh", "-c", "cat >/etc/tamis/tamis.toml", stdin=text)
        scratch.write(
            "/etc/systemd/system/tamis.socket.d/x.conf", f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{port}\n"
        )
        secret = "from tamis import config, secret; from pathlib import Path;"
        secret += "secret.read_secret(config.load(Path('/etc/tamis/tamis.toml')))"
        scratch.run("runuser", "-u", "tamis", "--", "/usr/lib/tamis/bin/python3", "-c", secret)
        assert scratch.cannot_read("nobody", "/var/lib/tamis/web.secret")
        model = "/usr/lib/tamis/lib/python3*/site-packages/tamis/models/default.bin"
        scratch.run("sh", "-c", f"install -o tamis -g tamis -m 0640 {model} /var/lib/tamis/model.bin")
        scratch.shell(BLOCKS["start"])
        with postfix:
            assert postfix.send(MESSAGE, "ann@sender.example", ["bob@example.org"], peer=SPAMMER).accepted
            assert "bob@example.org" in wait(scratch, "held", "tamis", "quarantine", "list")

            # Saved, and upgraded under way.
            scratch.shell(BLOCKS["save"])
            backup = scratch.run("sh", "-c", "echo /var/backups/tamis/*").strip()
            assert scratch.cannot_read("nobody", f"{backup}/state.tar")
            before = state(scratch)
            assert before.count("/var/lib") == 0
            assert len(before.splitlines()) == 3
            for block, package, revision in (("upgrade", "new", "2"), ("back", "old", "1")):
                take(scratch, packages[package])
                scratch.shell(BLOCKS[block])
                assert version(scratch) == revision
                assert scratch.run("cat", "/etc/tamis/tamis.toml") == text
                assert scratch.run("stat", "-c", "%U:%G %a", "/etc/tamis/tamis.toml") == "root:tamis 640\n"
                scratch.run("systemctl", "restart", "tamis.service")
                ham = MESSAGE.replace(b"<1@", revision.encode() + b"<2@")
                assert postfix.send(ham, "ann@sender.example", ["bob@example.org"], peer="203.0.113.25").accepted

            # Lost, and restored.
            scratch.run("sh", "-c", "systemctl stop tamis.service; rm -rf /var/lib/tamis/* /etc/tamis/*")
            scratch.shell(BLOCKS["restore"], BACKUP=backup)
            assert state(scratch) == before
            assert scratch.run("cat", "/etc/tamis/tamis.toml") == text
            (held,) = re.findall(r"^([0-9a-f]{16})\.\d", scratch.run("tamis", "quarantine", "list"), re.M)
            arrived = len(sink.messages)
            assert "delivered" in scratch.run("tamis", "quarantine", "release", held)
            deadline = time.monotonic() + 30
            while len(sink.messages) == arrived and time.monotonic() < deadline:
                time.sleep(0.05)
            assert sink.messages[-1].content.endswith(MESSAGE)

        # Removed: held mail goes when somebody says so, and not before.
        scratch.run("systemctl", "stop", "tamis.service")
        scratch.shell(BLOCKS["remove"])
        assert scratch.run("cat", "/etc/tamis/tamis.toml") == text
        assert scratch.run("sh", "-c", "ls -d /usr/lib/tamis || true").startswith("ls: ")
        scratch.run("/var/lib/dpkg/info/tamis.postrm", "purge")  # What purging runs.
        assert "spool" in scratch.run("ls", "/var/lib/tamis")
        scratch.shell(BLOCKS["purge"])
        for folder in ("/etc/tamis", "/var/lib/tamis"):
            assert "No such file" in scratch.run("ls", folder, check=False)


def test_units_lead_to_what_is_installed(packages: dict[str, Path], tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-x", packages["old"], tmp_path], check=True)
    units = tmp_path / "usr/lib/systemd/system"
    for unit in units.glob("*.service"):
        for command in re.findall(r"^Exec\w+=(\S+)", unit.read_text(), re.M):
            assert command in ("/usr/bin/tamis", "/bin/kill"), (unit, command)
    assert {unit.name for unit in units.iterdir()} == {
        *("tamis.service", "tamis.socket", "tamis-web.service"),
        *("tamis-mailboxes.service", "tamis-mailboxes.timer"),
    }
    assert (tmp_path / "usr/bin/tamis").readlink() == Path("/usr/lib/tamis/bin/tamis")
    named = re.search(r"^u (\S+) - .* (\S+)$", (tmp_path / "usr/lib/sysusers.d/tamis.conf").read_text(), re.M)
    assert named is not None
    assert named.groups() == ("tamis", "/var/lib/tamis")
    assert str(build_deb.ROOT).encode() not in b"".join(
        path.read_bytes() for path in (tmp_path / build_deb.SITE / "tamis").rglob("*") if path.is_file()
    )
