"""The fields of the decision line: one line per message, with what an administrator searches for."""

from typing import Any

from tamis.authentication.header import summary
from tamis.filters.spamassassin import SPAMASSASSIN
from tamis.record import Record, Verdict, points


def fields(record: Record) -> dict[str, Any]:
    """Return the decision of a message as flat values and lists; the log's format makes them safe and prints them."""
    mail, leading = record.mail, record.leading
    found: dict[str, Any] = {
        "event": "decision",
        "queue_id": mail.queue_id,
        "id": mail.id,
        "class": mail.mail_class.value,
        "peer": str(mail.peer) if mail.peer else "",
        "rdns": mail.rdns,
        "helo": mail.helo,
        "sender": mail.sender,
        "recipients": list(mail.recipients),
        "message_id": mail.message.header("message-id") or "",
        "size": mail.message.size,
    }
    if leading:
        found |= {
            "verdict": "spam" if leading.spam else "ham",
            "action": leading.action,
            "mode": leading.mode,
            "row": _row(leading),
            "reason": leading.because,
            "score": points(leading.score),
            "level": f"{leading.level:g}",
            "tests": [f"{name}:{points(weight)}" for name, weight in leading.tests],
        }
        others = [verdict for verdict in record.verdicts if verdict is not leading and verdict.spam != leading.spam]
        if others:
            found["ham_for"] = [verdict.recipient for verdict in others]
        if record.authentication:
            found["authentication"] = summary(record.authentication)
        if record.traps:
            found["traps"] = sorted(record.traps)
    if record.refusal:
        found |= {
            "verdict": "malware",
            "action": record.refusal.action,
            "mode": record.refusal.mode,
            "row": _row(record.refusal),
            "reason": record.refusal.because,
        }
    if record.ask_again:
        found |= {"action": "later", "reason": record.ask_again}
    for hit in (hit for answer in record.answers for hit in answer.hits if hit.name == SPAMASSASSIN):
        found["spamassassin"] = hit.because
    found["abstained"] = [f"{answer.row.name}: {answer.abstained}" for answer in record.answers if answer.abstained]
    found["ms"] = round(record.milliseconds, 2)
    found["ms_rows"] = [f"{answer.row.name}:{answer.milliseconds:.2f}" for answer in record.answers]
    found["cached"] = [answer.row.name for answer in record.answers if answer.cached]
    return found


def _row(verdict: Verdict) -> str:
    return f"{verdict.row.number} {verdict.row.name}" if verdict.row else ""
