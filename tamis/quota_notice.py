"""The message that tells a mailbox that it is nearly full, with hints; once in 24 hours (SPEC, section 3)."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from secrets import token_hex
from typing import Final

from sqlalchemy import delete, insert, select, update

from tamis.addresses import domain_of
from tamis.list_store import ListStore
from tamis.policy_tables import QUOTA_NOTICE
from tamis.translations import catalogue

_EVERY: Final = timedelta(hours=24)
_VERSION_NAME: Final = "quota notices"


def quota_notice(user: str, percent: int, junk: str, language: str, sender: str, now: datetime) -> bytes:
    """Return the message for a mailbox; `sender` is its From, empty for the postmaster of the mailbox's domain."""
    texts = catalogue(language)
    _ = texts.gettext
    sender = sender or f"postmaster@{domain_of(user)}"
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = user if user.isascii() else "undisclosed-recipients:;"
    mail["Subject"] = _("Your mailbox is nearly full")
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{token_hex(16)}@{domain_of(sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = texts.language
    hints = [
        _("Empty the trash: what you have deleted still takes room there."),
        _("Empty the folder %(folder)s: it holds mail that was taken for spam.") % {"folder": junk},
        _("Sort your mail by size, and delete the largest messages, or save their attachments elsewhere."),
        _("Look into the folder of sent mail: it keeps a copy of every attachment that you have sent."),
        _("Move old mail into folders on your own computer."),
    ]
    lines = [
        _("Hello,"),
        "",
        _("Your mailbox %(mailbox)s is full to %(percent)s %%.") % {"mailbox": user, "percent": percent},
        _("When it is full, no new mail can get in, and its senders are told so."),
        "",
        _("What you can do:"),
        "",
        *(f"- {hint}" for hint in hints),
        "",
        _("This message comes once in 24 hours, as long as there is too little room."),
    ]
    mail.set_content("\n".join(lines) + "\n", cte="quoted-printable")
    return mail.as_bytes()


class QuotaNotices:
    """Who was told, and when. A mailbox is noted before it is told: after a crash it waits rather than gets two."""

    def __init__(self, url: str) -> None:
        self._store = ListStore(url)

    def claim(self, address: str, now: datetime) -> bool:
        """Note that a mailbox is told now; False where it was told within the last 24 hours. Raises SQLAlchemyError."""
        moment = now.astimezone(UTC).replace(tzinfo=None)
        here = QUOTA_NOTICE.c.address == address
        with self._store.change(_VERSION_NAME) as connection:
            last = connection.execute(select(QUOTA_NOTICE.c.at).where(here)).scalar()
            if last is not None and moment < last + _EVERY:
                connection.rollback()
                return False
            if last is None:
                connection.execute(insert(QUOTA_NOTICE).values(address=address, at=moment))
            else:
                connection.execute(update(QUOTA_NOTICE).where(here).values(at=moment))
        return True

    def take_back(self, address: str) -> None:
        """Note that it could not be told after all. Raises SQLAlchemyError."""
        with self._store.change(_VERSION_NAME) as connection:
            connection.execute(delete(QUOTA_NOTICE).where(QUOTA_NOTICE.c.address == address))
