"""What is in force in one process: the snapshot that each message is examined with, and how it is kept fresh."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from tamis.attachments.helper import Helper
from tamis.config import Config
from tamis.database import first_line
from tamis.dns.resolver import Resolver
from tamis.dns_list_tests import DnsListTests
from tamis.examination import Snapshot
from tamis.list_store import configured_entries
from tamis.lists import Lists
from tamis.model_source import ModelSource
from tamis.policy import Policies
from tamis.policy_texts import NO_TEXTS, PolicyTexts
from tamis.refusal import may_refuse_anybody
from tamis.rules.matching import Rules
from tamis.rules.shipped import shipped_rules
from tamis.rules.sources import compiled
from tamis.scanners.scanners import Scanners
from tamis.settings import enabled_lists
from tamis.site import Site
from tamis.sources import Sources

_log = logging.getLogger("tamis")
_Content = TypeVar("_Content")
_STAY: Final = "the last good ones stay"


class Current:
    """The snapshot; `snapshot` may be read by any thread, and is never changed but replaced."""

    def __init__(self, config: Config, sources: Sources, resolver: Resolver, scanners: Scanners | None) -> None:
        self._config = config
        self._shipped_rules = config.settings.rules.shipped
        self._lists = _Source(sources.lists.fresh, "lists", "there are none but those of the configuration yet")
        self._policies = _Source(sources.policies.fresh, "policies", "there are those of the configuration alone yet")
        self._directory = _Source(sources.directory.fresh, "domains and users", "there are none yet")
        self._needs_directory = sources.directory.required
        self._texts: PolicyTexts = NO_TEXTS
        self._rules = _Source(sources.rules.fresh, "rules", "the shipped ones alone are taken")
        # Where the keeper has not written any yet, row 7 says so.
        self._weights = _Source(sources.weights.fresh, "weights of senders", missing_is_said=False)
        self._files = _Source(sources.files.fresh, "known files")
        self._images = _Source(sources.images.fresh, "known images")
        self._model = ModelSource(config)
        self._refreshing = threading.Lock()
        networks = config.settings.networks
        self.snapshot = Snapshot(
            Policies(config),
            Lists(configured_entries(config)),
            None,
            frozenset(networks.decoys),
            networks.forwarders,
            Site(
                frozenset(networks.own_names),
                scanners=scanners,
                delimiters=config.settings.aliases.recipient_delimiter,
            ),
            helper=Helper(),
        )
        self.may_refuse_anybody = may_refuse_anybody(self.snapshot.policies, self.snapshot.lists)
        """Worked out where it changes: it is asked in threads of libmilter, and the lists are read by numpy."""
        self._dns_lists = DnsListTests(enabled_lists(config.settings.dnslists), resolver)
        self.refresh()

    @property
    def ready(self) -> bool:
        """Whether lists and policies have ever been read; before, those of the configuration file are all we know."""
        read = self._lists.ready and self._policies.ready
        return read and (self._directory.ready or not self._needs_directory)

    @property
    def model_written(self) -> float:
        """When the model in force was written, in seconds since 1970; 0 where there is none."""
        return self._model.written

    def refresh(self) -> None:
        """Take up what has changed, and keep the last that was good where that fails; test DNS lists that are due."""
        with self._refreshing:
            current = self.snapshot
            found: dict[str, Any] = {
                "lists": self._lists.fresh(),
                "model": self._model.fresh(current.model),
                "rules": self._fresh_rules(current),
                "weights": self._weights.fresh(),
                "known_files": self._files.fresh(),
                "images": self._images.fresh(),
            }
            texts, found["directory"] = self._policies.fresh(), self._directory.fresh()
            if texts is not None or found["directory"] is not None:
                self._texts = texts or self._texts
                found["policies"] = Policies(self._config, self._texts, found["directory"] or current.directory)
            if changed := {name: content for name, content in found.items() if content is not None}:
                self.snapshot = replace(current, **changed)
                self.may_refuse_anybody = may_refuse_anybody(self.snapshot.policies, self.snapshot.lists)
            self._dns_lists.step()
            self._take_up_dns_lists()

    def await_dns_lists(self) -> None:
        """Let the first message wait for the first tests of the DNS lists, a moment at most."""
        if self._dns_lists.first:
            with self._refreshing:
                if self._dns_lists.first:
                    self._dns_lists.wait()
                    self._take_up_dns_lists()

    def _take_up_dns_lists(self) -> None:
        """Let those DNS lists vote that behave."""
        current, good, mute = self.snapshot, self._dns_lists.good(), self._dns_lists.mute()
        if (good, mute) != (current.site.dns_lists, current.site.mute_lists):
            self.snapshot = replace(current, site=replace(current.site, dns_lists=good, mute_lists=mute))

    def _fresh_rules(self, current: Snapshot) -> Rules | None:
        rules = self._rules.fresh()
        if rules is None and current.rules is None and self._rules.failed and self._shipped_rules:
            return compiled(shipped_rules())
        return rules


class _Source(Generic[_Content]):
    """One source, and whether it could be read: what is wrong with it is said once, and that it no longer is."""

    def __init__(
        self, fresh: Callable[[], _Content | None], what: str, without: str = "", missing_is_said: bool = True
    ) -> None:
        """`without` says what is in force where nothing has been read yet, if that is worse than it sounds."""
        self._fresh = fresh
        self._what = what
        self._without = without
        self._missing_is_said = missing_is_said
        self.ready = False
        self.failed = False

    def fresh(self) -> _Content | None:
        """Return what has changed, None where nothing has or it cannot be read."""
        try:
            content = self._fresh()
        except (SQLAlchemyError, OSError, ValueError) as error:
            said, self.failed = self.failed, True
            if not said and (self._missing_is_said or not isinstance(error, FileNotFoundError)):
                instead = "" if self.ready else self._without
                level = logging.ERROR if instead else logging.WARNING
                _log.log(level, "%s not read, %s: %s", self._what, instead or _STAY, first_line(error))
            return None
        if self.failed:
            _log.info("%s read again", self._what)
        self.ready, self.failed = True, False
        return content
