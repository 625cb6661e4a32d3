"""The upkeep of mailboxes: old spam in Junk folders is deleted, and mailboxes that are nearly full are told so.

Each by the policy of the mailbox's address; who has chosen neither is not touched (SPEC, section 3).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from tamis.config import Config
from tamis.database import first_line
from tamis.directory import NO_DIRECTORY
from tamis.doveadm import Doveadm, DoveadmFailed
from tamis.lists import BadEntry
from tamis.policy import Policy
from tamis.policy_keys import kind_of, owner
from tamis.policy_view import LivePolicies, directory_of
from tamis.quota_notice import QuotaNotices, quota_notice


@dataclass(slots=True)
class Report:
    """What was done: mailboxes with a policy for it, those whose Junk was cleaned, those told, and what failed."""

    mailboxes: int = 0
    cleaned: int = 0
    told: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Upkeep:
    """Make one, and `run` it from time to time; twice as often does no harm."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._settings = config.settings.mailboxes
        self._doveadm = Doveadm(self._settings.doveadm)
        self._policies = LivePolicies(config)
        self._notices = QuotaNotices(config.database_url)

    def users(self) -> list[str]:
        """Return the mailboxes: those of the directory, or else those that Dovecot can list. Raises `DoveadmFailed`."""
        known = directory_of(self._config)
        if known is not NO_DIRECTORY and self._config.settings.directory.users_query:
            return sorted(known.users())
        return self._doveadm.users()

    def run(self, users: Iterable[str] | None = None, now: datetime | None = None) -> Report:
        """Look after these mailboxes, after all by default. Raises `DoveadmFailed` where there is no list of them."""
        report, moment = Report(), now or datetime.now(UTC)
        policies = self._policies.now()
        for user in self.users() if users is None else users:
            try:
                address = owner(user)
            except BadEntry:
                continue
            policy = policies.for_recipient(address)
            if kind_of(address) != "@" or not (policy.junk_days or policy.quota_percent):
                continue
            report.mailboxes += 1
            try:
                self._look_after(user, address, policy, report, moment)
            except (DoveadmFailed, SQLAlchemyError) as error:
                report.failed.append(f"{user}: {first_line(error)}")
        return report

    def _look_after(self, user: str, address: str, policy: Policy, report: Report, now: datetime) -> None:
        if policy.junk_days:
            self._doveadm.expunge_older(user, self._settings.junk, policy.junk_days)
            report.cleaned += 1
        if not policy.quota_percent:
            return
        percent = self._doveadm.quota_percent(user)
        if percent < policy.quota_percent or not self._notices.claim(address, now):
            return
        octets = quota_notice(address, percent, self._settings.junk, policy.language, self._settings.quota_from, now)
        try:
            self._doveadm.save(user, "INBOX", octets)
        except DoveadmFailed:
            self._notices.take_back(address)
            raise
        report.told.append(address)
