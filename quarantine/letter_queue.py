"""Letters that are to be sent: each taken by one process at a time, tried again for some hours, never sent twice.

A row that somebody tries is put off first, so that others leave it alone, and so that it is tried again should its
process die. From just before its end was sent it is not: rather no letter than two.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Table, select, update

from tamis.quarantine.rows import now, storable
from tamis.quarantine.store import Store

_LEASE: Final = timedelta(minutes=10)
_PAUSE: Final = timedelta(seconds=30)
_TRIES: Final = 8
"""Spread over two hours."""
_TOGETHER: Final = 500
SENDING: Final = "sending"


@dataclass(frozen=True, slots=True)
class Due:
    """A letter to send now: its row, as it is since it was taken."""

    row: Any
    tries: int
    next_at: datetime


def fresh() -> dict[str, Any]:
    """Return the columns of a letter that is to be sent at once."""
    return {"state": SENDING, "tries": 0, "next_at": now(), "last_reply": ""}


class LetterQueue:
    """The letters of one table, whose rows `key` names. All methods raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, store: Store, table: Table, key: Column[Any]) -> None:
        self._store, self._table, self._key = store, table, key

    def due(self) -> list[Due]:
        """Take what is to be sent now."""
        moment = now()
        ready = (self._table.c.state == SENDING, self._table.c.next_at <= moment)
        taken: list[Due] = []
        with self._store.transaction() as connection:
            for row in connection.execute(select(self._table).where(*ready).limit(_TOGETHER)).all():
                one = Due(row, row.tries + 1, moment + _LEASE)
                mine = update(self._table).where(*self._is(row, row.tries, row.next_at))
                if connection.execute(mine.values(next_at=one.next_at, tries=one.tries)).rowcount:
                    taken.append(one)
        return taken

    def at_dot(self, letter: Due) -> bool:
        """Remember that it may arrive from now on; False where somebody else has it."""
        mine = update(self._table).where(*self._is(letter.row, letter.tries, letter.next_at))
        with self._store.transaction() as connection:
            return bool(connection.execute(mine.values(state="at-dot")).rowcount)

    def finish(self, connection: Connection, letter: Due, state: str, reply: str) -> None:
        """Write down what became of it: sent, refused or needless."""
        here = update(self._table).where(self._of(letter.row))
        connection.execute(here.values(state=state, last_reply=storable(reply, 255)))

    def put_off(self, letter: Due, reply: str) -> bool:
        """Have it tried again later; False where it has been tried long enough."""
        if letter.tries >= _TRIES:
            return False
        again = {"state": SENDING, "next_at": now() + _PAUSE * 2**letter.tries, "last_reply": storable(reply, 255)}
        with self._store.transaction() as connection:
            connection.execute(update(self._table).where(self._of(letter.row)).values(again))
        return True

    def _of(self, row: Any) -> ColumnElement[bool]:
        same: ColumnElement[bool] = self._key == getattr(row, self._key.name)
        return same

    def _is(self, row: Any, tries: int, next_at: datetime) -> tuple[ColumnElement[bool], ...]:
        table = self._table.c
        return self._of(row), table.state == SENDING, table.tries == tries, table.next_at == next_at
