"""A client as another MTA is one: what is not accepted is sent again, until it is."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tamis.postfix import client

SPAMMER = "203.0.113.66"
STRANGER = "203.0.113.25"
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 30.0


@dataclass
class Letter:
    """One message, told from all others by `marker`; `answers` counts the replies to each try, 0 for none."""

    recipients: tuple[str, ...]
    peer: str = SPAMMER
    padding: int = 0
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)
    answers: Counter[int] = field(default_factory=Counter)
    accepted: bool = False

    @property
    def octets(self) -> bytes:
        """The message as it goes over the wire."""
        header = f"From: ann@sender.example\nSubject: offer\nMessage-ID: <{self.marker}@sender.example>\n"
        body = "All the offers of the season, my friend.\n" * (1 + self.padding // 41)
        return f"{header}\n{body}".replace("\n", "\r\n").encode()


class Sending:
    """Letters on their way to an SMTP server, all at once."""

    def __init__(
        self,
        port: int,
        letters: Sequence[Letter],
        patience: float = _PATIENCE_SECONDS,
        longest_pause: float = _PAUSE_SECONDS,
    ) -> None:
        """Pauses between tries grow up to `longest_pause`."""
        self.letters = tuple(letters)
        self._patience = patience
        self._longest_pause = longest_pause
        self._port = port
        self._threads = [threading.Thread(target=self._deliver, args=(letter,)) for letter in letters]
        for thread in self._threads:
            thread.start()

    def _deliver(self, letter: Letter) -> None:
        left: Sequence[str] = letter.recipients
        deadline = time.monotonic() + self._patience
        pause = _PAUSE_SECONDS
        while time.monotonic() < deadline:
            reply = client.send(
                self._port, letter.octets, "offers@sender.example", left, peer=letter.peer, name="mail.sender.example"
            )
            letter.answers[reply.code] += 1
            if reply.accepted:
                left = list(reply.refused)
            if not left:
                letter.accepted = True
                return
            time.sleep(pause)
            pause = min(2 * pause, self._longest_pause)

    def wait(self) -> None:
        """Wait until all have been accepted."""
        for thread in self._threads:
            thread.join()
        assert all(letter.accepted for letter in self.letters), [letter.answers for letter in self.letters]

    @property
    def answers(self) -> Counter[int]:
        return sum((letter.answers for letter in self.letters), Counter())
