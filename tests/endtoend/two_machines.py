"""Two machines that are one site: each a network namespace with a daemon; one PostgreSQL, one Redis, one spool.

The servers are on this machine; what listens on its loopback is handed on to the address that a namespace reaches.
"""

import os
import secrets
import selectors
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.ports import free_ports
from tamis.postfix.served import RunningTamis


class NoNamespaces(Exception):
    """No network namespace can be made here; the text says why."""


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise NoNamespaces(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Namespace:
    """A network of its own at `address`, which reaches this machine alone, at `host`. Raises `NoNamespaces`."""

    def __init__(self, number: int) -> None:
        self.name = f"tamis-{secrets.token_hex(3)}"
        self.host, self.address = f"10.213.{number}.1", f"10.213.{number}.2"

    def __enter__(self) -> "Namespace":
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise NoNamespaces("it needs root and the Debian package iproute2")
        here, there = f"{self.name[-6:]}-h", f"{self.name[-6:]}-n"
        _ip("netns", "add", self.name)
        try:
            _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self.name)
            _ip("address", "add", f"{self.host}/24", "dev", here)
            _ip("link", "set", here, "up")
            for words in (f"address add {self.address}/24 dev {there}", f"link set {there} up", "link set lo up"):
                _ip("-n", self.name, *words.split())
        except NoNamespaces:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # The pair of interfaces goes with it.
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True)

    @property
    def wrapper(self) -> list[str]:
        """What runs a command in it."""
        return ["ip", "netns", "exec", self.name]


@contextmanager
def handed_on(address: str, port: int) -> Iterator[str]:
    """Connections to a port of `address` go to the same port of the loopback; yield both, as in the configuration."""
    with socket.create_server((address, port), backlog=64) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    threading.Thread(target=_pump, args=(client, port), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"{address}:{port}"
        finally:
            server.shutdown(socket.SHUT_RDWR)


def _pump(client: socket.socket, port: int) -> None:
    with (
        suppress(OSError),
        closing(client),
        socket.create_connection(("127.0.0.1", port)) as server,
        selectors.DefaultSelector() as ready,
    ):
        for one, other in ((client, server), (server, client)):
            ready.register(one, selectors.EVENT_READ, (one, other))
        while True:
            for key, _ in ready.select():
                source, target = key.data
                octets = source.recv(65536)
                if not octets:
                    return
                target.sendall(octets)


class Machine:
    """One of them: Postfix and daemon. `settings` takes the words HOST and DELIVERY."""

    def __init__(self, number: int, settings: str, ports: list[int], sink: str) -> None:
        self._namespace = Namespace(number)
        self._settings = settings
        self._ports = ports
        (port,) = free_ports(1)
        self._port = port
        self.postfix = PrivatePostfix(
            f"inet:{self._namespace.address}:{port}",
            routes={"example.org": sink, "grey.example": sink},
            domains=[],
            default_transport=sink,
        )
        self._parts = ExitStack()

    def __enter__(self) -> "Machine":
        with ExitStack() as parts:
            space = parts.enter_context(self._namespace)
            own, mailbox = (
                parts.enter_context(handed_on(space.host, port))
                for port in (self.postfix.own_port, self.postfix.mailbox_port)
            )
            for port in self._ports:
                parts.enter_context(handed_on(space.host, port))
            delivery = f'[delivery]\nserver = "{own}"\nmailbox_server = "{mailbox}"\n'
            settings = self._settings.replace("HOST", space.host).replace("DELIVERY", delivery)
            self.tamis = RunningTamis(
                settings, listen=f"inet:{self._port}@{space.address}", wrapper=space.wrapper, daemon="workers = 1"
            )
            parts.enter_context(self.tamis)
            self.wait_listening()
            parts.enter_context(self.postfix)
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    def wait_listening(self) -> None:
        """Wait until the daemon takes connections."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection((self._namespace.address, self._port), 1):
                return
            time.sleep(0.05)
        raise AssertionError(self.tamis.log_text())

    def command(self, *words: str) -> str:
        """Give a command on this machine."""
        command = [*self._namespace.wrapper, sys.executable, "-m", "tamis.cli", *words, "-c", str(self.tamis.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
