"""What follows from outgoing mail, and from reports that it was not delivered, besides what becomes of the message.

Filters say what is true, and know nothing of it (SPEC, section 1, row 7). Nothing here waits for anything but Redis.
"""

from collections.abc import Callable
from typing import Final

from tamis import limits
from tamis.addresses import domain_of
from tamis.delivery_failures import envelope_key, message_key, read_failure
from tamis.filters.auto_whitelisted_sender import AutoWhitelistedSender
from tamis.filters.order import BY_NAME
from tamis.lists import BadEntry
from tamis.mail import Mail
from tamis.message import Message
from tamis.notices import is_automatic, is_from_daemon, is_report
from tamis.policy import Policy
from tamis.record import Record
from tamis.sent_ids import SentIds
from tamis.sent_journal import Journal, Sent, Undelivered
from tamis.weight_store import subject

_ROW: Final = BY_NAME[AutoWhitelistedSender.name]
_BULK: Final = ("list-id", "list-post", "list-unsubscribe")
_BULK_PRECEDENCE: Final = ("bulk", "list", "junk")


class SentMail:
    """Notes what the keeper learns from (`tamis.sent_settling`), and Message-IDs. In any thread."""

    def __init__(self, policy_of: Callable[[str], Policy], ids: SentIds, journal: Journal) -> None:
        self._policy_of = policy_of
        self._ids = ids
        self._journal = journal

    def follow_outgoing(self, record: Record) -> None:
        """Note an outgoing message: mail that somebody sent, or the MTA's own report of failure to one of us."""
        mail = record.mail
        if not mail.sender:
            self.follow_inbound(record)
            return
        if record.refusal is not None and record.refusal.action == "refuse":
            return
        key = message_key(mail.message.header("message-id") or "")
        if key:
            self._ids.add(key, mail.now)
        envelope = envelope_key(mail.envelope_id)
        if (key or envelope) and self._learns(mail.sender) and written_by_a_person(mail.message):
            recipients = strangers(mail)
            if 0 < len(recipients) <= limits.SENT_RECIPIENTS:
                domain = domain_of(mail.sender)
                self._journal.note(Sent(mail.id, mail.now.timestamp(), domain, key, envelope, recipients))

    def follow_inbound(self, record: Record) -> None:
        """Note a report of failure to one of us."""
        mail = record.mail
        if not any(map(self._learns, mail.recipients)) or (mail.sender and not is_report(mail.message)):
            return
        failure = read_failure(mail.message)
        if failure is not None:
            self._journal.note(Undelivered(mail.id, mail.now.timestamp(), failure.keys, failure.recipients))

    def _learns(self, address: str) -> bool:
        """Whether the domain of an address wants its recipients learned."""
        policy = self._policy_of(address)
        options = policy.options[_ROW.name]
        return policy.judges(_ROW) and isinstance(options, AutoWhitelistedSender.Options) and options.outgoing


def written_by_a_person(message: Message) -> bool:
    """Whether it is mail of somebody to somebody: an automatic reply, or a mailing, says nothing for who gets it."""
    if is_automatic(message) or is_report(message) or is_from_daemon(message):
        return False
    if (message.header("precedence") or "").strip().lower() in _BULK_PRECEDENCE:
        return False
    return not any(message.fields(name) for name in _BULK)


def strangers(mail: Mail) -> tuple[str, ...]:
    """Return the recipients that something may be learned of: addresses, and none of the sender's own domain."""
    found = []
    for recipient in dict.fromkeys(mail.recipients):
        try:
            found.append(subject(domain_of(mail.sender), recipient)[1])
        except BadEntry:
            continue
    return tuple(found)
