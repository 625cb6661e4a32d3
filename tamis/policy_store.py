"""Policies in the database: set, unset, listed, and every change with who and when.

Everybody who changes policies does it here: `tamis policy`, and pages. `tamis.policy_view` says what is effective.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from tamis import limits, schema
from tamis.config import Config
from tamis.list_rows import storable
from tamis.list_store import ListStore
from tamis.policy_keys import (
    NAMED,
    OFF_CONFIRMED,
    OFF_KEY,
    OFF_WARNING,
    BadPolicy,
    checked,
    domain_of_owner,
    kind_of,
    shown,
)
from tamis.policy_tables import POLICY, POLICY_EVENT
from tamis.policy_texts import LIST
from tamis.snapshot import policies_path
from tamis.snapshot_task import SnapshotTask
from tamis.snapshot_writer import Row as SnapshotRow

VERSION_NAME: Final = "policies"
_AT_ONCE: Final = 5000


class NeedsConfirmation(BadPolicy):
    """A change that somebody has to confirm who has read the text."""


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """What one owner has chosen, by full keys, and who changed it last. Times are UTC."""

    owner: str
    chosen: Mapping[str, Any]
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyEvent:
    """One change of one key; None for what was, or is, not set."""

    id: int
    owner: str
    key: str
    at: datetime
    by: str
    old: Any
    new: Any
    note: str


class PolicyStore:
    """The policies in the database of the lists. Reading never makes the tables; the first change does.

    Owners are in their one spelling (`tamis.policy_keys.owner`), keys are full names. All raise SQLAlchemyError.
    """

    def __init__(self, url: str) -> None:
        self._store = ListStore(url)

    # --- changing

    def set(
        self, owner: str, values: Mapping[str, Any], by: str, note: str = "", confirmed: bool = False
    ) -> list[PolicyEvent]:
        """Set some keys, all or none; return what has changed by it.

        Raises `BadPolicy` for what no policy can have, `NeedsConfirmation` where `confirmed` must say that somebody has
        read the warning: for switching row 26 off.
        """
        new = {key: checked(key, value) for key, value in values.items()}
        if NAMED in new and kind_of(owner) not in (".", "@"):
            raise BadPolicy(f"{NAMED}: only a domain or an address refers to a policy that has a name")
        if new.get(OFF_KEY) is False and not new.get(OFF_CONFIRMED):
            if not confirmed:
                raise NeedsConfirmation(OFF_WARNING)
            new[OFF_CONFIRMED] = True
        return self._change(owner, lambda old: {**old, **new}, by, note)

    def unset(self, owner: str, keys: Iterable[str] | None, by: str, note: str = "") -> list[PolicyEvent]:
        """Forget what was chosen for some keys, for all with None; return what has changed by it."""
        with self._reading() as connection:
            if connection is None:
                return []
        gone = None if keys is None else set(keys)
        return self._change(owner, lambda old: {} if gone is None else _without(old, gone), by, note)

    def _change(self, owner: str, change: Any, by: str, note: str) -> list[PolicyEvent]:
        with self._store.change(VERSION_NAME) as connection:
            here = POLICY.c.owner == owner
            stored = connection.execute(select(POLICY.c.chosen).where(here)).scalar()
            old: dict[str, Any] = msgspec.json.decode(stored) if stored else {}
            new: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(change(old)))
            differing = [key for key in sorted({**old, **new}) if _json(old, key) != _json(new, key)]
            if not differing:
                connection.rollback()
                return []
            text = msgspec.json.encode(dict(sorted(new.items()))).decode()
            if len(text) > limits.POLICY_CHARS:
                raise BadPolicy(f"{shown(owner)}: more than {limits.POLICY_CHARS} characters of policy")
            now = datetime.now(UTC).replace(tzinfo=None)
            who = {"owner": owner, "domain": domain_of_owner(owner)}
            if not new:
                connection.execute(delete(POLICY).where(here))
            else:
                row = {"chosen": text, "changed_by": storable(by), "changed_at": now}
                if not connection.execute(update(POLICY).where(here).values(row)).rowcount:
                    connection.execute(insert(POLICY).values(**who, **row))
            found = []
            for key in differing:
                event = {
                    **who, "key": key, "at": now, "by": storable(by), "note": storable(note),
                    "old": _json(old, key), "new": _json(new, key),
                }  # fmt: skip
                number = connection.execute(insert(POLICY_EVENT).values(event)).inserted_primary_key
                assert number is not None
                found.append(
                    PolicyEvent(number[0], owner, key, now.replace(tzinfo=UTC), by, old.get(key), new.get(key), note)
                )
        return found

    # --- reading

    def chosen(self, owner: str) -> dict[str, Any]:
        """Return what an owner has chosen, by full keys."""
        text = self.text(owner)
        found: dict[str, Any] = msgspec.json.decode(text) if text else {}
        return found

    def text(self, owner: str) -> str | None:
        """The same as JSON, None for nothing."""
        with self._reading() as connection:
            if connection is None:
                return None
            found = connection.execute(select(POLICY.c.chosen).where(POLICY.c.owner == owner)).scalar()
        return None if found is None else str(found)

    def stored(
        self, domain: str | None = None, part: str = "", after: str | None = None, limit: int = 1000
    ) -> list[StoredPolicy]:
        """Return who has chosen something, by owner: a domain's and its addresses', or those with a part of that text.

        `after`: the last owner of the page before.
        """
        query = select(POLICY).order_by(POLICY.c.owner).limit(limit)
        if domain is not None:
            query = query.where(POLICY.c.domain == domain)
        if part:
            query = query.where(POLICY.c.owner.contains(part, autoescape=True))
        if after is not None:
            query = query.where(POLICY.c.owner > after)
        with self._reading() as connection:
            rows = connection.execute(query).all() if connection else []
        return [
            StoredPolicy(row.owner, msgspec.json.decode(row.chosen), row.changed_by, row.changed_at.replace(tzinfo=UTC))
            for row in rows
        ]

    def history(
        self, owner: str | None = None, domain: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[PolicyEvent]:
        """Return changes, the latest first: of one owner, or of a domain and its addresses, or all.

        `before`: the number of the last event of the page before.
        """
        query = select(POLICY_EVENT).order_by(POLICY_EVENT.c.id.desc()).limit(limit)
        if owner is not None:
            query = query.where(POLICY_EVENT.c.owner == owner)
        if domain is not None:
            query = query.where(POLICY_EVENT.c.domain == domain)
        if before is not None:
            query = query.where(POLICY_EVENT.c.id < before)
        with self._reading() as connection:
            return [_event(row) for row in connection.execute(query)] if connection else []

    def latest(self, owners: Iterable[str]) -> dict[tuple[str, str], PolicyEvent]:
        """Return the last change of each key of some owners, by owner and key."""
        wanted = POLICY_EVENT.c.owner.in_(list(owners))
        last = select(func.max(POLICY_EVENT.c.id)).where(wanted).group_by(POLICY_EVENT.c.owner, POLICY_EVENT.c.key)
        query = select(POLICY_EVENT).where(POLICY_EVENT.c.id.in_(last))
        with self._reading() as connection:
            events = [_event(row) for row in connection.execute(query)] if connection else []
        return {(event.owner, event.key): event for event in events}

    # --- for the file that workers map

    def version(self) -> int:
        """Return a number that changes whenever a policy does."""
        return self._store.version(VERSION_NAME)

    def rows(self) -> Iterator[SnapshotRow]:
        """Yield every policy as an entry of that file."""
        with self._reading() as connection:
            if connection is None:
                raise schema.SchemaError("it has no tables")
            query = select(POLICY.c.owner, POLICY.c.chosen)
            found: Any = connection.execution_options(yield_per=_AT_ONCE).execute(query)
            for owner, chosen in found:
                yield LIST, kind_of(owner), owner, chosen, None

    @contextmanager
    def _reading(self) -> Iterator[Connection | None]:
        """A connection to read by, None where there never was a policy: tables of an older Tamis know none."""
        with self._store.read() as connection:
            there = connection is not None and connection.dialect.has_table(connection, POLICY.name)
            yield connection if there else None


def _without(old: Mapping[str, Any], gone: set[str]) -> dict[str, Any]:
    """Return what is left; the confirmation goes with what it confirms."""
    if OFF_KEY in gone:
        gone = {*gone, OFF_CONFIRMED}
    return {key: value for key, value in old.items() if key not in gone}


def _json(values: Mapping[str, Any], key: str) -> str | None:
    return msgspec.json.encode(values[key]).decode() if key in values else None


def _event(row: Row[Any]) -> PolicyEvent:
    old, new = (None if text is None else msgspec.json.decode(text) for text in (row.old, row.new))
    return PolicyEvent(row.id, row.owner, row.key, row.at.replace(tzinfo=UTC), row.by, old, new, row.note)


def policies_task(config: Config) -> SnapshotTask:
    """Return the keeper's task that writes the file."""
    store = PolicyStore(config.database_url)
    return SnapshotTask(config, store, policies_path(config), {LIST}, "policies")
