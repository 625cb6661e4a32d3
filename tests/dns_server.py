"""A real name server for tests, on loopback, over UDP and TCP: zones (tamis.dns.zone), delays and every fault.

    with DnsServer({"example.org MX": ["10 mx.example.org"]}) as server:
        resolver = Resolver([server.address])

Faults are by name, in lower case without the final dot. What it was asked stands in `asked`.
"""

import asyncio
import contextlib
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from tamis.dns import Status
from tamis.dns.servers import Address
from tamis.dns.zone import TTL, Zone, ZoneText

Fault = Callable[[bytes, bytes], list[bytes]]
"""Makes the datagrams that are sent of the query and of the right reply."""


def drop(query: bytes, reply: bytes) -> list[bytes]:
    return []


def garbage(query: bytes, reply: bytes) -> list[bytes]:
    return [secrets.token_bytes(200)]


def garbage_inside(query: bytes, reply: bytes) -> list[bytes]:
    """The header and the question are right, what follows is not."""
    return [reply[: len(query) - 11] + b"\xc0\xff" * 20]


def wrong_id(query: bytes, reply: bytes) -> list[bytes]:
    return [bytes((reply[0] ^ 1, reply[1])) + reply[2:]]


def wrong_question(query: bytes, reply: bytes) -> list[bytes]:
    """A reply to another question, with the id of this one."""
    other = dns.message.make_query("other.example", "A")
    other.id = int.from_bytes(query[:2], "big")
    return [dns.message.make_response(other, recursion_available=True).to_wire()]


def no_edns(query: bytes, reply: bytes) -> list[bytes]:
    """What a server says that does not know EDNS."""
    if int.from_bytes(query[10:12], "big") == 0:
        return [reply]
    return [query[:2] + b"\x81\x81" + bytes(8)]


class DnsServer:
    """A server in a thread of its own. It may be stopped and started again, at the same port."""

    def __init__(self, zone: ZoneText | None = None, delay: float = 0.0, ttl: int = TTL) -> None:
        self.zone = Zone(zone or {}, ttl)
        self.delay = delay
        """Seconds before any reply."""
        self.delays: dict[str, float] = {}
        """The same for single names."""
        self.faults: dict[str, Fault] = {}
        self.fault_for_all: Fault | None = None
        self.tcp_faults: dict[str, Fault] = {}
        self.drips = False
        """It sends replies over TCP an octet at a time, and never to the end."""
        self.from_elsewhere: set[str] = set()
        """Names whose replies come from another port."""
        self.silent = False
        """It takes questions and says nothing."""
        self.asked: list[tuple[str, str, str]] = []
        """Name, type and transport ("udp", "tcp") of each question but the probes for the root."""
        self.probes = 0
        self.ports: set[int] = set()
        """Whence the questions over UDP came."""
        self.address = Address("127.0.0.1", 0)

    def __enter__(self) -> "DnsServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=(started,), name="dns-server")
        self._thread.start()
        assert started.wait(5)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def questions(self, transport: str = "udp") -> list[str]:
        """What was asked, as "name TYPE", in order."""
        return [f"{name} {kind}" for name, kind, how in self.asked if how == transport]

    def wait_for(self, count: int) -> list[str]:
        """Wait until so many questions have come over UDP; return them."""
        deadline = time.monotonic() + 5
        while len(self.questions()) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.questions()

    def _serve(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        datagrams, streams = self._loop.run_until_complete(self._open())
        started.set()
        self._loop.run_forever()
        datagrams.close()
        streams.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _open(self) -> tuple[asyncio.DatagramTransport, asyncio.Server]:
        """Open the same port for both, a free one the first time."""
        for _ in range(50):
            datagrams, _protocol = await self._loop.create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=(self.address.host, self.address.port)
            )
            port = datagrams.get_extra_info("sockname")[1]
            try:
                streams = await asyncio.start_server(self._stream, self.address.host, port)
            except OSError:
                datagrams.close()
                continue
            self.address = Address(self.address.host, port)
            return datagrams, streams
        raise OSError("no free port")

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                query = await reader.readexactly(size)
                for reply in self.replies(query, "tcp"):
                    octets = len(reply).to_bytes(2, "big") + reply
                    while self.drips:
                        writer.write(b"\xff")
                        await asyncio.sleep(0.05)
                    writer.write(octets)
                await writer.drain()
        writer.close()

    def replies(self, query: bytes, transport: str) -> list[bytes]:
        """Return what is sent in reply to a query."""
        message = dns.message.from_wire(query)
        name, kind = _name(message), message.question[0].rdtype.name
        if name == "" and kind == "NS":
            self.probes += 1
        else:
            self.asked.append((name, kind, transport))
        reply = self.zone.reply(message)
        if self.silent or isinstance(reply, Status):
            return []
        try:
            octets = reply.to_wire(max_size=65_535 if transport == "tcp" else 0)
        except dns.exception.TooBig:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            octets = reply.to_wire()
        fault = (self.faults if transport == "udp" else self.tcp_faults).get(name, self.fault_for_all)
        return [octets] if fault is None else fault(query, octets)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        server = self._server
        server.ports.add(addr[1])
        replies = server.replies(data, "udp")
        name = _name(dns.message.from_wire(data)) if server.delays or server.from_elsewhere else ""
        delay = server.delays.get(name, server.delay)
        for reply in replies:
            if name in server.from_elsewhere:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                    other.sendto(reply, addr)
            elif delay:
                server._loop.call_later(delay, self._transport.sendto, reply, addr)
            else:
                self._transport.sendto(reply, addr)


def _name(message: dns.message.Message) -> str:
    return message.question[0].name.to_text(omit_final_dot=True).lower().removesuffix(".")


if __name__ == "__main__":
    # A server in a process of its own, whose time is not counted with that of who asks it: DELAY [COUNT OF NAMES].
    hosts = {f"host{number}.example": ["192.0.2.1"] for number in range(int(sys.argv[2]))}
    with DnsServer(hosts, delay=float(sys.argv[1])) as running:
        print(running.address.port, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while sys.stdin.read(1):
                time.sleep(0)
