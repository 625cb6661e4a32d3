"""Holds of one process, written together: messages that arrive while a transaction is under way share the next one."""

import queue
import threading
from concurrent.futures import Future
from typing import Final

from sqlalchemy.exc import OperationalError

from tamis.quarantine.records import NewMessage
from tamis.quarantine.store import Store

_TOGETHER: Final = 100
"""Messages in one transaction at most: the others wait for the next."""


class Holder:
    """Writes messages for many threads. Make one after fork."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: queue.SimpleQueue[tuple[NewMessage, Future[None]]] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def hold(self, message: NewMessage) -> "Future[None]":
        """Ask for a message to be written; the result comes when it is durable, an exception when it is not."""
        future: Future[None] = Future()
        self._waiting.put((message, future))
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_forever, name="hold", daemon=True)
                self._thread.start()
        return future

    def _write_forever(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < _TOGETHER:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            # Who no longer waits has been told to try again. From here on nobody stops waiting without the result.
            self._write([one for one in batch if one[1].set_running_or_notify_cancel()])

    def _write(self, batch: list[tuple[NewMessage, "Future[None]"]]) -> None:
        if not batch:
            return
        try:
            self._store.write([message for message, _ in batch])
        except Exception as error:
            if len(batch) == 1 or isinstance(error, (OSError, OperationalError)):
                for _, future in batch:
                    future.set_exception(error)
                return
            # One message that cannot be written must not cost the others theirs.
            for one in batch:
                self._write([one])
            return
        for _, future in batch:
            future.set_result(None)
