"""What the keeper learns from outgoing mail (SPEC, row 7): who got it without a report of failure.

A recipient counts when no report came within a waiting time. A report that comes later takes back what was counted,
as long as the message is remembered.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Select, delete, func, insert, or_, select, update

from tamis import limits
from tamis.list_store import ListStore
from tamis.sender_weights import Event as Learned
from tamis.sent_journal import Sent, Undelivered, written
from tamis.settings import AutoWhitelist
from tamis.weight_store import Lesson, learn, unlearn
from tamis.weight_tables import SENT, UNDELIVERED

_TOGETHER: Final = 500
_LOST: Final = timedelta(minutes=10)
"""How long a report may be here before the message it is about: both come in by files of other processes."""
_BY: Final = "outgoing mail"
_LOCK: Final = "sent"
"""What is locked first: whoever settles something waits for others who do."""
_WAITING, _COUNTED, _FAILED = "waiting", "counted", "failed"


class Settling:
    """Takes up the journal, and settles what is due. One thread at a time; other machines may do it, too."""

    def __init__(self, url: str, folder: Path, settings: AutoWhitelist) -> None:
        self._store = ListStore(url)
        self._folder = folder
        self._wait = timedelta(minutes=settings.wait_minutes)
        self._remember = timedelta(days=settings.remember_days)
        self._lesson = Lesson(Learned.SENT, settings.half_life_days)

    def run(self) -> None:
        """Do all that is to be done. Raises OSError or SQLAlchemyError: what was not done is done the next time."""
        for path, events in written(self._folder):
            with self._store.change(_LOCK) as connection:
                for event in events:
                    if isinstance(event, Sent):
                        _add(connection, event)
                    else:
                        self._fail(connection, event)
            path.unlink(missing_ok=True)
        while self._is_due():
            with self._store.change(_LOCK) as connection:
                self._count(connection)

    def forget(self) -> int:
        """Forget what no report can be about any more; return the number of recipients."""
        with self._reading() as connection:
            if connection is None:
                return 0
            surplus = select(SENT.c.sent_at).order_by(SENT.c.sent_at.desc()).offset(limits.SENT_KEPT).limit(1)
            oldest = connection.execute(surplus).scalar()
        moment = datetime.now(UTC)
        past, lost = _stored(moment - self._remember), _stored(moment - _LOST)
        with self._store.change(_LOCK) as connection:
            connection.execute(delete(UNDELIVERED).where(UNDELIVERED.c.seen_at <= lost))
            return connection.execute(delete(SENT).where(SENT.c.sent_at <= max(past, oldest or past))).rowcount

    def _fail(self, connection: Connection, report: Undelivered) -> None:
        """Let those recipients not count that a report is about, and take back what has been counted."""
        keys = or_(SENT.c.message_key.in_(report.keys), SENT.c.envelope_key.in_(report.keys))
        rows = connection.execute(select(SENT).where(keys)).all()
        if not rows:
            _keep(connection, report)
        moment = datetime.now(UTC)
        named = _named(report.recipients, [row.recipient for row in rows])
        for row in rows:
            if row.recipient not in named or row.state == _FAILED:
                continue
            if row.state == _COUNTED:
                since = row.counted_at.replace(tzinfo=UTC)
                unlearn(connection, row.domain, row.recipient, self._lesson, since, _BY, moment)
            here = (SENT.c.mail_id == row.mail_id, SENT.c.recipient == row.recipient)
            connection.execute(update(SENT).where(*here).values(state=_FAILED))

    def _count(self, connection: Connection) -> None:
        """Learn from deliveries of which no report came in time."""
        moment = datetime.now(UTC)
        for row in connection.execute(self._ripe(moment).limit(_TOGETHER)).all():
            learn(connection, row.domain, row.recipient, self._lesson, _BY, moment)
            here = (SENT.c.mail_id == row.mail_id, SENT.c.recipient == row.recipient)
            connection.execute(update(SENT).where(*here).values(state=_COUNTED, counted_at=_stored(moment)))

    def _is_due(self) -> bool:
        with self._reading() as connection:
            ripe = self._ripe(datetime.now(UTC)).limit(1)
            return connection is not None and connection.execute(ripe).first() is not None

    def _ripe(self, now: datetime) -> Select[tuple[str, str, str]]:
        query = select(SENT.c.mail_id, SENT.c.recipient, SENT.c.domain).order_by(SENT.c.sent_at)
        return query.where(SENT.c.state == _WAITING, SENT.c.sent_at <= _stored(now - self._wait))

    @contextmanager
    def _reading(self) -> Iterator[Connection | None]:
        """A connection to look by, which waits for nobody; None where nothing was ever sent."""
        with self._store.read() as connection:
            there = connection is not None and connection.dialect.has_table(connection, SENT.name)
            yield connection if there else None


def _add(connection: Connection, mail: Sent) -> None:
    """Remember an outgoing message, unless it is there. A report about it may have been faster."""
    known = set(connection.execute(select(SENT.c.recipient).where(SENT.c.mail_id == mail.id)).scalars())
    keys = [key for key in (mail.message_key, mail.envelope_key) if key]
    reports = connection.execute(select(UNDELIVERED.c.recipients).where(UNDELIVERED.c.key.in_(keys))).scalars()
    failed = {one for text in reports for one in _named(json.loads(text), mail.recipients)}
    rows = [
        {
            "mail_id": mail.id,
            "recipient": recipient,
            "domain": mail.domain,
            "message_key": mail.message_key,
            "envelope_key": mail.envelope_key,
            "sent_at": _stored(datetime.fromtimestamp(mail.at, UTC)),
            "state": _FAILED if recipient in failed else _WAITING,
        }
        for recipient in mail.recipients
        if recipient not in known
    ]
    if rows:
        connection.execute(insert(SENT), rows)


def _keep(connection: Connection, report: Undelivered) -> None:
    """Remember a report whose message is not here; most are about nothing of ours, and there may be a flood of them."""
    kept = connection.execute(select(func.count()).select_from(UNDELIVERED)).scalar_one()
    known = set(connection.execute(select(UNDELIVERED.c.key).where(UNDELIVERED.c.mail_id == report.id)).scalars())
    if kept >= limits.REPORTS_KEPT:
        return
    same = {
        "mail_id": report.id,
        "recipients": json.dumps(report.recipients),
        "seen_at": _stored(datetime.fromtimestamp(report.at, UTC)),
    }
    rows = [{"key": key, **same} for key in dict.fromkeys(report.keys) if key not in known]
    if rows:
        connection.execute(insert(UNDELIVERED), rows)


def _named(said: Sequence[str], recipients: Sequence[str]) -> set[str]:
    """Return which recipients a report is about: those it names, or all where it names none of them.

    An address that a recipient is forwarded to may be all that it knows.
    """
    return set(recipients).intersection(said) or set(recipients)


def _stored(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
