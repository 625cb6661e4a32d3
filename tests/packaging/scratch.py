"""This machine as it would be if a package were installed on it: all of it, with every change on a disk of its own.

An overlay in a mount namespace: what is written goes into memory and is gone afterwards. Processes in it are in the
network of this machine, so that a Postfix outside can talk to a daemon inside.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

SHIM = Path(__file__).with_name("systemctl.py")
_MOUNTS = """
mount -t tmpfs -o size=4g none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs -o mode=0755 none "$1/root/run"
mount -t tmpfs -o mode=1777 none "$1/root/tmp"
echo ready
exec sleep infinity
"""


class CannotMount(Exception):
    """The system lets us mount nothing; the text says what it said."""


class Scratch:
    """A context manager; `run` runs a command in it. Raises `CannotMount`."""

    def __enter__(self) -> "Scratch":
        self._folder = Path(tempfile.mkdtemp(prefix="tamis-scratch-", dir="/tmp"))
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", _MOUNTS, "sh", str(self._folder)]
        self._holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            said = self._holder.communicate()[1].strip()
            self.__exit__()
            raise CannotMount(said)
        self.write("/usr/local/bin/systemctl", SHIM.read_text("utf-8"), 0o755)
        return self

    def __exit__(self, *_: object) -> None:
        if self._holder.poll() is None:
            self.run("systemctl", "stop", "tamis.service", check=False)
        self._holder.kill()
        self._holder.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(
        self, *command: str, stdin: str = "", check: bool = True, cwd: str = "/", environment: Sequence[str] = ()
    ) -> str:
        """Run a command as root and return all that it said."""
        # The environment of an administrator: nothing of the tests', whose Python would be found through it.
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        outer = ["nsenter", f"--target={self._holder.pid}", "--mount", "chroot", f"{self._folder}/root"]
        words = ["env", "-i", f"--chdir={cwd}", path, "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]
        done = subprocess.run(
            [*outer, *words, *environment, *command],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout

    def shell(self, text: str, **more: str) -> str:
        """Run a block of a page as it stands there."""
        environment = [f"{name}={value}" for name, value in more.items()]
        return self.run("/bin/bash", "-euo", "pipefail", "-c", text, environment=environment, cwd="/root")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self.run("sh", "-euc", f'mkdir -p "$(dirname {path})"; cat >{path}; chmod {mode:o} {path}', stdin=text)

    def take(self, path: Path, to: str) -> None:
        """Bring a file in."""
        with path.open("rb") as file:
            outer = ["nsenter", f"--target={self._holder.pid}", "--mount", "chroot", f"{self._folder}/root"]
            subprocess.run([*outer, "sh", "-euc", f"cat >{to}"], stdin=file, check=True)

    def cannot_read(self, user: str, path: str) -> bool:
        return "Permission denied" in self.run("runuser", "-u", user, "--", "cat", path, check=False)


def may_mount() -> bool:
    return os.geteuid() == 0 and shutil.which("unshare") is not None
