"""From what becomes of a message (`tamis.disposition`) to what is written of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tamis.disposition import Disposition
from tamis.mail import Mail, new_id
from tamis.quarantine.parameters import of_leg, of_mail, of_rcpt, without_success
from tamis.quarantine.records import NewCopy, NewMessage, NewOutbox
from tamis.quarantine.spool import Incoming
from tamis.record import Verdict
from tamis.trace import received


@dataclass(frozen=True, slots=True)
class SmtpFacts:
    """What SMTP said besides the addresses: ESMTP parameters of MAIL and of each RCPT, and the name of the MTA."""

    mail_parameters: Sequence[str] = ()
    rcpt_parameters: Sequence[Sequence[str]] = ()
    mta: str = ""


def new_message(mail: Mail, disposition: Disposition, facts: SmtpFacts, incoming: Incoming) -> NewMessage:
    """Return what is to be written of a message, held or copied; `incoming` has been stored."""
    message = mail.message
    authors = ", ".join(str(box.address) for box in message.authors[:3])
    return NewMessage(
        id=mail.id,
        incoming=incoming,
        received_at=mail.now,
        sender=mail.mail_from,
        sender_key=mail.sender,
        mail_parameters=of_mail(facts.mail_parameters),
        peer=str(mail.peer) if mail.peer else "",
        rdns=mail.rdns,
        helo=mail.helo,
        queue_id=mail.queue_id,
        header_id=message.header("message-id") or "",
        author=authors,
        subject=message.subject,
        copies=tuple(_copies(mail, disposition, facts)),
        learn=disposition.learn_as_spam,
        telling=disposition.telling,
    )


def _copies(mail: Mail, disposition: Disposition, facts: SmtpFacts) -> Iterator[NewCopy]:
    trace = ("Received", received(mail, facts.mta))
    # Of an alias that it has expanded, the MTA has already said so, unless it gives up the whole message.
    reported = set(disposition.removed) if disposition.stay else set()

    def copy(verdict: Verdict, legs: tuple[str, ...]) -> NewCopy:
        position = list(mail.recipients).index(verdict.recipient)
        said = mail.rcpt_to[position]
        parameters = of_rcpt(facts.rcpt_parameters[position]) if position < len(facts.rcpt_parameters) else ""
        if legs:
            parameters = of_leg(parameters, said)
            if verdict.recipient in reported:
                parameters = without_success(parameters)
            reported.add(verdict.recipient)
        return NewCopy(verdict, said, parameters, legs)

    for group in disposition.parted:
        changes = replace(group.changes, add=[*group.changes.add, trace])
        outbox = NewOutbox(new_id(), changes, expand=not group.legs)
        for verdict in group.verdicts:
            yield replace(copy(verdict, group.legs), fields=tuple(changes.add), outbox=outbox)
    for held in disposition.held:
        yield replace(copy(held.verdict, held.legs), fields=(*held.fields, trace))
