"""Sending mail of our own through the MTA's own listener, which asks no milter: from the null sender to one address."""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass

from tamis.quarantine.outbox import Envelope, Outgoing, TakenOver
from tamis.quarantine.records import StoredChanges
from tamis.quarantine.smtp import Listener


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a letter. `uncertain`: its end was sent and no answer came."""

    reply: str
    delivered: bool = False
    refused: bool = False
    uncertain: bool = False


def post(listener: Listener, to: str, octets: bytes, at_dot: Callable[[], bool]) -> Posted:
    """Send a letter; `at_dot` is asked before its end, and keeps it from being sent where it says False.

    Raises `tamis.quarantine.outbox.TakenOver` then. Never raises for what the server does.
    """
    ended = False

    def before_dot() -> None:
        nonlocal ended
        if not at_dot():
            raise TakenOver(f"the letter to {to} is sent by another process")
        ended = True

    # Nobody is to be told of anything: neither that it arrived nor that it did not (RFC 3834, section 3.3).
    envelope = Envelope("", (to,), "NOTIFY=NEVER")
    letter = Outgoing("", "", "", "", "", True, StoredChanges(), (envelope,), 1)
    try:
        (result,) = listener.deliver(letter, [octets], before_dot)
    except (OSError, smtplib.SMTPException) as error:
        return Posted(f"{type(error).__name__}: {error}", uncertain=ended)
    return Posted(result.reply, delivered=not result.left, refused=result.refused)
