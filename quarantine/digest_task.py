"""What the keeper does for recipients: finds whose held mail is whose, and tells each mailbox once a day."""

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from tamis.config import Config
from tamis.destinations import Destinations
from tamis.letters.letter import one_line
from tamis.letters.reasons import reason
from tamis.policy import Digest, Policies
from tamis.policy_view import LivePolicies
from tamis.quarantine import digests, mailboxes
from tamis.quarantine.letter_queue import Due
from tamis.quarantine.outbox import TakenOver
from tamis.quarantine.post_office import PostOffice
from tamis.quarantine.queries import Found
from tamis.quarantine.rows import now
from tamis.quarantine.store import Store
from tamis.tokens import Purpose
from tamis.translations import catalogue

_log: Final = logging.getLogger("tamis")
_LISTED: Final = 50
_DAY_SECONDS: Final = 86_400.0
_WEEK: Final = timedelta(days=6, hours=12)
"""Less than seven days: no two digests are sent at the same second."""


class DigestTask:
    """One run after the other in the keeper's thread for it."""

    def __init__(self, config: Config, store: Store) -> None:
        self._settings = config.settings
        self._store = store
        self._destinations = Destinations(config.settings.aliases)
        self._policies = LivePolicies(config)
        self._office = PostOffice(config)
        self._queue = digests.queue(store)

    def refresh(self) -> None:
        """Find whose mail is whose, of what has just been held. Raises `sqlalchemy.exc.SQLAlchemyError`."""
        if not self._store.exists():
            return
        while mailboxes.refresh(self._store, self._destinations.find_all, self._settings.aliases.recipient_delimiter):
            pass

    def run(self, moment: datetime | None = None) -> None:
        """Do what is due at a moment of the machine's own clock. Raises `sqlalchemy.exc.SQLAlchemyError`, `OSError`."""
        if not self._store.exists():
            return
        self.refresh()
        moment = moment or datetime.now()
        if moment.hour >= self._settings.notices.digest_hour and self._office.has_pages:
            while digests.start(self._store, f"{moment:%Y-%m-%d}"):
                pass
        policies = self._policies.now()
        try:
            while due := self._queue.due():
                for digest in due:
                    self._send(policies, digest)
        finally:
            self._office.close()

    def forget(self) -> None:
        """Forget what no longer matters."""
        if self._store.exists():
            digests.forget(self._store)

    def _send(self, policies: Policies, digest: Due) -> None:
        mailbox, before = digest.row.mailbox, now()
        held = digests.content(self._store, mailbox, digest.row.until)
        policy = policies.for_recipient(mailbox)
        if policy.digest is Digest.WEEKLY and digest.row.until > before - _WEEK:
            self._finish(digest, "needless", "", digest.row.until)
            return
        told = [one for one in held.new if policies.for_recipient(one.recipient).digest is not Digest.OFF]
        if not told:
            self._finish(digest, "needless", "", before)
            return
        try:
            posted = self._office.send(
                mailbox, self._letter(mailbox, policy.language, told, held.number), lambda: self._queue.at_dot(digest)
            )
        except TakenOver:
            return
        if posted.delivered or posted.uncertain:
            self._finish(digest, "sent", posted.reply, before)
        elif posted.refused or not self._queue.put_off(digest, posted.reply):
            self._finish(digest, "refused", posted.reply, digest.row.until)
        event = "digest sent" if posted.delivered else "digest not sent"
        _log.info("", extra={"fields": {"event": event, "mailbox": mailbox, "reply": posted.reply}})

    def _finish(self, digest: Due, state: str, reply: str, until: datetime) -> None:
        with self._store.transaction() as connection:
            self._queue.finish(connection, digest, state, reply)
            digests.told_until(connection, digest.row.mailbox, until)

    def _letter(self, mailbox: str, language: str, held: list[Found], number: int) -> bytes:
        gettext = catalogue(language).gettext
        values: dict[str, Any] = {
            "mailbox": one_line(mailbox, 100),
            "messages": [
                {
                    "subject": one_line(one.subject, 120) or "—",
                    "sender": one_line(one.author or one.sender, 100) or "—",
                    "recipient": "" if one.recipient == mailbox else one_line(one.recipient, 100),
                    "held_at": one.held_at,
                    "reason": reason(one.row_name, gettext),
                    "malware": one.malware,
                }
                for one in held[:_LISTED]
            ],
            "new": len(held),
            "more": max(0, len(held) - _LISTED),
            "earlier": max(0, number - len(held)),
            "days": self._settings.quarantine.days,
            "link": self._office.link(Purpose.MAILBOX, mailbox, self._settings.quarantine.days * _DAY_SECONDS),
        }
        return self._office.write("digest", language, mailbox, values, "auto-generated")
