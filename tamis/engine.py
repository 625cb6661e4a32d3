"""The engine of one process: the current snapshot, and the examination of each message with it."""

import importlib
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from tamis import limits
from tamis.ahead import declared
from tamis.answers import Answers
from tamis.attachments.seen import SeenFiles
from tamis.authentication import domains
from tamis.config import Config
from tamis.consequences import Consequences
from tamis.contract import Stage
from tamis.current import Current
from tamis.database import open_database
from tamis.destinations import Destinations
from tamis.disposition import Disposition, dispose
from tamis.dns.resolver import Resolver
from tamis.dns.servers import addresses
from tamis.dns.shared import Shared
from tamis.examination import FILTERS, Examination, Snapshot
from tamis.filters.antivirus_1 import FirstStage
from tamis.filters.antivirus_2 import SecondStage
from tamis.filters.order import ORDER
from tamis.history import decided
from tamis.history.journal import HistoryJournal
from tamis.history.journal import journal_folder as history_folder
from tamis.images.client import Readers, SocketReaders
from tamis.images.own_pool import OwnReaders
from tamis.images.pool_process import socket_path
from tamis.learning.itself import Itself
from tamis.learning.itself import folder_of as learned_folder
from tamis.mail import IPAddress, Mail, MailClass
from tamis.metrics.names import sample
from tamis.metrics.shared import CountsFile, metrics_folder
from tamis.metrics.tally import Tally
from tamis.model_source import preload_model
from tamis.policy import Policy
from tamis.record import Record, Refusal
from tamis.redis_client import RedisClient
from tamis.refusal import examine_outgoing, refused_for_now
from tamis.rules import sources as rule_sources
from tamis.scanners.scanners import Scanners
from tamis.scanners.unscanned import Unscanned
from tamis.sent_journal import Journal, journal_folder
from tamis.sent_mail import SentMail
from tamis.shared_state import shared_state
from tamis.sources import Sources

_log = logging.getLogger("tamis")

_STORED_AT_ONCE: Final = 50
"""So many answers of the DNS are stored with the message that brought the last of them; fewer wait for a refresh."""

_ANSWERS_AT_ONCE: Final = 100
"""The same of what filters have answered, in a worker, which is refreshed twice a second."""

_STAGE_OF: Final = {one.name: one.of_stage for one in (FirstStage, SecondStage)}

_STAGES: Final = list(Stage)
"""In the order in which a mail gets known."""


def preload(config: Config) -> None:
    """Load the model, the rules, the public suffixes, pyspf and the database's driver; the workers share them.

    Raises OSError or ValueError only where not even the shipped model can be read.
    """
    domains.load()
    with suppress(SQLAlchemyError):
        open_database(config.database_url)
    importlib.import_module("tamis.spf_query")
    rule_sources.preload(config)
    preload_model(config)


class Engine:
    """Examines mail. Create it after fork; `examine` may be called from any number of threads."""

    def __init__(
        self,
        config: Config,
        redis_url: str = "",
        sources: Sources | None = None,
        network: bool = True,
        unscanned: Unscanned | None = None,
        journal: Journal | None = None,
        readers: Readers | None = None,
        history: HistoryJournal | None = None,
        counts: CountsFile | None = None,
        answers_at_once: int = 1,
    ) -> None:
        """`answers_at_once`: fewer new answers than that are stored for other workers with the next refresh.

        `unscanned` keeps what passes while no virus scanner answers.

        Without `sources` they are the database and the files themselves; without `network` neither the DNS nor scanners
        are asked; without `journal` nothing is learned of outgoing mail. Without `readers` of images it has its own,
        started with the first image. Without `history` no decision is kept; `counts` is
        where what was counted is written.
        """
        self.config = config
        settings = config.settings.redis
        redis = RedisClient(redis_url, settings.timeout_seconds)
        self._answers = Answers(redis, settings.answer_lifetime_seconds, answers_at_once)
        self._shared = shared_state(redis, config.settings.bans.ham_days, config.settings.autowhitelist.remember_days)
        self._consequences = Consequences(config.settings.bans, config.settings.networks, self._shared)
        servers = addresses(config.settings.dns.servers) if network else []
        self._unscanned = unscanned
        self._scanners = Scanners(config.settings, redis) if network else None
        self._resolver = Resolver(
            servers, config.settings.dns.timeout_seconds, config.settings.dns.attempts, Shared(redis, servers)
        )
        self._journal = journal
        self._journal_failed = False
        self._history = history
        self._tally = Tally()
        self._counts = counts
        self._counts_failed = False
        self._redis = redis
        self._sent_mail = SentMail(self.policy_of, self._shared.sent, journal) if journal else None
        hosted = self._hosts if config.settings.directory.domains_query else None
        self._destinations = Destinations(config.settings.aliases, hosted)
        self._seen = SeenFiles(redis)
        self._itself = Itself(learned_folder(config)) if journal and config.settings.learning.itself else None
        self._readers = readers or OwnReaders(config.settings.images)
        self._current = Current(config, sources or Sources.themselves(config), self._resolver, self._scanners)

    @property
    def snapshot(self) -> Snapshot:
        return self._current.snapshot

    @property
    def ready(self) -> bool:
        """Whether lists and policies have ever been read; before, those of the configuration file are all we know."""
        return self._current.ready

    def policy_of(self, recipient: str) -> Policy:
        """Return the policy of a normalised address as it is now."""
        return self.snapshot.policies.for_recipient(recipient)

    def refresh(self) -> None:
        """Take up changed lists, rules, a changed model and bans; keep the last good ones where that fails.

        And test DNS lists when that is due, and store what the DNS has answered lately, for other workers.
        """
        self._resolver.flush()
        self._answers.flush()
        if self._scanners:
            self._scanners.refresh()
        self._current.refresh()
        self._consequences.refresh(datetime.now(UTC))
        self.keep(leaving=False)
        self._seen.flush()

    def keep(self, leaving: bool = True) -> None:
        """Write down what was seen of outgoing mail; what cannot be written now is tried again, up to a number.

        And hand what was decided to the keeper: when that is due, or where the worker is `leaving`.
        """
        if self._history is not None:
            self._history.flush(leaving)
        self._write_counts()
        try:
            if self._journal is not None:
                self._journal.flush()
            self._journal_failed = False
        except OSError as error:
            if not self._journal_failed:
                _log.error("what was seen of outgoing mail cannot be written: %s", error)
            self._journal_failed = True

    def _hosts(self, domain: str) -> bool:
        return self.snapshot.directory.is_domain(domain)

    def prefetch(self, mail: Mail, stage: Stage) -> None:
        """Send the questions to the DNS that can be asked of what is known of a mail by this stage.

        Returns without waiting for answers, after at most one round trip to Redis. For inbound mail, at connection,
        sender and recipient; `examine` sends the rest. While no recipient is known, the default policy's rows ask.
        What is not sent here is only asked later.
        """
        if mail.mail_class is MailClass.OUTGOING:
            return
        known = self.snapshot.policies
        policies = [known.for_recipient(recipient) for recipient in mail.recipients]
        reached = _STAGES[: _STAGES.index(stage) + 1]
        asked = {
            (row.name, policy.options[row.name]): (FILTERS[row.name], policy.options[row.name])
            for policy in policies or [known.for_domain("")]
            for row in ORDER
            if row.filter and row.filter.stage in reached and policy.enabled[row.name]
        }
        self._resolver.ask(islice(declared(mail, asked.values(), self.snapshot.site), limits.DNS_QUESTIONS))

    def examine(self, mail: Mail) -> Record:
        """Return what is to be said of a message; outgoing mail gets no verdicts and no header (SPEC, section 0)."""
        if mail.mail_class is MailClass.OUTGOING:
            snapshot = self.snapshot
            record = examine_outgoing(mail, snapshot, self._answers, self._shared, self._resolver)
            if not record.ask_again:
                self._note(record)
                self._note_files(record)
        else:
            self._current.await_dns_lists()
            snapshot = self.snapshot
            record = Examination(
                mail, snapshot, self._answers, self._shared, resolver=self._resolver, readers=self._readers
            ).run()
            if not record.ask_again:
                self._follow(record, snapshot)
                self._note(record)
        if not record.ask_again and not record.refusal and (rows := record.unscanned):
            self._keep_unscanned(mail, [_STAGE_OF[answer.row.name] for answer in rows])
        self._resolver.flush(_STORED_AT_ONCE)
        return record

    def _keep_unscanned(self, mail: Mail, stages: list[int]) -> None:
        try:
            if self._unscanned:
                self._unscanned.keep(mail, stages)
        except Exception:  # It has its verdict, and nothing that comes later is worth a message.
            _log.exception("what passed unscanned is not kept", extra={"fields": {"id": mail.id}})

    def _follow(self, record: Record, snapshot: Snapshot) -> None:
        try:
            self._consequences.follow(record, snapshot)
        except Exception:  # The verdict is found, and nothing that is counted is worth a message.
            _log.exception("what a message brought is not counted", extra={"fields": {"id": record.mail.id}})
        try:
            if self._itself is not None:
                self._itself.note(record)
        except Exception:
            _log.exception("what sources agree about is not learned", extra={"fields": {"id": record.mail.id}})
        self._note_files(record)

    def _note_files(self, record: Record) -> None:
        try:
            self._seen.note(record)
        except Exception:
            _log.exception("the files of a message are not counted", extra={"fields": {"id": record.mail.id}})

    def _note(self, record: Record) -> None:
        if self._sent_mail is None:
            return
        try:
            if record.mail.mail_class is MailClass.OUTGOING:
                self._sent_mail.follow_outgoing(record)
            else:
                self._sent_mail.follow_inbound(record)
        except Exception:  # As above.
            _log.exception("outgoing mail is not learned from", extra={"fields": {"id": record.mail.id}})

    def start(self) -> None:
        """Make the threads that questions take; otherwise the first question does."""
        self._resolver.start()

    def close(self) -> None:
        """End what was started for this engine alone; it may still examine, and would start that again."""
        if isinstance(self._readers, OwnReaders):
            self._readers.close()

    def dispose(self, record: Record) -> Disposition:
        """Return what becomes of each recipient's copy."""
        return dispose(record, self.config.settings.headers, self._destinations.find_all)

    def _write_counts(self) -> None:
        if self._counts is None:
            return
        model = self.snapshot.model
        counters = self._tally.counters()
        counters["tamis_dns_questions_total"] = self._resolver.asked
        counters["tamis_dns_sent_total"] = self._resolver.sent
        counters["tamis_redis_failures_total"] = self._redis.failures
        counters["tamis_history_dropped_total"] = self._history.dropped if self._history else 0
        gauges = {"tamis_dns_servers_out": float(self._resolver.servers_out)}
        if model is not None:
            gauges[sample("tamis_model_info", version=model.version)] = 1.0
            gauges["tamis_model_age_seconds"] = max(0.0, time.time() - self._current.model_written)
        try:
            self._counts.write(counters, gauges)
        except OSError as error:
            if not self._counts_failed:
                _log.warning("what is counted cannot be written: %s", error)
            self._counts_failed = True
        else:
            self._counts_failed = False

    def concluded(self, record: Record, answer: str) -> None:
        """Count and keep a decision that the client has been told of by `answer`."""
        self._remember(lambda: self._tally.concluded(record, answer), lambda: decided.decided(record, answer))

    def refused(self, mail: Mail, refusal: Refusal, answer: str) -> None:
        """Count and keep that a recipient was refused for the moment."""
        self._remember(lambda: self._tally.refused(refusal), lambda: decided.refused(mail, refusal, answer))

    def undecided(self, about: Mapping[str, object], because: str, answer: str) -> None:
        """Count and keep what became of a message that has no record."""
        self._remember(lambda: self._tally.undecided(answer), lambda: decided.undecided(about, because, answer))

    def _remember(self, count: Callable[[], None], made: Callable[[], decided.Decided]) -> None:
        try:
            if self._counts is not None:
                count()
            if self._history is not None:
                self._history.note(made())
        except Exception:  # The message has its answer, and nothing that is kept is worth it.
            _log.exception("a decision is not kept")

    def may_refuse(self, peer: IPAddress | None) -> bool:
        """Whether `refusal` may refuse a recipient of that peer's mail: a look at what is in memory."""
        return self._current.may_refuse_anybody or (peer is not None and self._shared.bans.concern(peer))

    def refusal(self, mail: Mail, recipient: str) -> Refusal | None:
        """Return why one recipient is refused for the moment, asked at RCPT; None where they are not.

        Of outgoing mail the peer is ours, and behind a trusted relay it is not known before the header.
        """
        if mail.mail_class is not MailClass.INBOUND:
            return None
        return refused_for_now(mail, recipient, self.snapshot, self._answers, self._shared, self._resolver)


def worker_engine(config: Config, redis_url: str) -> Engine:
    """Return the engine of a worker, with all its threads."""
    room = config.settings.antivirus.rescan_megabytes * limits.MIB
    history = config.settings.history
    engine = Engine(
        config,
        redis_url,
        Sources.kept(config),
        unscanned=Unscanned(config.unscanned_folder, room),
        journal=Journal(journal_folder(config)),
        readers=SocketReaders(socket_path(config)),
        history=HistoryJournal(history_folder(config), history.journal_megabytes * limits.MIB)
        if history.days
        else None,
        counts=CountsFile(metrics_folder(config), "worker") if config.settings.metrics.listen else None,
        answers_at_once=_ANSWERS_AT_ONCE,
    )
    engine.start()
    return engine
