"""What became of every copy, counted where it is: in the mailboxes, in the tables, in the spool."""

import re
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from tamis.postfix.sink import Sink
from tests.endtoend.faults.databases import Database
from tests.endtoend.faults.mta import Letter

_MARKER = re.compile(rb"(?m)^Message-ID: <([0-9a-f]{32})@sender\.example>\r$")
_COPIES = (
    "SELECT message.header_id, copy.recipient, copy.state, message.digest, copy.id"
    " FROM copy JOIN message ON message.id = copy.message_id"
)
_DUPLICATES = "SELECT number FROM counter WHERE name = 'possible_duplicates'"
_UNFINISHED = "SELECT count(*) FROM outbox UNION ALL SELECT count(*) FROM copy WHERE state = 'released'"

Copy = tuple[str, str]
"""Marker of a message, and recipient."""


class Ledger:
    """`fates` is the one thing to ask: it asserts that nothing is lost."""

    def __init__(self, database: Database, spool: Path, sink: Sink) -> None:
        self._database = database
        self._spool = spool
        self._sink = sink

    def possible_duplicates(self) -> int:
        return sum(row[0] for row in self._database.run(_DUPLICATES))

    def outbox_empty(self) -> bool:
        return not any(row[0] for row in self._database.run(_UNFINISHED))

    def copies(self) -> dict[Copy, list[tuple[str, str, str]]]:
        """State, digest and id of each copy in the tables."""
        found: dict[Copy, list[tuple[str, str, str]]] = {}
        for header_id, recipient, *rest in self._database.run(_COPIES):
            found.setdefault((header_id[1:33], recipient), []).append((rest[0], rest[1], rest[2]))
        return found

    def deliveries(self) -> Counter[Copy]:
        """How often each copy has come to its mailbox."""
        found: Counter[Copy] = Counter()
        for message in list(self._sink.messages):
            marker = _marker(message.content)
            found.update((marker, recipient) for recipient in message.recipients)
        return found

    def arrived(self, letter: Letter) -> list[bytes]:
        """What came of a letter, as it came."""
        return [one.content for one in list(self._sink.messages) if _marker(one.content) == letter.marker]

    def fates(self, letters: Iterable[Letter]) -> tuple[dict[Copy, str], int]:
        """The state of each copy, and how many have arrived more often than once.

        Raises AssertionError where a copy is in no state, or in two.
        """
        copies, deliveries = self.copies(), self.deliveries()
        fates: dict[Copy, str] = {}
        surplus = 0
        for letter in letters:
            for recipient in letter.recipients:
                one = letter.marker, recipient
                fates[one] = self._fate(letter, copies.get(one, []), deliveries[one])
                surplus += max(0, deliveries[one] - 1)
        return fates, surplus

    def _fate(self, letter: Letter, copies: list[tuple[str, str, str]], delivered: int) -> str:
        assert len(copies) <= 1, f"kept twice: {copies}"
        if not copies:
            assert delivered, "lost"
            return "delivered"
        state, digest, name = copies[0]
        if state == "delivered":
            assert delivered, f"{name}: said to be delivered, and it is not"
        else:
            assert not delivered, f"{name}: {state}, and delivered, too"
        if state == "held":
            content = self.content(digest)
            assert blake2b(content, digest_size=32).hexdigest() == digest, f"{name}: not what was stored"
            assert content == letter.octets, f"{name}: not what was sent"
        return state

    def content(self, digest: str) -> bytes:
        return (self._spool / digest[:2] / digest).read_bytes()

    def unneeded(self) -> set[str]:
        """Contents in the spool that no copy needs, and unfinished files."""
        needed = {digest for rows in self.copies().values() for state, digest, _ in rows if state == "held"}
        return {path.name for path in self._spool.rglob("*") if path.is_file()} - needed


def _marker(content: bytes) -> str:
    marked = _MARKER.search(content)
    assert marked, content[:4096]
    return marked.group(1).decode()
