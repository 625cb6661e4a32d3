"""The sender of the outbox: takes what is due, hands it to the MTA, records what became of it."""

import logging
import smtplib
from typing import Final

from tamis.quarantine.outbox import Outbox, Outgoing, Result, TakenOver
from tamis.quarantine.rewrite import outgoing
from tamis.quarantine.smtp import Listener
from tamis.quarantine.store import Store
from tamis.resting import Stamp
from tamis.settings import Delivery

_log = logging.getLogger("tamis")
_AT_ONCE: Final = 20
"""Copies claimed at once."""


class Sender:
    """Sends copies, one after the other. One thread at a time."""

    def __init__(self, store: Store, delivery: Delivery) -> None:
        self._store = store
        self._outbox = Outbox(store)
        self._expanding = Listener(delivery.server, delivery.timeout_seconds)
        self._mailboxes = Listener(delivery.mailbox_server, delivery.timeout_seconds)
        self._unrecorded: tuple[Outgoing, list[Result], bool] | None = None
        """What became of the last copy, until the database has it: only a death makes us forget it."""
        self._nothing_at: Stamp | None = None
        """The state of the database in which there was nothing to send: it need not be asked again until it changes."""

    def send_due(self) -> int:
        """Send everything that is due; return how many copies were tried. Raises `sqlalchemy.exc.SQLAlchemyError`."""
        tried = 0
        self._record()
        stamp = self._store.stamp()
        if stamp is not None and stamp == self._nothing_at:
            return 0
        self._nothing_at = None
        try:
            while some := self._send_some():
                tried += some
        finally:
            self._expanding.close()
            self._mailboxes.close()
        if stamp is not None and not tried and self._outbox.empty():
            self._nothing_at = stamp
        return tried

    def _send_some(self) -> int:
        with self._outbox.kept_open():
            claimed = self._outbox.claim(_AT_ONCE)
            for copy in claimed:
                self._send(copy)
        return len(claimed)

    def _send(self, copy: Outgoing) -> None:
        listener = self._expanding if copy.expand else self._mailboxes
        at_dot = False

        def before_dot() -> None:
            nonlocal at_dot
            self._outbox.at_dot(copy)
            at_dot = True

        try:
            with self._store.spool.open(copy.digest) as content:
                results = listener.deliver(copy, outgoing(content, copy.changes), before_dot)
            at_dot = False
        except TakenOver:
            return
        except (OSError, smtplib.SMTPException) as error:
            said = f"{type(error).__name__}: {error}"
            results = [Result(one.copy_id, said, one.addresses) for one in copy.recipients]
        self._unrecorded = copy, results, at_dot
        self._record()

    def _record(self) -> None:
        """Write down what became of the last copy. Raises `sqlalchemy.exc.SQLAlchemyError`: then asked again."""
        if self._unrecorded is None:
            return
        copy, results, uncertain = self._unrecorded
        self._outbox.record(copy, results, uncertain)
        self._unrecorded = None
        for result in results:
            self._log(copy, result)

    def _log(self, copy: Outgoing, result: Result) -> None:
        event = "refused, held again" if result.refused else "waits" if result.left else "delivered"
        fields = {"event": event, "id": copy.message_id, "copy": result.copy_id, "reply": result.reply}
        level = logging.INFO if event == "delivered" else logging.WARNING
        _log.log(level, "", extra={"fields": {**fields, "tries": copy.tries}})
