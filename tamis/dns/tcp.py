"""One question over TCP, for answers that do not fit into a datagram (RFC 7766)."""

import os
import socket
import time

from tamis.dns import wire
from tamis.dns.answer import TIMEOUT, Answer, Status
from tamis.dns.servers import Address


def ask(address: Address, question: bytes, edns: bool, deadline: float) -> Answer:
    """Return the answer of a server to a question (`Question.wire`), by `deadline` (monotonic seconds)."""
    head = os.urandom(2)
    try:
        reply = exchange(address, wire.query(int.from_bytes(head, "big"), question, edns), deadline)
    except TimeoutError:
        return TIMEOUT
    except OSError:
        return Answer(Status.SERVFAIL)
    if reply[:2] != head or not wire.is_reply_to(reply, question):
        return Answer(Status.SERVFAIL)
    return wire.answer(reply, question)


def exchange(address: Address, query: bytes, deadline: float) -> bytes:
    """Return the reply to a query, at most 64 KiB, by `deadline` (monotonic seconds). Raises OSError."""
    with socket.create_connection(address, _left(deadline)) as connection:
        connection.settimeout(_left(deadline))
        connection.sendall(len(query).to_bytes(2, "big") + query)
        size = int.from_bytes(_receive(connection, 2, deadline), "big")
        return _receive(connection, size, deadline)


def _receive(connection: socket.socket, size: int, deadline: float) -> bytes:
    pieces = []
    while size:
        # Anew for each piece: a server that sends one octet now and then must not hold anybody up.
        connection.settimeout(_left(deadline))
        piece = connection.recv(size)
        if not piece:
            raise ConnectionResetError("closed before the end of the reply")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
