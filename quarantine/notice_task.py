"""What the keeper does for senders: decides who is told, writes the notices and sends them."""

import logging
from datetime import timedelta
from typing import Any, Final

from tamis import limits
from tamis.addresses import domain_of
from tamis.config import Config
from tamis.letters.language import language_of
from tamis.letters.letter import one_line
from tamis.message import Message
from tamis.policy import Policies
from tamis.policy_view import LivePolicies
from tamis.quarantine import sender_notices
from tamis.quarantine.letter_queue import Due
from tamis.quarantine.outbox import TakenOver
from tamis.quarantine.post_office import PostOffice
from tamis.quarantine.rows import now
from tamis.quarantine.sender_notices import HeldOfSender, Waiting
from tamis.quarantine.store import Store
from tamis.telling import Telling
from tamis.tokens import Purpose

_log: Final = logging.getLogger("tamis")
_NAMED: Final = 5
"""Messages that a notice names; its page lists all."""
_COUNTED: Final = 100


class NoticeTask:
    """One run after the other in the keeper's thread for it."""

    def __init__(self, config: Config, store: Store) -> None:
        self._settings = config.settings
        self._store = store
        self._policies = LivePolicies(config)
        self._office = PostOffice(config)
        self._queue = sender_notices.queue(store)

    def run(self) -> None:
        """Decide and send whatever is waiting. Raises `sqlalchemy.exc.SQLAlchemyError` or `OSError`."""
        if not self._store.exists():
            return
        # What somebody has just chosen counts for what has just been held.
        policies = self._policies.now()
        sender_notices.decide(
            self._store, lambda copy: self._refusal(policies, copy), self._settings.notices.most_a_day
        )
        try:
            for notice in self._queue.due():
                self._send(policies, notice)
        finally:
            self._office.close()

    def forget(self) -> None:
        """Forget what no longer matters."""
        if self._store.exists():
            sender_notices.forget(self._store)

    def _refusal(self, policies: Policies, copy: Waiting) -> Telling | None:
        policy = policies.for_recipient(copy.recipient)
        if not (self._settings.notices.enabled and policy.tell_sender):
            return Telling.OFF
        if not policy.tell_own_domain and domain_of(copy.sender_key) == domain_of(copy.recipient):
            return Telling.OWN_DOMAIN
        return None if self._office.has_pages else Telling.NO_PAGE

    def _send(self, policies: Policies, notice: Due) -> None:
        with self._store.transaction() as connection:
            held = sender_notices.held_of_sender(connection, notice.row.sender_key, _COUNTED)
        if not held:
            # Somebody was faster.
            sender_notices.finish(self._store, notice, "needless", "", Telling.NEEDLESS)
            return
        letter = self._letter(policies, notice, held)
        try:
            posted = self._office.send(notice.row.sender, letter, lambda: self._queue.at_dot(notice))
        except TakenOver:
            return
        if posted.delivered or posted.uncertain:
            sender_notices.finish(self._store, notice, "sent", posted.reply, Telling.SENT)
        elif posted.refused or not self._queue.put_off(notice, posted.reply):
            sender_notices.finish(self._store, notice, "refused", posted.reply, Telling.REFUSED)
        event = "told" if posted.delivered else "not told"
        fields = {"event": event, "id": notice.row.message_id, "sender": notice.row.sender_key, "reply": posted.reply}
        _log.info("", extra={"fields": fields})

    def _letter(self, policies: Policies, notice: Due, held: list[HeldOfSender]) -> bytes:
        """Write the notice, in the language of the message that it is about."""
        first = next((one for one in held if one.message_id == notice.row.message_id), held[0])
        others = [one for one in held if one is not first]
        lifetime = timedelta(days=self._settings.quarantine.days)
        values: dict[str, Any] = {
            "subject": _subject(first),
            "messages": [
                {"recipient": one_line(one.recipient, 100), "subject": _subject(one), "received_at": one.received_at}
                for one in (first, *others[: _NAMED - 1])
            ],
            "more": max(0, len(held) - _NAMED),
            "link": self._office.link(Purpose.RELEASE, notice.row.sender_key, lifetime.total_seconds()),
            "until": now() + lifetime,
        }
        language = self._language(first.digest, policies.for_recipient(first.recipient).language)
        return self._office.write("notice", language, notice.row.sender, values, "auto-replied", first.header_id)

    def _language(self, digest: str, otherwise: str) -> str:
        try:
            with self._store.spool.open(digest) as file:
                return language_of(Message(file.read(limits.MESSAGE_BYTES)), otherwise)
        except FileNotFoundError:
            return otherwise


def _subject(held: HeldOfSender) -> str:
    return one_line(held.subject, 120) or "—"
