"""Where policies of the database are read: from the file that the keeper writes for workers, or from the database."""

import logging
from collections.abc import Mapping
from typing import Final, Protocol

from sqlalchemy.exc import SQLAlchemyError

from tamis.changed_file import ChangedFile
from tamis.config import Config
from tamis.database import first_line
from tamis.policy_keys import kind_of
from tamis.snapshot import StoredLists, policies_path

_log: Final = logging.getLogger("tamis")

LIST: Final = "policy"
"""The one list in that file, which is a snapshot as that of the lists (`tamis.snapshot`)."""


class PolicyTexts(Protocol):
    """What each owner has chosen, as JSON."""

    @property
    def empty(self) -> bool:
        """Whether nobody has chosen anything."""
        ...

    @property
    def addresses(self) -> bool:
        """Whether any address has chosen anything; else none need be asked for."""
        ...

    def find(self, owner: str) -> str | None:
        """Return what an owner has chosen, None where that is nothing."""
        ...


class FixedTexts:
    """What stands in memory."""

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        self._texts = texts or {}
        self.empty = not self._texts
        self.addresses = any("@" in owner for owner in self._texts)

    def find(self, owner: str) -> str | None:
        return self._texts.get(owner)


NO_TEXTS: Final = FixedTexts()


class MappedTexts:
    """What stands in the keeper's file."""

    def __init__(self, stored: StoredLists) -> None:
        self._stored = stored
        self.empty = not stored.holds(LIST)
        self.addresses = stored.has(LIST, kind_of("@"))

    def find(self, owner: str) -> str | None:
        return self._stored.source_of(LIST, kind_of(owner), owner)


class TextSource(Protocol):
    """Says what the policies are."""

    def fresh(self) -> PolicyTexts | None:
        """Return the policies, None while they are what they were. Raises SQLAlchemyError, OSError or ValueError."""
        ...


class MappedTextSource:
    """The policies as the keeper has last written them, in memory that all workers share."""

    def __init__(self, config: Config) -> None:
        self._file = ChangedFile(policies_path(config))

    def fresh(self) -> PolicyTexts | None:
        stored = self._file.fresh(StoredLists)
        return None if stored is None else MappedTexts(stored)


class DatabaseTexts:
    """The policies as they are in the database when they are asked for, and as they were last while it is away.

    For commands, which look at few messages.
    """

    empty = False
    """Not known, which is the same to those who ask."""
    addresses = True

    def __init__(self, config: Config) -> None:
        from tamis.policy_store import PolicyStore

        self._store = PolicyStore(config.database_url)
        self._version = -1
        self._known: dict[str, str | None] = {}

    def fresh(self) -> PolicyTexts | None:
        version = self._store.version()
        if version == self._version:
            return None
        self._version = version
        return self

    def find(self, owner: str) -> str | None:
        try:
            self._known[owner] = self._store.text(owner)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("policies not read, the last good ones stay: %s", first_line(error))
        return self._known.get(owner)
