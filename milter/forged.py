"""Copies of our own headers that come from outside, and what becomes of a message that brings too many.

Postfix searches the header from its top for each field that it is to remove: 10,000 copies, 130 KB of mail, cost it
more than three seconds (docs/decisions/0013).
"""

from collections.abc import Iterable

from tamis import limits
from tamis.mail import Mail
from tamis.milter import log
from tamis.milter.transaction import Transaction
from tamis.policy import Mode, Policies


class Refused(Exception):
    """The message is to be refused for good, and the client told so."""


def too_many(names: Iterable[str], transaction: Transaction) -> int:
    """How many copies of these fields a message has, where removing them would keep the MTA busy; otherwise 0."""
    copies = sum(transaction.copies(name) for name in names)
    return copies if copies * transaction.fields > limits.REMOVAL_STEPS else 0


def check(mail: Mail, transaction: Transaction, names: Iterable[str], policies: Policies) -> None:
    """Raise `Refused` for inbound mail that brings too many copies of our headers.

    Where the domain of a recipient observes, or has the antispam off, they stay on the message instead.
    """
    copies = too_many(names, transaction)
    if not copies:
        return
    chosen = [policies.for_recipient(recipient) for recipient in mail.recipients]
    if all(policy.antispam and policy.mode is not Mode.OBSERVE for policy in chosen):
        raise Refused(f"{copies} header fields of names that this server writes itself")
    log.warning(
        "forged headers stay on a message: there are too many to remove, and the recipients' policies refuse nothing",
        queue_id=mail.queue_id,
        id=mail.id,
        copies=copies,
        header_fields=transaction.fields,
    )
