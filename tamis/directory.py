"""Which domains and addresses are ours, by whose name they write, and which named policy is theirs.

That is kept elsewhere already: in the SQL database of the mail server, or in Postfix's tables. The keeper reads the
first into a file that workers map (`tamis.directory_task`); tables are asked by `postmap`, and answers are remembered.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from tamis import limits
from tamis.changed_file import ChangedFile
from tamis.config import Config
from tamis.phishing.brands import words
from tamis.phishing.confusables import look
from tamis.policy_keys import is_name, kind_of
from tamis.postmap import MapFailed, ask, is_key
from tamis.settings import DirectorySection
from tamis.snapshot import StoredLists, directory_path

_log: Final = logging.getLogger("tamis")

DOMAIN: Final = "domain"
USER: Final = "user"
PERSON: Final = "person"
POLICY: Final = "policy"
LISTS: Final = frozenset({DOMAIN, USER, PERSON, POLICY})
"""What is in the keeper's file, as lists of a snapshot (`tamis.snapshot`)."""


def person_key(name: str) -> str:
    """Return a display name as it looks, however it is written; empty for one of fewer than two words.

    One word alone is the name of too many.
    """
    said = sorted(map(look, words(name)))
    return " ".join(said) if len(said) > 1 else ""


class Directory:
    """What is known. Any thread may ask."""

    def __init__(self, stored: StoredLists | None = None, maps: "PolicyMaps | None" = None) -> None:
        self._stored = stored
        self._maps = maps
        self.addresses = maps is not None or (stored is not None and stored.has(POLICY, kind_of("@")))
        """Whether any address may have a named policy."""
        self.changing = maps is not None
        """Whether answers change while this object stays."""

    def policy_of(self, owner: str) -> str:
        """Return the name of the policy of a domain or an address, empty where it has none."""
        found = self._stored.source_of(POLICY, kind_of(owner), owner) if self._stored else None
        if found is None and self._maps is not None:
            return self._maps.policy_of(owner)
        return found or ""

    def is_domain(self, domain: str) -> bool:
        """Whether a normalised domain is ours."""
        return self._stored is not None and self._stored.source_of(DOMAIN, "", domain) is not None

    def user_name(self, address: str) -> str | None:
        """Return the display name of a user's normalised address, None where there is no such user."""
        return self._stored.source_of(USER, "", address) if self._stored else None

    def users(self) -> Iterator[str]:
        """Yield the address of every user that is known, in no order."""
        yield from self._stored.values(USER) if self._stored else ()

    def has_person(self, domain: str, name: str) -> bool:
        """Whether somebody of a domain is called so."""
        key = person_key(name) if self._stored else ""
        return bool(key) and self._stored is not None and self._stored.source_of(PERSON, domain, key) is not None


NO_DIRECTORY: Final = Directory()


class PolicyMaps:
    """The tables of ``policy_maps``, asked for a domain or an address, and what they said lately."""

    def __init__(self, settings: DirectorySection, program: str) -> None:
        self._tables = settings.policy_maps
        self._program = program
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._rests_until = 0.0
        self._failing = False

    def policy_of(self, owner: str) -> str:
        """Return the name that the first table with an entry says; while a table fails, what was said last."""
        now = time.monotonic()
        with self._lock:
            since, name = self._known.get(owner, (None, ""))
            if (since is not None and now < since + limits.DIRECTORY_SECONDS) or now < self._rests_until:
                return name
        if not is_key(owner):
            return ""
        try:
            name = self._ask(owner)
        except MapFailed as error:
            self._failed(error)
            return name
        with self._lock:
            self._failing = False
            self._known[owner] = now, name
            self._known.move_to_end(owner)
            if len(self._known) > limits.DIRECTORY_REMEMBERED:
                self._known.popitem(last=False)
        return name

    def _ask(self, owner: str) -> str:
        deadline = time.monotonic() + limits.DIRECTORY_ASK_SECONDS
        for table in self._tables:
            found = ask(self._program, table, [owner], deadline - time.monotonic()).get(owner)
            if found is not None:
                if is_name(found.strip()):
                    return found.strip()
                raise MapFailed(f"{table}: an entry that is no name of a policy")
        return ""

    def _failed(self, error: MapFailed) -> None:
        with self._lock:
            said, self._failing = self._failing, True
            self._rests_until = time.monotonic() + limits.DIRECTORY_REST_SECONDS
        if not said:
            _log.warning("named policies are not asked for, the last answers stay: %s", error)


class DirectorySource:
    """What the keeper has last written, and the tables. `required`: whether nobody can be served without the file."""

    def __init__(self, config: Config) -> None:
        section = config.settings.directory
        self._file = ChangedFile(directory_path(config))
        self.required = bool(section.url)
        self._maps = PolicyMaps(section, config.settings.aliases.postmap) if section.policy_maps else None
        self._first = True

    def fresh(self) -> Directory | None:
        """Return what is known, None while it is what it was. Raises OSError or ValueError."""
        if not self.required:
            first, self._first = self._first, False
            return Directory(None, self._maps) if first else None
        stored = self._file.fresh(StoredLists)
        return None if stored is None else Directory(stored, self._maps)
