"""docs/existing-postfix.md, to be executed on a Postfix that nobody has prepared for Tamis.

The Postfix is a private one, chrooted as Debian's is, which the commands reach through MAIL_CONFIG.
"""

import configparser
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tamis.message import Message
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.served import service_user
from tamis.settings import Headers

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "existing-postfix.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"<!-- tested: ([a-z ]+) -->\n```sh\n(.*?)```", PAGE, re.S))
MACROS = ("milter_connect_macros", "milter_mail_macros", "milter_end_of_data_macros")


class Machine:
    """A running Postfix with a Tamis that is installed beside it by the page."""

    def __init__(self, postfix: PrivatePostfix, letters: Any) -> None:
        self.postfix = postfix
        self.letters = letters
        self.config = postfix.folder / "tamis.toml"
        self.socket = postfix.folder / "queue" / "tamis" / "tamis.sock"
        self.daemon: subprocess.Popen[bytes] | None = None
        # The command as installed, whichever Python runs the tests.
        self.programs = postfix.folder / "bin"
        self.programs.mkdir()
        command = self.programs / "tamis"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m tamis.cli "$@"\n')
        command.chmod(0o755)

    def run(self, block: str, instead: tuple[str, str] = ("\n", "\n")) -> str:
        """Execute a block of the page; `instead` replaces a word of it that is another one here, such as a port."""
        text = BLOCKS[block].replace(*instead)
        path = f"{self.programs}:{self.postfix.environment()['PATH']}"
        environment = {**self.postfix.environment(), "PATH": path, "TAMIS_CONFIG": str(self.config)}
        before = self.postfix.front_ends()
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", text],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        if "postfix reload" in text:
            # Processes that were waiting for a client go away on their own time.
            deadline = time.monotonic() + 30
            while before & self.postfix.front_ends():
                assert time.monotonic() < deadline
                time.sleep(0.02)
        return done.stdout

    def start_daemon(self) -> None:
        """What systemd does with tamis.socket and tamis.service, the folders and the user changed."""
        state = self.postfix.folder / "tamis"
        for name in ("", "state", "run"):
            (state / name).mkdir(mode=0o755)
            shutil.chown(state / name, service_user())
        lines = f'user = "{service_user()}"\nstate_directory = "{state}/state"\nruntime_directory = "{state}/run"\n'
        self.config.write_text(self.config.read_text().replace("[daemon]\n", f"[daemon]\n{lines}"))
        command = ["systemd-socket-activate", f"--listen={self.socket}", f"--setenv=TAMIS_CONFIG={self.config}"]
        with (self.postfix.folder / "tamis.log").open("wb") as log:
            self.daemon = subprocess.Popen(
                [*command, sys.executable, "-m", "tamis.cli", "serve"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while not self.socket.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        unit = configparser.ConfigParser(strict=False)
        unit.read(ROOT / "systemd" / "tamis.socket")
        shutil.chown(self.socket, "root", unit["Socket"]["SocketGroup"])
        self.socket.chmod(int(unit["Socket"]["SocketMode"], 8))

    def stop_daemon(self) -> None:
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.wait(30)
            self.daemon = None

    def decisions(self, count: int) -> list[str]:
        """The decision lines in the daemon's log; waits for so many, since the MTA has its answer first."""
        deadline = time.monotonic() + 10
        while True:
            text = (self.postfix.folder / "tamis.log").read_text()
            lines = [line for line in text.splitlines() if "event=decision" in line]
            if len(lines) >= count or time.monotonic() > deadline:
                return lines
            time.sleep(0.02)

    def receives(self, header: str = "From: ann@sender.example\nSubject: hello\n") -> Message:
        """Send a message from outside and return what arrives."""
        sent = self.letters.write(header)
        got = self.letters.pass_through(sent, "ann@sender.example", "ann@example.org")
        assert isinstance(got, Message)
        return got


@contextmanager
def machine(letters_of: Callable[[PrivatePostfix], Any], milters: Sequence[str] = ()) -> Iterator[Machine]:
    with PrivatePostfix(list(milters), milter_default_action="tempfail") as postfix:
        # As a Postfix that nobody has prepared: its own macros, its listener in the chroot.
        postfix.run("postconf", "-X", *MACROS)
        postfix.run("postconf", "-F", f"127.0.0.1:{postfix.smtp_port}/inet/chroot=y")
        postfix.reload()
        one = Machine(postfix, letters_of(postfix))
        try:
            yield one
        finally:
            one.stop_daemon()


def ours(message: Message) -> list[str]:
    return [name for name in Headers().names().values() if message.fields(name)]
