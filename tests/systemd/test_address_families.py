"""RestrictAddressFamilies of the service: Postfix's own programs work with the families that are left."""

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = (Path(__file__).resolve().parents[2] / "systemd" / "tamis.service").read_text("utf-8")
SOCKET_CALL = {"x86_64": 41, "aarch64": 198}
# A seccomp filter, as systemd makes it: socket(2) of another family fails with EAFNOSUPPORT.
RESTRICTED = """
import ctypes, os, struct, sys
number, families, command = int(sys.argv[1]), [int(one) for one in sys.argv[2].split(",")], sys.argv[3:]
steps = [(0x20, 0, 0, 0), (0x15, 0, len(families) + 2, number), (0x20, 0, 0, 16)]
steps += [(0x15, len(families) - place, 0, family) for place, family in enumerate(families)]
steps += [(0x06, 0, 0, 0x00050000 | 97), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
program = Program(len(steps), ctypes.addressof(code))
libc = ctypes.CDLL(None)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program), 0, 0):
    sys.exit(77)
os.execvp(command[0], command)
"""


def restricted(families: list[str], command: list[str], stdin: bytes, folder: Path) -> tuple[int, bytes]:
    """Run a Postfix command, with main.cf in `folder`, that may open sockets of these families alone."""
    numbers = ",".join(str(int(getattr(socket, family))) for family in families)
    done = subprocess.run(
        [sys.executable, "-c", RESTRICTED, str(SOCKET_CALL[platform.machine()]), numbers, *command],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin", "MAIL_CONFIG": str(folder)},
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("this kernel takes no filter of system calls")
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in SOCKET_CALL, reason="the number of socket(2) is not known here")
def test_postmap_works_with_the_families_of_the_service(tmp_path: Path) -> None:
    if shutil.which("postmap", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip("postmap of Postfix is not installed: run 'make setup'")
    for name, text in (("main.cf", "compatibility_level = 3.6\n"), ("virtual", "a@example.org b@example.org\n")):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (1e9, 1e9))  # Postfix waits until a file has not changed for two seconds.
    (line,) = re.findall(r"^RestrictAddressFamilies=(.*)$", UNIT, re.M)
    command = ["postmap", "-q", "-", f"texthash:{tmp_path}/virtual"]
    found = restricted(line.split(), command, b"a@example.org\n", tmp_path)
    assert found == (0, b"a@example.org\tb@example.org\n")
    without = [family for family in line.split() if family != "AF_NETLINK"]
    status, said = restricted(without, command, b"a@example.org\n", tmp_path)
    assert (status, b"getifaddrs" in said) == (1, True)
