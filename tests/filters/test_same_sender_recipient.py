"""Row 12: the envelope sender is the recipient; a hit for that recipient alone."""

from tamis.contract import Context
from tamis.filters.same_sender_recipient import SameSenderRecipient
from tamis.testing import hits, mail

MAIL = "From: ann@example.org\n\nhello\n"


def test_hit() -> None:
    message = mail(MAIL, sender="Ann@Example.org", recipients=["ann@example.org"])
    assert hits(SameSenderRecipient(), message) == ["SAME_SENDER_RCPT"]


def test_only_that_recipient() -> None:
    message = mail(MAIL, sender="ann@example.org", recipients=["ann@example.org", "bob@example.org"])
    (hit,) = SameSenderRecipient().check(message, Context(recipients=message.recipients))
    assert hit.applies_to("ann@example.org", "example.org")
    assert not hit.applies_to("bob@example.org", "example.org")


def test_clean() -> None:
    message = mail(MAIL, sender="bob@example.org", recipients=["ann@example.org"])
    assert hits(SameSenderRecipient(), message) == []


def test_the_null_sender_is_nobody() -> None:
    assert hits(SameSenderRecipient(), mail(MAIL, sender="<>", recipients=[""])) == []
