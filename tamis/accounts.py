"""Accounts of administrators, their visits, and the mailboxes that administrators of a domain do not see."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update

from tamis.addresses import normalise_address
from tamis.console_tables import ACCOUNT, LOCKED, VISIT
from tamis.list_store import ListStore
from tamis.lists import recipient_domain

LEAST_LETTERS: Final = 12
"""Of a password. More says more than digits and signs do (NIST SP 800-63B)."""
_MOST_LETTERS: Final = 1000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
VISIT_LENGTH: Final = timedelta(hours=10)
TOKEN_PREFIX: Final = "tamis_"
"""Begins what programs say, and no cookie: what is meant for the one is worth nothing as the other."""
_WHAT: Final = "accounts"


class Role(StrEnum):
    """What an account may see and change."""

    PLATFORM = "platform"
    DOMAIN = "domain"
    """Its own domains alone, and in them no locked mailbox."""
    AUDITOR = "auditor"
    """Sees all, changes nothing."""


class BadAccount(ValueError):
    """A name, password or role that cannot be; the text is one clear line."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account. `domains` are those of the role domain, normalised."""

    name: str
    role: Role
    domains: tuple[str, ...] = ()
    disabled: bool = False

    @property
    def changes(self) -> bool:
        """Whether it may change anything."""
        return self.role is not Role.AUDITOR

    @property
    def sees(self) -> tuple[str, ...] | None:
        """The recipient domains that it sees; None for all."""
        return self.domains if self.role is Role.DOMAIN else None

    def sees_domain(self, domain: str) -> bool:
        return self.sees is None or domain in self.sees


class Accounts:
    """The tables of accounts. Reading never makes them; the first change does."""

    def __init__(self, url: str) -> None:
        self._store = ListStore(url)

    def add(self, name: str, password: str, role: Role, domains: Sequence[str], by: str) -> Account:
        """Make an account. Raises `BadAccount`, or `tamis.lists.BadEntry` for what is no domain."""
        normalised = tuple(sorted({recipient_domain(domain) for domain in domains}))
        if not _NAME.fullmatch(name):
            raise BadAccount(f"{name!r} is no name: letters a to z, digits, and . _ @ - after the first")
        if bool(normalised) != (role is Role.DOMAIN):
            raise BadAccount("the role domain needs domains, and no other has any")
        hashed = _hashed(password)
        with self._store.change(_WHAT) as connection:
            if connection.execute(select(ACCOUNT.c.name).where(ACCOUNT.c.name == name)).first():
                raise BadAccount(f"there is an account {name!r} already")
            values = {"name": name, "password": hashed, "role": role.value, "domains": " ".join(normalised)}
            connection.execute(insert(ACCOUNT).values(**values, disabled=False, made_at=_now(), made_by=by))
        return Account(name, role, normalised)

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password, and end its visits. Raises `BadAccount`."""
        self._change(name, password=_hashed(password))

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Let nobody in by an account, or again; ends its visits. Raises `BadAccount`."""
        self._change(name, disabled=disabled)

    def remove(self, name: str) -> None:
        """Raises `BadAccount` where there is none."""
        with self._store.change(_WHAT) as connection:
            if not connection.execute(delete(ACCOUNT).where(ACCOUNT.c.name == name)).rowcount:
                raise BadAccount(f"there is no account {name!r}")
            connection.execute(delete(VISIT).where(VISIT.c.account == name))

    def _change(self, name: str, **values: Any) -> None:
        with self._store.change(_WHAT) as connection:
            if not connection.execute(update(ACCOUNT).where(ACCOUNT.c.name == name).values(**values)).rowcount:
                raise BadAccount(f"there is no account {name!r}")
            connection.execute(delete(VISIT).where(VISIT.c.account == name))

    def all(self) -> list[Account]:
        """Return the accounts by name."""
        return [_account(row) for row in self._rows(select(ACCOUNT).order_by(ACCOUNT.c.name))]

    def check(self, name: str, password: str) -> Account | None:
        """Return the account whose name and password these are. It takes as long where there is none."""
        rows = self._rows(select(ACCOUNT).where(ACCOUNT.c.name == name.strip().lower()[:64]))
        good = _is_password(rows[0].password if rows else _nobodys(), password[:_MOST_LETTERS])
        return _account(rows[0]) if rows and good and not rows[0].disabled else None

    def begin_visit(self, account: Account) -> str:
        """Return what the cookie of a new visit says."""
        token = secrets.token_urlsafe(32)
        now = _now()
        with self._store.change(_WHAT) as connection:
            connection.execute(delete(VISIT).where(VISIT.c.ends_at <= now))
            values = {"digest": _digest(token), "account": account.name}
            connection.execute(insert(VISIT).values(**values, began_at=now, ends_at=now + VISIT_LENGTH))
        return token

    def make_token(self, name: str, days: int) -> str:
        """Return a token for programs, which ends as visits do: in time, or when the password changes.

        Raises `BadAccount` where there is no such account.
        """
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        now = _now()
        with self._store.change(_WHAT) as connection:
            if not connection.execute(select(ACCOUNT.c.name).where(ACCOUNT.c.name == name)).first():
                raise BadAccount(f"there is no account {name!r}")
            values = {"digest": _digest(token), "account": name}
            connection.execute(insert(VISIT).values(**values, began_at=now, ends_at=now + timedelta(days=days)))
        return token

    def bearer(self, token: str) -> Account | None:
        """Return whose token it is, None where it has ended or never was one."""
        return self._of(token) if token.startswith(TOKEN_PREFIX) else None

    def visitor(self, token: str) -> Account | None:
        """Return whose visit it is, None where it has ended or never was one."""
        return self._of(token) if token and not token.startswith(TOKEN_PREFIX) else None

    def _of(self, token: str) -> Account | None:
        query = select(ACCOUNT).join(VISIT, VISIT.c.account == ACCOUNT.c.name)
        rows = self._rows(query.where(VISIT.c.digest == _digest(token), VISIT.c.ends_at > _now(), ~ACCOUNT.c.disabled))
        return _account(rows[0]) if rows else None

    def end_visit(self, token: str) -> None:
        with self._store.change(_WHAT) as connection:
            connection.execute(delete(VISIT).where(VISIT.c.digest == _digest(token)))

    def lock(self, address: str, by: str) -> str:
        """Hide a mailbox from administrators of its domain; return its address, normalised."""
        normalised = normalise_address(address)[:320]
        if "@" not in normalised:
            raise BadAccount(f"{address!r} is no address")
        with self._store.change(_WHAT) as connection:
            connection.execute(delete(LOCKED).where(LOCKED.c.address == normalised))
            connection.execute(insert(LOCKED).values(address=normalised, locked_at=_now(), locked_by=by))
        return normalised

    def unlock(self, address: str) -> bool:
        """Show it again; return whether it was hidden."""
        with self._store.change(_WHAT) as connection:
            return bool(
                connection.execute(delete(LOCKED).where(LOCKED.c.address == normalise_address(address))).rowcount
            )

    def locked(self) -> frozenset[str]:
        """Return the addresses that administrators of domains do not see."""
        return frozenset(row.address for row in self._rows(select(LOCKED.c.address)))

    def none_yet(self) -> bool:
        return not any(row[0] for row in self._rows(select(func.count()).select_from(ACCOUNT)))

    def _rows(self, query: Any) -> Sequence[Any]:
        with self._store.read() as connection:
            if connection is None or not connection.dialect.has_table(connection, ACCOUNT.name):
                return []
            return connection.execute(query).all()


def _account(row: Any) -> Account:
    return Account(row.name, Role(row.role), tuple(row.domains.split()), bool(row.disabled))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _digest(token: str) -> str:
    return blake2b(token.encode("utf-8", "backslashreplace"), digest_size=32).hexdigest()


def _hashed(password: str) -> str:
    if len(password) < LEAST_LETTERS:
        raise BadAccount(f"a password has at least {LEAST_LETTERS} letters")
    if len(password) > _MOST_LETTERS:
        raise BadAccount(f"a password has at most {_MOST_LETTERS} letters")
    return str(_hasher().hash(password))


def _is_password(hashed: str, password: str) -> bool:
    from argon2.exceptions import Argon2Error, InvalidHashError

    try:
        return bool(_hasher().verify(hashed, password))
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False


@cache
def _hasher() -> Any:
    from argon2 import PasswordHasher

    # argon2id with 19 MiB and two passes (OWASP): a hundred people may log in at once.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobodys() -> str:
    return str(_hasher().hash(secrets.token_urlsafe(16)))
