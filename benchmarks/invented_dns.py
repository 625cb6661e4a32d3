"""A name server that invents an answer to everything; started by others, in a process of its own.

Every address has a name that points back to it, every domain a mail host, SPF and DMARC records, and a DKIM key; one
address in 20 and one domain in 50 is on each list below ``lists.example``. It reads the octets of a question itself:
a library would take more time than what is measured.
"""

import asyncio
import contextlib
import socket
import struct
import sys
import threading
import zlib
from typing import Final, cast

from tests.authentication.signing import rsa_key

_SECONDS: Final = 300
_TYPES: Final = {1: "A", 2: "NS", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}
_SOA: Final = b"\0\0" + struct.pack("!5I", 1, 3600, 600, 86400, _SECONDS)
LISTS: Final = "lists.example"
_OTHERS_LISTS: Final = (
    ".spamhaus.org", ".surbl.org", ".uribl.com", ".rspamd.com", ".mailspike.net", ".senderscore.com", ".dnswl.org",
    ".spameatingmonkey.net", ".manitu.net", ".msbl.org", ".virusfree.cz", ".blocklist.de", ".spamcop.net",
    ".sorbs.net", ".abuse.net", ".njabl.org", ".isipp.com", ".validity.com", ".psbl.org", ".surriel.com",
)  # fmt: skip
"""Lists that other filters ask of themselves: nothing is on them."""


def answer(name: str, kind: str) -> list[str] | None:
    """Return the records of a name, None where there is no such name."""
    if name.endswith(f".{LISTS}"):
        return _listed(name.removesuffix(f".{LISTS}").rpartition(".")[0], name) if kind in ("A", "AAAA") else []
    if name.endswith((".in-addr.arpa", ".ip6.arpa")):
        address = "-".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))
        return [f"host-{address}.peers.example"] if kind == "PTR" else []
    if kind in ("A", "AAAA") and name.endswith(_OTHERS_LISTS):
        return None
    if kind == "A" and name.startswith("host-") and name.endswith(".peers.example"):
        return [name.removeprefix("host-").removesuffix(".peers.example").replace("-", ".")]
    if kind == "A":
        return [f"192.0.2.{zlib.crc32(name.encode()) % 250 + 1}"]
    if kind == "MX":
        return [f"mail.{name}"]
    if kind == "TXT":
        return _text(name)
    return []


def _listed(subject: str, name: str) -> list[str] | None:
    if subject in ("2.0.0.127", "test"):
        return ["127.0.0.2"]
    if subject in ("1.0.0.127", "invalid"):
        return None
    share = 20 if subject.replace(".", "").isdigit() else 50
    return ["127.0.0.2"] if zlib.crc32(name.encode()) % share == 0 else None


def _text(name: str) -> list[str]:
    if name.startswith("_dmarc."):
        return ["v=DMARC1; p=none"]
    if "._domainkey." in name:
        return [rsa_key().record]
    if name.startswith("_spf."):
        return ["v=spf1 ip4:192.0.2.0/24 ?all"]
    return [f"v=spf1 mx include:_spf.{name} ~all"]


def _wire(name: str) -> bytes:
    labels = (label.encode("latin-1", "replace") for label in name.split("."))
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def _record(kind: str, text: str) -> bytes:
    if kind == "A":
        return socket.inet_aton(text)
    if kind == "TXT":
        octets = text.encode()
        pieces = (octets[start : start + 255] for start in range(0, len(octets), 255))
        return b"".join(bytes((len(piece),)) + piece for piece in pieces)
    return (b"\0\x0a" if kind == "MX" else b"") + _wire(text)


def reply(query: bytes) -> bytes:
    """Return the reply to a question. Raises `IndexError` or `struct.error` for what is none."""
    labels, place = [], 12
    while size := query[place]:
        labels.append(query[place + 1 : place + 1 + size].decode("latin-1").lower())
        place += size + 1
    number = struct.unpack_from("!H", query, place + 1)[0]
    question = query[12 : place + 5]
    kind = _TYPES.get(number, "")
    found = answer(".".join(labels), kind) if kind else []
    records = []
    for text in found or ():
        data = _record(kind, text)
        records.append(b"\xc0\x0c" + struct.pack("!HHIH", number, 1, _SECONDS, len(data)) + data)
    nobody = b"" if records else b"\0" + struct.pack("!HHIH", 6, 1, _SECONDS, len(_SOA)) + _SOA
    flags = 0x8180 | (3 if found is None else 0)
    edns = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
    head = query[:2] + struct.pack("!5H", flags, 1, len(records), 0 if records else 1, 1)
    return head + question + b"".join(records) + nobody + edns


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, delay: float) -> None:
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        with contextlib.suppress(IndexError, struct.error, ValueError):
            octets = reply(data)
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._transport.sendto, octets, addr)
            else:
                self._transport.sendto(octets, addr)


async def _serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(delay), local_addr=("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    ended = asyncio.Event()
    # Whoever started it ends it, also by dying.
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ended.set)), daemon=True).start()
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
