"""Copies of our own headers that come from outside, and what becomes of a message that brings too many.

Postfix searches the header from its top for each field that it is to remove: 10,000 copies, 130 KB of mail, cost it
more than three seconds (docs/decisions/0013).
"""

from collections.abc import Callable

from tamis import limits
from tamis.headers import Changes
from tamis.mail import Mail
from tamis.milter import log
from tamis.milter.transaction import Transaction
from tamis.policy import Mode, Policy


class Refused(Exception):
    """The message is to be refused for good, and the client told so."""


def too_many(changes: Changes, transaction: Transaction) -> int:
    """How many fields would be removed, where that would keep the MTA busy; otherwise 0."""
    copies = sum(transaction.copies(name) for name in changes.remove)
    copies += sum(len(numbers) for numbers in changes.remove_some.values())
    return copies if copies * transaction.fields > limits.REMOVAL_STEPS else 0


def check(mail: Mail, transaction: Transaction, changes: Changes, policy_of: Callable[[str], Policy]) -> None:
    """Raise `Refused` for inbound mail that brings too many copies of our headers.

    Where the domain of a recipient observes, or has the antispam off, they stay on the message instead.
    """
    copies = too_many(changes, transaction)
    if not copies:
        return
    chosen = [policy_of(recipient) for recipient in mail.recipients]
    if all(policy.antispam and policy.mode is not Mode.OBSERVE for policy in chosen):
        raise Refused(f"{copies} header fields of names that this server writes itself")
    log.warning(
        "forged headers stay on a message: there are too many to remove, and the recipients' policies refuse nothing",
        queue_id=mail.queue_id,
        id=mail.id,
        copies=copies,
        header_fields=transaction.fields,
    )
