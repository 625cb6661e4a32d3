"""Holds of one process, written together: messages that arrive while a transaction is under way share the next one."""

import queue
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

from sqlalchemy.exc import OperationalError

from tamis.quarantine.records import NewMessage
from tamis.quarantine.store import Store

_TOGETHER: Final = 100
"""Messages in one transaction at most: the others wait for the next."""
_REMEMBERED: Final = 200
"""Answers that are still to be written at most, where the database is away."""


class Holder:
    """Writes messages for many threads. Make one after fork."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # A message to write, with what tells that it is; or one whose answer has been given.
        self._waiting: queue.SimpleQueue[tuple[NewMessage, Future[None] | None]] = queue.SimpleQueue()
        self._answered: list[NewMessage] = []
        # Now, and not with the first hold: there may be no thread to be had then.
        threading.Thread(target=self._write_forever, name="hold", daemon=True).start()

    def hold(self, message: NewMessage) -> "Future[None]":
        """Ask for a message to be written; the result comes when it is durable, an exception when it is not."""
        future: Future[None] = Future()
        self._put(message, future)
        return future

    def answered(self, message: NewMessage) -> None:
        """Say that the MTA has had the answer to a message that was written; what is held later knows of it."""
        self._put(message, None)

    def _put(self, message: NewMessage, future: "Future[None] | None") -> None:
        self._waiting.put((message, future))

    def _write_forever(self) -> None:
        batch: list[tuple[NewMessage, Future[None] | None]] = []
        while True:
            try:
                batch = [self._waiting.get()]
                while len(batch) < _TOGETHER and not self._waiting.empty():
                    batch.append(self._waiting.get_nowait())
                self._take(batch)
            except Exception as error:  # A lack of memory, say: the thread stays, and who waits is told.
                for _, future in batch:
                    if future is not None and not future.done():
                        future.set_exception(error)

    def _take(self, batch: "list[tuple[NewMessage, Future[None] | None]]") -> None:
        self._answered = [*self._answered, *(message for message, future in batch if future is None)][-_REMEMBERED:]
        # Who no longer waits has been told to try again. From here on nobody stops waiting without the result.
        holds = [(message, future) for message, future in batch if future is not None]
        holds = [one for one in holds if one[1].set_running_or_notify_cancel()]
        if holds:
            self._write(holds)
        else:
            self._answer()

    def _answer(self) -> None:
        # Where it fails, it is written with the next; until then the same octets are taken for another try.
        if self._answered:
            with suppress(Exception):
                self._store.answered(self._answered)
                self._answered = []

    def _write(self, batch: list[tuple[NewMessage, "Future[None]"]]) -> None:
        answered, self._answered = self._answered, []
        try:
            # Together: where the database is busy, it is waited for once.
            self._store.write([message for message, _ in batch], answered)
        except Exception as error:
            self._answered = answered
            if isinstance(error, (OSError, OperationalError)) or (len(batch) == 1 and not answered):
                for _, future in batch:
                    future.set_exception(error)
                return
            # One message that cannot be written must not cost the others theirs.
            self._answer()
            unwritten, self._answered = self._answered, []
            for one in batch:
                self._write([one])
            self._answered = unwritten
            return
        for _, future in batch:
            future.set_result(None)
