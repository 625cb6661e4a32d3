"""The engine of one process: the current snapshot, and the examination of each message with it."""

import importlib
import logging
import os
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from tamis import limits
from tamis.ahead import declared
from tamis.answers import Answers
from tamis.authentication import domains
from tamis.config import Config
from tamis.consequences import Consequences
from tamis.contract import Stage
from tamis.database import first_line, open_database
from tamis.destinations import Destinations
from tamis.disposition import Disposition, dispose
from tamis.dns.resolver import Resolver
from tamis.dns.servers import addresses
from tamis.dns.shared import Shared
from tamis.dns_list_tests import DnsListTests
from tamis.examination import FILTERS, Examination, Snapshot
from tamis.filters.order import ORDER
from tamis.images.client import Readers, SocketReaders
from tamis.images.known import KnownImages, known_path
from tamis.images.own_pool import OwnReaders
from tamis.images.pool_process import socket_path
from tamis.images.sources import DatabaseImages, ImageSource, MappedImages
from tamis.list_sources import DatabaseLists, ListSource, SnapshotLists
from tamis.list_store import configured_entries
from tamis.lists import Lists
from tamis.mail import Mail, MailClass
from tamis.models.bayes import Model
from tamis.models.storage import SHIPPED_MODEL
from tamis.policy import Policies
from tamis.record import Record, Refusal
from tamis.redis_client import RedisClient
from tamis.refusal import examine_outgoing, refused_for_now
from tamis.rules import sources as rule_sources
from tamis.rules.matching import Rules
from tamis.rules.shipped import shipped_rules
from tamis.settings import enabled_lists
from tamis.shared_state import shared_state
from tamis.site import Site

_log = logging.getLogger("tamis")

_STORED_AT_ONCE: Final = 50
"""So many answers of the DNS are stored with the message that brought the last of them; fewer wait for a refresh."""

_STAGES: Final = list(Stage)
"""In the order in which a mail gets known."""

_Stamp = tuple[str, int, int, int]
_models: dict[_Stamp, Model] = {}
"""Models loaded before fork, so that the workers share their memory."""


def model_path(config: Config) -> Path:
    """Return the model in force: the site's own where there is one that may be read, else the shipped one."""
    return config.site_model if os.access(config.site_model, os.R_OK) else SHIPPED_MODEL


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return (str(path), status.st_ino, status.st_mtime_ns, status.st_size)


def preload(config: Config) -> None:
    """Load the model, the rules, the public suffixes, pyspf and the database's driver; the workers share them.

    A site's model that cannot be used is said in the log. Raises only where not even the shipped one can be read.
    """
    domains.load()
    with suppress(SQLAlchemyError):
        open_database(config.database_url)
    importlib.import_module("tamis.spf_query")
    rule_sources.preload(config)
    path = model_path(config)
    try:
        stamp = _stamp(path)
        model = _models.get(stamp) or Model.load(path)
    except (OSError, ValueError) as error:
        if _models:
            _log.error("model not read, the last good one stays: %s", error)
            return
        if path == SHIPPED_MODEL:
            raise
        # Damaged, or of the Tamis before an upgrade: mail must go on being filtered.
        _log.error("the site's model is not read, the shipped one is taken: %s", error)
        stamp, model = _stamp(SHIPPED_MODEL), Model.load(SHIPPED_MODEL)
    else:
        if path == SHIPPED_MODEL and _is_there(config.site_model):
            _log.error("the site's model may not be read, the shipped one is taken: %s", config.site_model)
    _models.clear()
    _models[stamp] = model


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True


class Engine:
    """Examines mail. Create it after fork; `examine` may be called from any number of threads."""

    def __init__(
        self,
        config: Config,
        redis_url: str = "",
        lists: ListSource | None = None,
        network: bool = True,
        rules: rule_sources.RuleSource | None = None,
        images: ImageSource | None = None,
        readers: Readers | None = None,
    ) -> None:
        """Without `network` the DNS is not asked. Without `readers` it has its own, started with the first image."""
        self.config = config
        settings = config.settings.redis
        redis = RedisClient(redis_url, settings.timeout_seconds)
        self._answers = Answers(redis, settings.answer_lifetime_seconds)
        self._shared = shared_state(redis, config.settings.bans.ham_days)
        self._consequences = Consequences(config.settings.bans, config.settings.networks, self._shared)
        servers = addresses(config.settings.dns.servers) if network else []
        self._resolver = Resolver(
            servers, config.settings.dns.timeout_seconds, config.settings.dns.attempts, Shared(redis, servers)
        )
        self._policies = Policies(config)
        self._destinations = Destinations(config.settings.aliases)
        self._lists = lists or DatabaseLists(config)
        self._images = images or DatabaseImages(config.database_url)
        self._images_failed = False
        self._readers = readers or OwnReaders(config.settings.images)
        self._lists_failed = False
        self._rules = rules or rule_sources.RuleFiles(config)
        self._rules_failed = ""
        self._ready = False
        self._model_stamp: _Stamp | None = None
        self._bad_model: _Stamp | None = None
        self._refreshing = threading.Lock()
        self._snapshot = Snapshot(
            self._policies,
            Lists(configured_entries(config)),
            None,
            frozenset(config.settings.networks.decoys),
            config.settings.networks.forwarders,
            Site(frozenset(config.settings.networks.own_names)),
        )
        self._dns_lists = DnsListTests(enabled_lists(config.settings.dnslists), self._resolver)
        self._refresh_snapshot()

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    @property
    def ready(self) -> bool:
        """Whether lists have ever been read; before, those of the configuration file are all that is known."""
        return self._ready

    def refresh(self) -> None:
        """Take up changed lists, rules, a changed model and bans; keep the last good ones where that fails.

        And test DNS lists when that is due, and store what the DNS has answered lately, for other workers.
        """
        self._resolver.flush()
        self._refresh_snapshot()
        self._consequences.refresh(datetime.now(UTC))

    def _refresh_snapshot(self) -> None:
        with self._refreshing:
            lists, model = self._fresh_lists(), self._fresh_model()
            rules, images = self._fresh_rules(), self._fresh_images()
            if any(fresh is not None for fresh in (lists, model, rules, images)):
                current = self._snapshot
                self._snapshot = replace(
                    current,
                    lists=lists or current.lists,
                    model=model or current.model,
                    rules=current.rules if rules is None else rules,
                    images=current.images if images is None else images,
                )
            self._dns_lists.step()
            self._take_up_dns_lists()

    def _take_up_dns_lists(self) -> None:
        """Let those DNS lists vote that behave."""
        current, good = self._snapshot, self._dns_lists.good()
        mute = self._dns_lists.mute()
        if (good, mute) != (current.site.dns_lists, current.site.mute_lists):
            self._snapshot = replace(current, site=replace(current.site, dns_lists=good, mute_lists=mute))

    def _await_dns_lists(self) -> None:
        """Let the first message wait for the first tests of the DNS lists, a moment at most."""
        with self._refreshing:
            if self._dns_lists.first:
                self._dns_lists.wait()
                self._take_up_dns_lists()

    def _fresh_lists(self) -> Lists | None:
        try:
            lists = self._lists.fresh()
        except (SQLAlchemyError, OSError, ValueError) as error:
            if not self._lists_failed:
                say = "the last good ones stay" if self._ready else "there are none but those of the configuration yet"
                _log.log(
                    logging.WARNING if self._ready else logging.ERROR, "lists not read, %s: %s", say, first_line(error)
                )
            self._lists_failed = True
            return None
        self._lists_failed = False
        self._ready = True
        return lists

    def _fresh_images(self) -> KnownImages | None:
        try:
            images = self._images.fresh()
        except (SQLAlchemyError, OSError, ValueError) as error:
            if not self._images_failed:
                _log.warning("known images not read, the last good ones stay: %s", first_line(error))
            self._images_failed = True
            return None
        self._images_failed = False
        return images

    def _fresh_model(self) -> Model | None:
        stamp: _Stamp | None = None
        try:
            path = model_path(self.config)
            stamp = _stamp(path)
            if stamp in (self._model_stamp, self._bad_model):
                return None
            model = _models.get(stamp) or Model.load(path)
        except (OSError, ValueError) as error:
            _log.error("model not read, the last good one stays: %s", error)
            self._bad_model = stamp
            return None if self._snapshot.model else next(iter(_models.values()), None)
        self._model_stamp = stamp
        return model

    def _fresh_rules(self) -> Rules | None:
        try:
            rules = self._rules.fresh()
        except (OSError, ValueError) as error:
            if str(error) != self._rules_failed:
                say = "the last good ones stay" if self._snapshot.rules else "the shipped ones alone are taken"
                _log.error("rules not read, %s: %s", say, first_line(error))
            self._rules_failed = str(error)
            if self._snapshot.rules is None and self.config.settings.rules.shipped:
                return rule_sources.compiled(shipped_rules())
            return None
        if rules is not None:
            self._rules_failed = ""
        return rules

    def prefetch(self, mail: Mail, stage: Stage) -> None:
        """Send the questions to the DNS that can be asked of what is known of a mail by this stage.

        Returns without waiting for answers, after at most one round trip to Redis. For inbound mail, at connection,
        sender and recipient; `examine` sends the rest. While no recipient is known, the default policy's rows ask.
        What is not sent here is only asked later.
        """
        if mail.mail_class is MailClass.OUTGOING:
            return
        policies = [self._policies.for_recipient(recipient) for recipient in mail.recipients]
        reached = _STAGES[: _STAGES.index(stage) + 1]
        asked = {
            (row.name, policy.options[row.name]): (FILTERS[row.name], policy.options[row.name])
            for policy in policies or [self._policies.for_domain("")]
            for row in ORDER
            if row.filter and row.filter.stage in reached and policy.enabled[row.name]
        }
        self._resolver.ask(islice(declared(mail, asked.values(), self._snapshot.site), limits.DNS_QUESTIONS))

    def examine(self, mail: Mail) -> Record:
        """Return what is to be said of a message; outgoing mail gets no verdicts and no header (SPEC, section 0)."""
        if mail.mail_class is MailClass.OUTGOING:
            record = examine_outgoing(mail, self._snapshot, self._answers, self._shared, self._resolver)
        else:
            if self._dns_lists.first:
                self._await_dns_lists()
            snapshot = self._snapshot
            record = Examination(
                mail, snapshot, self._answers, self._shared, resolver=self._resolver, readers=self._readers
            ).run()
            self._follow(record, snapshot)
        self._resolver.flush(_STORED_AT_ONCE)
        return record

    def _follow(self, record: Record, snapshot: Snapshot) -> None:
        try:
            self._consequences.follow(record, snapshot)
        except Exception:  # The verdict is found, and nothing that is counted is worth a message.
            _log.exception("what a message brought is not counted", extra={"fields": {"id": record.mail.id}})

    def dispose(self, record: Record) -> Disposition:
        """Return what becomes of each recipient's copy."""
        return dispose(record, self.config.settings.headers, self._destinations.find_all)

    def refusal(self, mail: Mail, recipient: str) -> Refusal | None:
        """Return why one recipient is refused for the moment, asked at RCPT; None where they are not.

        Of outgoing mail the peer is ours, and behind a trusted relay it is not known before the header.
        """
        if mail.mail_class is not MailClass.INBOUND:
            return None
        return refused_for_now(mail, recipient, self._snapshot, self._answers, self._shared, self._resolver)


def worker_engine(config: Config, redis_url: str) -> Engine:
    """Return the engine of a worker: lists, rules and known images are those that the keeper writes for all of them."""
    return Engine(
        config,
        redis_url,
        SnapshotLists(config),
        rules=rule_sources.KeptRules(config),
        images=MappedImages(known_path(config.state_directory)),
        readers=SocketReaders(socket_path(config)),
    )
