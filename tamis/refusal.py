"""What is refused: a recipient for the moment, at RCPT (rows 2 and 3), and outgoing mail that carries malware.

SPEC, sections 0 and 1. All other verdicts are `tamis.examination`'s.
"""

from dataclasses import replace
from typing import Final

from tamis.addresses import domain_of
from tamis.answers import Answers
from tamis.dns.resolver import Resolver
from tamis.examination import Examination, Snapshot
from tamis.filters.banned_ip import BannedIP
from tamis.filters.order import ORDER, Judgement
from tamis.lists import ListName, Lists
from tamis.mail import Mail
from tamis.policy import Mode, Policies
from tamis.record import Record, Refusal, Verdict
from tamis.shared_state import SharedState

_REFUSING: Final = [row for row in ORDER if row.judgement is Judgement.REFUSED_FOR_NOW and row.filter]


def may_refuse_anybody(policies: Policies, lists: Lists) -> bool:
    """Whether a recipient may be refused for the moment by any peer, but for the automatic bans of some."""
    chosen = (row.name for row in _REFUSING if row.name != BannedIP.name)
    return lists.holds(ListName.BAN_IP) or any(map(policies.may_enable, chosen))


def refused_for_now(
    mail: Mail,
    recipient: str,
    snapshot: Snapshot,
    answers: Answers,
    shared: SharedState | None = None,
    resolver: Resolver | None = None,
) -> Refusal | None:
    """Return why one recipient of a message is refused for the moment under their policy, None where they are not.

    `mail` is what is known of it at RCPT; what it has for recipients does not matter. In mode observe nothing is
    refused, and a row that cannot answer refuses nothing.
    """
    alone = replace(mail, recipients=(recipient,))
    (normalised,) = alone.recipients
    policy = snapshot.policies.for_recipient(normalised)
    rows = [row for row in _REFUSING if policy.judges(row)]
    if not rows or policy.mode is Mode.OBSERVE:
        return None
    examination = Examination(alone, snapshot, answers, shared, resolver=resolver)
    for row in rows:
        for hit in examination.ask(row, policy).hits:
            if hit.decides and hit.applies_to(normalised, domain_of(normalised)):
                return Refusal(row, hit.name, hit.because)
    return None


def examine_outgoing(
    mail: Mail,
    snapshot: Snapshot,
    answers: Answers,
    shared: SharedState | None = None,
    resolver: Resolver | None = None,
) -> Record:
    """Return the record of outgoing mail, which is looked at for malware alone, under the default policy."""
    policy = snapshot.policies.for_domain("")
    examination = Examination(mail, snapshot, answers, shared, policy, resolver)
    rows = [row for row in ORDER if row.judgement is Judgement.MALWARE and row.filter and policy.judges(row)]
    examination.prepare(rows)
    found = ((row, hit) for row in rows for hit in examination.ask(row, policy).hits if hit.name not in row.spam_tests)
    row, hit = next(((row, hit) for row, hit in found if hit.decides and hit.applies_to("", "")), (None, None))
    record = examination.record()
    record.ask_again = "" if row else examination.ask_again()
    if row and hit:
        record.refusal = Verdict(
            recipient="",
            spam=True,
            action="observe" if policy.mode is Mode.OBSERVE else "refuse",
            mode=policy.mode,
            level=policy.level,
            score=0,
            tests=((hit.name, 0),),
            row=row,
            test=hit.name,
            because=hit.because,
        )
    return record
