"""The sockets that Tamis listens on: opened before privileges are dropped, taken over from systemd or a parent."""

import contextlib
import errno
import grp
import os
import socket
import stat
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tamis.settings import Daemon

_BACKLOG: Final = 512
_FIRST_INHERITED: Final = 3
"""systemd passes sockets from this descriptor on (sd_listen_fds(3))."""


class CannotListen(Exception):
    """A socket that cannot be had; the text is one clear line."""


@dataclass(frozen=True)
class Listener:
    """A listening socket; `path` is its file, where it is ours to remove."""

    name: str
    socket: socket.socket
    path: Path | None = None

    def remove_file(self) -> None:
        """Remove the socket file; where the folder is not ours to write it stays, and the next start finds it stale."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()


def open_all(settings: Daemon, environment: MutableMapping[str, str]) -> list[Listener]:
    """Open every socket of the configuration. Raises `CannotListen`; then nothing stays open."""
    listeners: list[Listener] = []
    try:
        for address in settings.listen:
            listeners.extend(_open(address, settings, environment))
    except BaseException:
        for listener in listeners:
            listener.socket.close()
            listener.remove_file()
        raise
    return listeners


def _open(address: str, settings: Daemon, environment: MutableMapping[str, str]) -> list[Listener]:
    kind, _, rest = address.partition(":")
    try:
        if kind == "systemd":
            return [_inherited(number, f"systemd, fd {number}") for number in activated(environment)]
        if kind == "fd":
            return [_inherited(int(rest), address)]
        if kind == "unix":
            return [_unix(address, Path(rest), settings)]
        return [_inet(address, rest)]
    except OSError as error:
        raise CannotListen(f"cannot listen on {address}: {error.strerror or error}") from None


def activated(environment: MutableMapping[str, str]) -> range:
    """Return the descriptors that systemd has passed to this very process, and forget that it did."""
    pid, count = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "")
    environment.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit() or int(count) == 0:
        raise CannotListen("cannot listen on systemd: it has passed no socket (is tamis.socket started?)")
    return range(_FIRST_INHERITED, _FIRST_INHERITED + int(count))


def _inherited(number: int, name: str) -> Listener:
    os.set_inheritable(number, False)
    listening = socket.socket(fileno=number)
    if not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise CannotListen(f"cannot listen on {name}: it is not a listening socket")
    return Listener(name, _prepared(listening))


def _inet(address: str, rest: str) -> Listener:
    port, _, host = rest.partition("@")
    host = host.strip("[]")
    if not 0 < int(port) < 65536:
        raise CannotListen(f"cannot listen on {address}: the port must be between 1 and 65535")
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listening.family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, int(port)))
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return Listener(address, _prepared(listening))


def _unix(address: str, path: Path, settings: Daemon) -> Listener:
    if settings.socket_group:
        try:
            group = grp.getgrnam(settings.socket_group).gr_gid
        except KeyError:
            raise CannotListen(
                f"cannot listen on {address}: the group {settings.socket_group!r} (daemon.socket_group) does not exist"
            ) from None
    _remove_stale(address, path)
    listening = socket.socket(socket.AF_UNIX)
    # Nobody may connect before mode and group are what they shall be.
    before = os.umask(0o777)
    try:
        listening.bind(str(path))
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(before)
    if settings.socket_group:
        os.chown(path, -1, group)
    path.chmod(int(settings.socket_mode, 8))
    listening.listen(_BACKLOG)
    return Listener(address, _prepared(listening), path)


def _remove_stale(address: str, path: Path) -> None:
    """Remove a socket file that nobody answers on; a living one, or anything else, is an error."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise CannotListen(f"cannot listen on {address}: the file exists and is not a socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2.0)
        answer = probe.connect_ex(str(path))
    if answer not in (errno.ECONNREFUSED, errno.ENOENT):
        raise CannotListen(f"cannot listen on {address}: another process is listening there")
    path.unlink(missing_ok=True)


def _prepared(listening: socket.socket) -> socket.socket:
    """Set what several processes accepting from one socket need."""
    listening.setblocking(False)
    if listening.family != socket.AF_UNIX:
        # Inherited by each connection: without it the protocol's small packets wait for each other.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
