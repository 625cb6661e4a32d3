"""The trace of how a message came, as a field of ours."""

from email.utils import format_datetime

from tamis.headers import sanitise
from tamis.mail import Mail


def received(mail: Mail, mta: str) -> str:
    """Return the trace of how the message came, which the MTA's own copy of it carries (RFC 5321, section 4.4)."""
    peer = f"[{mail.peer}]" if mail.peer else "unknown"
    helo = sanitise(mail.helo, 255) or "unknown"
    rdns = sanitise(mail.rdns, 255) or "unknown"
    by = sanitise(mta, 255) or "localhost"
    queue_id = sanitise(mail.queue_id, 64) or mail.id
    return (
        f"from {_word(helo)} ({_word(rdns)} {peer})\n\tby {_word(by)} (Tamis {mail.id}) with SMTP id {_word(queue_id)};"
        f"\n\t{format_datetime(mail.now)}"
    )


def _word(text: str) -> str:
    """Wire data without what has a meaning in a Received: field."""
    return "".join("?" if letter in ' ()\\";,<>' else letter for letter in text)
