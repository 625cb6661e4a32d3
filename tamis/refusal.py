"""What is refused: a recipient for the moment, at RCPT (rows 2 and 3). SPEC, section 1."""

from dataclasses import replace

from tamis.addresses import domain_of
from tamis.answers import Answers
from tamis.counters import Counters
from tamis.examination import Examination, Snapshot
from tamis.filters.order import ORDER, Judgement
from tamis.mail import Mail
from tamis.policy import Mode
from tamis.record import Refusal


def refused_for_now(
    mail: Mail, recipient: str, snapshot: Snapshot, answers: Answers, counters: Counters | None = None
) -> Refusal | None:
    """Return why one recipient of a message is refused for the moment under their policy, None where they are not.

    `mail` is what is known of it at RCPT; what it has for recipients does not matter. In mode observe nothing is
    refused, and a row that cannot answer refuses nothing.
    """
    alone = replace(mail, recipients=(recipient,))
    (normalised,) = alone.recipients
    policy = snapshot.policies.for_recipient(normalised)
    if policy.mode is Mode.OBSERVE:
        return None
    examination = Examination(alone, snapshot, answers, counters)
    for row in ORDER:
        if row.judgement is Judgement.REFUSED_FOR_NOW and row.filter and policy.judges(row):
            for hit in examination.ask(row, policy).hits:
                if hit.decides and hit.applies_to(normalised, domain_of(normalised)):
                    return Refusal(row, hit.name, hit.because)
    return None
