#!/usr/bin/python3
"""What systemd does with the units of Tamis, for a machine on which no systemd runs: by the units as installed.

Sockets are opened and handed over, the folders of the service made, its commands run as its user, and READY=1 waited
for. The unit's protections are not applied.
"""

import os
import pwd
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path("/usr/lib/systemd/system")
PID = Path("/run/systemctl.pid")
ENABLED = Path("/run/systemctl.enabled")


def key(unit: str, name: str) -> str:
    text = (UNITS / unit).read_text()
    for more in sorted(Path("/etc/systemd/system", f"{unit}.d").glob("*.conf")):
        text += more.read_text()
    return re.findall(rf"^{name}=(.*)$", text, re.M)[-1]


def listening(where: str) -> socket.socket:
    if where.startswith("/"):
        Path(where).unlink(missing_ok=True)
        one = socket.socket(socket.AF_UNIX)
        one.bind(where)
    else:
        host, _, port = where.rpartition(":")
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, int(port)))
    one.listen(int(key("tamis.socket", "Backlog")))
    return one


def began(pid: int) -> str:
    """When a process began; numbers of processes are given again, and another one's must not be killed."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def running() -> int | None:
    try:
        pid, start = PID.read_text().split()
        return int(pid) if began(int(pid)) == start else None
    except (OSError, ValueError):
        return None


def start() -> None:
    if running():
        return
    user = pwd.getpwnam(key("tamis.service", "User"))
    os.makedirs("/run/tamis", 0o755, exist_ok=True)
    os.chown("/run/tamis", user.pw_uid, user.pw_gid)
    one = listening(key("tamis.socket", "ListenStream"))
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    Path("/run/notify").unlink(missing_ok=True)
    notify.bind("/run/notify")
    os.chmod("/run/notify", 0o666)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "NOTIFY_SOCKET": "/run/notify", "LISTEN_FDS": "1"}
    service = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/var/lib/tamis"}
    subprocess.run(shlex.split(key("tamis.service", "ExecStartPre")), check=True, **service)

    command = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *shlex.split(key("tamis.service", "ExecStart"))]

    def hand_over() -> None:
        os.dup2(one.fileno(), 3)
        os.set_inheritable(3, True)  # It may be that number already.

    with open("/var/log/tamis.log", "ab") as log:
        process = subprocess.Popen(
            command, preexec_fn=hand_over, close_fds=False, env=environment, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True, **service,
        )  # fmt: skip
    PID.write_text(f"{process.pid} {began(process.pid)}")
    notify.settimeout(0.5)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if b"READY=1" in notify.recv(4096):
                return
        except TimeoutError:
            continue
    sys.exit(f"tamis.service did not start: {Path('/var/log/tamis.log').read_text()}")


def stop() -> None:
    pid = running()
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 45
    while running() and time.monotonic() < deadline:
        time.sleep(0.05)


def main() -> None:
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    action, now = words[0], "--now" in sys.argv
    if action == "enable":
        ENABLED.touch()
    if action in ("stop", "restart") or (action == "disable" and now) or (action == "try-restart" and running()):
        stop()
        if action == "try-restart":
            start()
    if action in ("start", "restart") or (action == "enable" and now):
        start()
    if action == "is-active":
        sys.exit(0 if running() else 3)


if __name__ == "__main__":
    main()
