"""The units are well-formed, and the service can do little more than it must."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "systemd"
MOST_EXPOSED = 2.0
BY_SUDO = "tamis-mailboxes"
"""Calls doveadm by sudo, for which most protections would have to go."""
SERVICES = sorted(path.stem for path in UNITS.glob("*.service") if path.stem != BY_SUDO)


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """Copies of the units whose programs exist on any machine."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: run 'make setup'")
    for unit in (*UNITS.glob("*.service"), *UNITS.glob("*.socket"), *UNITS.glob("*.timer")):
        text = unit.read_text("utf-8")
        (tmp_path / unit.name).write_text(
            re.sub(r"^(Exec\w+)=/usr/local/bin/tamis\b.*$", r"\1=/bin/true", text, flags=re.M)
        )
    return tmp_path


def test_units_are_understood_to_the_last_key(copies: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", *(f"./{unit.name}" for unit in sorted(copies.iterdir()))],
        cwd=copies,
        capture_output=True,
        text=True,
    )
    # An unknown key is a line on standard error and no failure.
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_hardened(copies: Path, service: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"./{service}.service"]
    done = subprocess.run(command, cwd=copies, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    overall = re.search(rf"Overall exposure level for {service}\.service: (\d+\.\d)", done.stdout)
    assert overall is not None, done.stdout
    print(overall.group())
    assert float(overall.group(1)) <= MOST_EXPOSED


@pytest.mark.parametrize("service", SERVICES)
def test_every_known_protection_but_few_is_on(copies: Path, service: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--json=short", f"./{service}.service"]
    done = subprocess.run(command, cwd=copies, capture_output=True, text=True, check=True)
    off = {row["json_field"] for row in json.loads(done.stdout) if row["set"] is False}
    assert off <= {
        "RootDirectoryOrRootImage",
        "PrivateMounts",
        "PrivateNetwork",
        "DeviceAllow",
        "IPAddressDeny",
        "RestrictAddressFamilies_AF_UNIX",
        "RestrictAddressFamilies_AF_INET_INET6",
        "RestrictAddressFamilies_AF_NETLINK",
    }


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_a_user_of_its_own_without_any_capability(service: str) -> None:
    text = (UNITS / f"{service}.service").read_text("utf-8")
    for line in ("User=tamis", "Group=tamis", "CapabilityBoundingSet=", "AmbientCapabilities=", "UMask=0077"):
        assert f"\n{line}\n" in text
    assert "SupplementaryGroups" not in text
    # Commands with a plus sign would run as root.
    assert not re.findall(r"^Exec\w+=[^/]", text, re.M)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving folders away needs root")
def test_user_and_folders_are_made(tmp_path: Path) -> None:
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("systemd-sysusers is not installed: run 'make setup'")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tmp_path / "etc" / "group").write_text("root:x:0:\n")
    for command in (
        ["systemd-sysusers", f"--root={tmp_path}", str(UNITS / "tamis.sysusers.conf")],
        ["systemd-tmpfiles", f"--root={tmp_path}", "--create", str(UNITS / "tamis.tmpfiles.conf")],
    ):
        subprocess.run(command, check=True, capture_output=True)
    user = re.search(r"^tamis:x:(\d+):.*:/var/lib/tamis:", (tmp_path / "etc" / "passwd").read_text(), re.M)
    assert user is not None
    folders = {folder: (tmp_path / folder).stat() for folder in ("run/tamis", "var/lib/tamis")}
    assert {status.st_uid for status in folders.values()} == {int(user.group(1))}
    assert oct(folders["var/lib/tamis"].st_mode) == "0o40750"
    assert (tmp_path / "etc" / "tamis").is_dir()
