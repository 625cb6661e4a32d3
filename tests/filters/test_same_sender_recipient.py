"""Row 12."""

import pytest

from tamis.contract import Context
from tamis.filters.same_sender_recipient import SameSenderRecipient
from tamis.testing import hits, mail

FILTER = SameSenderRecipient()
MAIL = "From: bob@example.org\nTo: bob@example.org\n\nbody\n"


@pytest.mark.parametrize("sender", ["bob@example.org", "<Bob@Example.ORG>", "bob@example.org."])
def test_hit(sender: str) -> None:
    assert hits(FILTER, mail(MAIL, sender=sender, recipients=["BOB@example.org"])) == ["SAME_SENDER_RCPT"]


def test_the_hit_is_for_that_recipient_alone() -> None:
    message = mail(MAIL, sender="bob@example.org", recipients=["ann@example.org", "bob@example.org"])
    (hit,) = FILTER.check(message, Context(recipients=message.recipients))
    assert hit.decides
    assert hit.applies_to("bob@example.org", "example.org")
    assert not hit.applies_to("ann@example.org", "example.org")


@pytest.mark.parametrize("sender", ["ann@example.org", "bob@example.net", "", "bob+tag@example.org"])
def test_clean(sender: str) -> None:
    assert hits(FILTER, mail(MAIL, sender=sender, recipients=["bob@example.org"])) == []
