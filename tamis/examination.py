"""One message walked through the documented order, once for all its recipients.

Rows are asked when some policy's walk first needs them, once per message and distinct options; each
recipient's verdict is their own policy's (SPEC, section 5). A row that fails abstains, and costs
nothing else. What is refused, at RCPT and of outgoing mail, is `tamis.refusal`.
"""

import hashlib
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import chain
from operator import attrgetter
from typing import Final

import msgspec

from tamis import limits
from tamis.addresses import domain_of
from tamis.ahead import counted, declared
from tamis.answers import Answers
from tamis.attachments import Attachments
from tamis.attachments.helper import Helper
from tamis.attachments.known import KnownFiles
from tamis.authentication import Authentication, evidence
from tamis.contract import Abstain, Context, Filter, Hit
from tamis.directory import NO_DIRECTORY, Directory
from tamis.dns import Question
from tamis.dns.lookups import Lookups, NoDns
from tamis.dns.resolver import Resolver
from tamis.filters.honeypot import Honeypot
from tamis.filters.order import BY_NAME, ORDER, POSITION, Judgement, Row
from tamis.images.client import Readers
from tamis.images.known import KnownImages
from tamis.images.pictures import Pictures
from tamis.lists import ListName, Lists
from tamis.mail import Mail, MailClass
from tamis.models.bayes import Model
from tamis.policy import Mode, Policies, Policy
from tamis.record import Answer, Record, Verdict, points
from tamis.rules.matching import Rules
from tamis.scanners.scanners import Scans
from tamis.shared_state import SharedState
from tamis.site import Site
from tamis.spf import spf_of
from tamis.walk_plan import Asking, Plan, plan
from tamis.weights import Weights

_log = logging.getLogger("tamis")
_hits_encoder = msgspec.msgpack.Encoder()
_hits_decoder = msgspec.msgpack.Decoder(tuple[Hit, ...])

FILTERS: dict[str, Filter] = {row.name: row.filter() for row in ORDER if row.filter}
"""One instance of each filter, by the name of its row."""

_HONEYPOT: Final = BY_NAME[Honeypot.name]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a worker reads on the hot path; never changed, only replaced as a whole."""

    policies: Policies
    lists: Lists
    model: Model | None
    decoys: frozenset[str] = frozenset()
    forwarders: tuple[str, ...] = ()
    site: Site = field(default_factory=Site)
    rules: Rules | None = None
    weights: Weights | None = None
    known_files: KnownFiles = field(default_factory=KnownFiles)
    images: KnownImages = field(default_factory=KnownImages)
    directory: Directory = NO_DIRECTORY
    helper: Helper | None = None
    """Who reads macros and some archives, for all messages of a worker."""


_in_the_order: Final = attrgetter("position")


def _plan(policy: Policy) -> Plan:
    return _plan_of(policy, id(ORDER))


@lru_cache(maxsize=1024)
def _plan_of(policy: Policy, _: int) -> Plan:
    """The plan keeps its order, so that no other can be where that was."""
    return plan(policy, ORDER, FILTERS)


@lru_cache(maxsize=1024)
def _asked_how(asking: Asking, model: str, rules: str) -> "hashlib.blake2b":
    """Return the beginning of the key of a cached answer: all but the content that was asked about."""
    digest = hashlib.blake2b(digest_size=16)
    piece = msgspec.json.encode([asking.filter.name, asking.filter.version, asking.options, model, rules])
    digest.update(len(piece).to_bytes(4, "big") + piece)
    return digest


class Examination:
    """The walk of one message. Make one per message; call `run` once."""

    def __init__(
        self,
        mail: Mail,
        snapshot: Snapshot,
        answers: Answers,
        shared: SharedState | None = None,
        policy: Policy | None = None,
        resolver: Resolver | None = None,
        readers: Readers | None = None,
    ) -> None:
        """`policy` stands for every recipient's own. Without `readers` no image is looked at."""
        self._mail = mail
        self._snapshot = snapshot
        self._cache = answers
        self._shared = shared
        self._counters = shared.counters if shared else None
        self._started = time.monotonic()
        self._deadline = self._started + limits.FILTERS_SECONDS
        self._lookups = Lookups(resolver, self._deadline) if resolver else None
        self._model_version = _model_version(snapshot.model, mail.recipients)
        self._policies = {r: policy or snapshot.policies.for_recipient(r) for r in mail.recipients}
        self._distinct = list({id(policy): policy for policy in self._policies.values()}.values())
        self._recipients = tuple(self._policies)
        self._authentication = Authentication(mail, self._lookups, spf_of)
        self._rules = snapshot.rules.look_at(mail.message) if snapshot.rules else None
        self._attachments = Attachments(mail.message, snapshot.helper, answers, self._deadline)
        self._pictures = Pictures(mail.message, readers, answers, snapshot.images, self._deadline)
        self._scans = Scans(snapshot.site.scanners, mail, self._deadline)
        self._keys: dict[Asking, bytes] = {}
        self._lasting_keys: dict[Asking, bytes] = {}
        self._answered: dict[Asking, Answer] = {}
        self._scores: dict[Policy, tuple[tuple[str, int], ...]] = {}
        self._shown: Context | None = None
        self._cached: dict[bytes, bytes] = {}
        self._new: dict[bytes, bytes] = {}

    def run(self) -> Record:
        """Ask what must be asked of inbound mail, and return the record with a verdict for each recipient."""
        self.prepare(ORDER, self._authentication.questions())
        traps = self._traps()
        verdicts = [self._judge(recipient, policy, recipient in traps) for recipient, policy in self._policies.items()]
        record = self.record()
        record.verdicts, record.traps = verdicts, traps
        record.authentication = self._authentication
        record.learn_as_spam = record.only_traps and all(map(self._learns, verdicts))
        if any(verdict.action != "hold" for verdict in verdicts):
            record.ask_again = self.ask_again()
        return record

    def ask_again(self) -> str:
        """Return why the client is to come back, empty where it need not.

        It must not for the sake of recipients whose policy waits for no answer, or that only observe.
        """
        for answer in self._answered.values():
            if answer.ask_again and all(
                policy.enabled[answer.row.name] and policy.mode is not Mode.OBSERVE
                for policy in self._policies.values()
            ):
                return answer.abstained
        return ""

    def record(self) -> Record:
        """Keep the new answers for other messages, and return the record of all that was asked."""
        self._cache.remember(self._new)
        answers = [self._answered[asking] for asking in sorted(self._answered, key=_in_the_order)]
        milliseconds = 1000 * (time.monotonic() - self._started)
        return Record(self._mail, answers, milliseconds=milliseconds, attachments=self._attachments)

    def _askings(self, rows: Iterable[Row]) -> Sequence[Asking]:
        """Return what some policy may ask of this message."""
        policies = self._distinct
        if len(policies) == 1 and rows is ORDER:
            return _plan(policies[0]).asked
        every = (
            _plan(policy).askings[row.name]
            for row in rows
            if row.filter
            for policy in policies
            if policy.enabled[row.name]
        )
        return list(dict.fromkeys(every))

    def _sharing(self, asking: Asking) -> tuple[str, ...]:
        """Return the recipients whose policies ask that."""
        if len(self._distinct) == 1:
            return self._recipients
        name = asking.row.name
        asks = {id(one) for one in self._distinct if one.enabled[name] and _plan(one).askings[name] is asking}
        if len(asks) == len(self._distinct):
            return self._recipients
        return tuple([recipient for recipient, policy in self._policies.items() if id(policy) in asks])

    def _key(self, asking: Asking) -> bytes | None:
        instance = asking.filter
        content = instance.site_cache_key(self._snapshot.site, self._mail)
        if content is None:
            return None
        model = self._model_version if instance.uses_model else ""
        rules = self._snapshot.rules.version if instance.uses_rules and self._snapshot.rules else ""
        digest = _asked_how(asking, model, rules).copy()
        digest.update(len(content).to_bytes(4, "big") + content)
        return b"tamis:answer:" + digest.digest()

    def _lasting_key(self, asking: Asking) -> bytes | None:
        content = asking.filter.lasting_key(self._mail, asking.options)
        if content is None:
            return None
        digest = _asked_how(asking, "", "").copy()
        digest.update(len(content).to_bytes(4, "big") + content)
        digest.update("\0".join(self._sharing(asking)).encode("utf-8", "surrogatepass"))
        return b"tamis:lasting:" + digest.digest()

    def prepare(self, rows: Iterable[Row], more: Iterable[Question] = ()) -> None:
        """Ask Redis in one round trip: for every cached answer of those rows, what their questions to the DNS are
        answered with, and what they count. What Redis does not know is then sent to the servers.

        `more` is asked of the DNS as well, after what the rows ask.
        """
        askings = self._askings(rows)
        for one in askings:
            if one.caches and (key := self._key(one)) is not None:
                self._keys[one] = key
            if one.lasts and (key := self._lasting_key(one)) is not None:
                self._lasting_keys[one] = key
        keys = [*self._keys.values(), *self._lasting_keys.values()]
        # Rows whose answers are cached ask the DNS nothing, or only where these are not known.
        asked = [(one.filter, one.options) for one in askings if one not in self._keys]
        with self._cache.round_trip() as trip:
            if self._shared:
                self._counters = self._shared.counters.ahead(counted(self._mail, asked), self._mail.now, trip)
            if self._lookups is not None:
                self._lookups.send(chain(declared(self._mail, asked, self._snapshot.site), more), trip)
            found = self._cache.fetch(keys, trip)
        for key, value in zip(keys, found, strict=True):
            if value is not None:
                self._cached[key] = value
        missing = [one for one, key in self._keys.items() if key not in self._cached]
        for one in askings:
            if one.starts and (one not in self._keys or one in missing):
                self._start(one)
        if self._lookups is not None:
            left = [(one.filter, one.options) for one in missing]
            self._lookups.send(declared(self._mail, left, self._snapshot.site))

    def ask(self, row: Row, policy: Policy) -> Answer:
        """Return what a built row says under a policy's options; it is asked once."""
        return self._ask(_plan(policy).askings[row.name])

    def _ask(self, asking: Asking) -> Answer:
        known = self._answered.get(asking)
        if known is None:
            known = self._answered[asking] = self._answer(asking)
        return known

    def _answer(self, asking: Asking) -> Answer:
        key = self._keys.get(asking)
        known = self._known(key, asking)
        if known is not None:
            return Answer(asking.row, known, cached=True)
        answer = self._compute(asking)
        if key is not None and not answer.abstained:
            self._keep(key, answer.hits)
        return answer

    def _keep(self, key: bytes, hits: tuple[Hit, ...]) -> None:
        try:
            octets = _hits_encoder.encode(hits)
        except UnicodeEncodeError:  # A recipient may be said in octets that are no text.
            return
        self._new[key] = octets

    def _known(self, key: bytes | None, asking: Asking) -> tuple[Hit, ...] | None:
        """Return the hits that Redis has of a key, None where it has none."""
        if key is None or key not in self._cached:
            return None
        try:
            return _hits_decoder.decode(self._cached[key])
        except msgspec.DecodeError:
            _log.warning("cached answer unreadable", extra={"fields": {"filter": asking.row.name}})
            return None

    def _start(self, asking: Asking) -> None:
        try:
            asking.filter.start(self._mail, self._show(asking))
        except Exception:  # Nothing is lost: the filter begins when its turn comes.
            _log.exception("a filter cannot begin ahead", extra={"fields": {"filter": asking.row.name}})

    def _compute(self, asking: Asking) -> Answer:
        answer = Answer(asking.row)
        started = time.monotonic()
        if asking.filter.needs_peer and self._mail.peer is None:
            answer.abstained = "the peer is not known"
        elif started >= self._deadline:
            answer.abstained = "the time for this message is used up"
        else:
            try:
                answer.hits = tuple(asking.filter.check(self._mail, self._show_with_lasting(asking)))
            except Abstain as reason:
                answer.abstained, answer.abstained_as = str(reason), reason.test
                answer.ask_again = reason.ask_again
                answer.hits = reason.evidence
            except Exception as error:  # fail open: one filter's fault never costs a message
                answer.abstained = f"{type(error).__name__}: {error}"
                answer.error = True
                _log.exception("filter failed", extra={"fields": {"filter": asking.row.name, "id": self._mail.id}})
        answer.milliseconds = 1000 * (time.monotonic() - started)
        return answer

    def _show(self, asking: Asking) -> Context:
        """Return the context for a row: all rows of a message share one."""
        shown = self._shown
        if shown is None:
            shown = self._shown = self._context(asking)
        shown.options, shown.recipients, shown.lasting = asking.options, self._sharing(asking), None
        return shown

    def _show_with_lasting(self, asking: Asking) -> Context:
        """The same with what the filter's lasting hits are, which are found out once."""
        shown, key = self._show(asking), self._lasting_keys.get(asking)
        if key is not None:
            shown.lasting = self._known(key, asking)
            if shown.lasting is None:
                shown.lasting = asking.filter.kept(self._mail, shown)
                self._keep(key, shown.lasting)
        return shown

    def _context(self, asking: Asking) -> Context:
        return Context(
            options=asking.options,
            recipients=self._sharing(asking),
            lists=self._snapshot.lists,
            model=self._snapshot.model,
            rules=self._rules,
            counters=self._counters,
            greylist=self._shared.greylist if self._shared else None,
            bans=self._shared.bans if self._shared else None,
            decoys=self._snapshot.decoys,
            forwarders=self._snapshot.forwarders,
            authentication=self._authentication,
            attachments=self._attachments,
            known_files=self._snapshot.known_files,
            pictures=self._pictures,
            now=self._mail.now,
            deadline=self._deadline,
            dns=self._lookups or NoDns(),
            site=self._snapshot.site,
            scans=self._scans,
            weights=self._snapshot.weights,
            directory=self._snapshot.directory,
            sent=self._shared.sent if self._shared else None,
        )

    def _score(self, recipient: str, policy: Policy) -> tuple[tuple[str, int], ...]:
        """The evidence for one recipient, as (test, thousandths of a point) in the order of the rows."""
        known = self._scores.get(policy)
        if known is not None:
            return known
        weights = self._snapshot.model.weights if self._snapshot.model else {}
        domain, narrow = domain_of(recipient), False
        tests: dict[str, int] = {}
        if self._mail.message.capped:
            tests["SIZE_CAPPED"] = 0
        tests |= dict.fromkeys(evidence.found(self._authentication), 0)
        for row, asking in _plan(policy).scored:
            if asking is None:
                tests[row.label] = 0
                continue
            answer = self._ask(asking)
            if answer.abstained:
                tests[answer.abstained_as or f"{row.label}_ABSTAINED"] = 0
            for hit in answer.hits:
                if hit.domain or hit.recipient:
                    narrow = True
                    if not hit.applies_to(recipient, domain):
                        continue
                name, amount = hit.name, hit.amount
                thousandths = round(1000 * (weights.get(name, 0.0) if amount is None else amount))
                tests[name] = tests[name] + thousandths if name in tests else thousandths
        found = tuple(tests.items())
        if not narrow:  # It is that of all recipients of the policy.
            self._scores[policy] = found
        return found

    def _judge(self, recipient: str, policy: Policy, trap: bool) -> Verdict:
        """Walk the order for one recipient: the first decisive hit names the reason (SPEC, section 1)."""
        domain = domain_of(recipient)
        tests = self._score(recipient, policy)
        score = sum([weight for _, weight in tests])
        decided: tuple[Row, str, str] | None = None
        passed: tuple[Row, Hit] | None = None
        seen: list[tuple[str, int]] = []
        for asking in _plan(policy).judged:
            row = asking.row
            if row.judgement is Judgement.REFUSED_FOR_NOW:
                seen += self._would_be_refused(row, recipient, policy)
                continue
            if passed and row.judgement is not Judgement.MALWARE:
                continue
            if row.by_score:
                if score >= round(1000 * policy.level):
                    ground = f"score {points(score)} reaches the level {policy.level:g}"
                    decided = (row, "", ground)
                    break
                continue
            answer = self._ask(asking)
            if not answer.hits:
                continue
            for hit in answer.hits:
                found = _ground(hit, score, policy.level) if hit.applies_to(recipient, domain) else None
                if found is not None:
                    break
            else:
                continue
            seen.append((hit.name, 0))
            # An exception is the last row that lets through: what it skips, rows 19 to 31 but malware's, is all that
            # is left (SPEC, section 1, row 18).
            if row.judgement in (Judgement.LETS_THROUGH, Judgement.EXCEPTION):
                passed = (row, hit)
                continue
            decided = (row, hit.name, found)
            break
        malware = decided is not None and _is_malware(decided[0], decided[1])
        if decided and not malware and (infected := self._malware(recipient, policy, decided[0])):
            malware = True
            seen.append((infected.name, 0))
            decided = (decided[0], decided[1], f"{decided[2]}; and malware: {infected.because}")
        if seen:
            known = {name for name, _ in tests}
            tests = (*(test for test in seen if test[0] not in known), *tests)
        verdict = partial(
            Verdict,
            recipient=recipient,
            mode=policy.mode,
            level=policy.level,
            score=score,
            tests=tests,
            score_headers=policy.enabled["score-tags"],
        )
        if decided:
            row, test, because = decided
            return verdict(
                spam=True,
                action=_action(policy.mode, (row.always_held and test not in row.spam_tests) or trap or malware),
                row=row,
                test=test,
                because=because,
                tag=policy.tag,
                tag_redirections=policy.tag_redirections,
                malware=malware,
            )
        if passed:
            row, hit = passed
            return verdict(
                spam=False, action="deliver", row=row, test=hit.name, because=hit.because, let_through=hit.let_through
            )
        return verdict(spam=False, action="deliver")

    def _malware(self, recipient: str, policy: Policy, decided: Row) -> Hit | None:
        """Return what the rows about malware behind the one that decided say: the reason is named by the first row,
        but what carries malware is held whatever the reason."""
        domain = domain_of(recipient)
        for asking in _plan(policy).malware:
            if asking.position <= POSITION[decided.name]:
                continue
            for hit in self._ask(asking).hits:
                if hit.decides and _is_malware(asking.row, hit.name) and hit.applies_to(recipient, domain):
                    return hit
        return None

    def _would_be_refused(self, row: Row, recipient: str, policy: Policy) -> list[tuple[str, int]]:
        """Say what a row of that kind would have refused, were the mode not observe; else it was asked at RCPT."""
        if policy.mode is not Mode.OBSERVE or self._mail.mail_class is not MailClass.INBOUND:
            return []
        hits = (hit for hit in self.ask(row, policy).hits if hit.applies_to(recipient, domain_of(recipient)))
        return [(name, 0) for name in dict.fromkeys(hit.name for hit in hits if hit.decides)]

    def _traps(self) -> frozenset[str]:
        """The recipients that are traps, whichever row decides: asked beside the walk, which may end before."""
        if self._mail.listener not in self._snapshot.decoys and not self._snapshot.lists.holds(ListName.TRAP):
            return frozenset()
        return frozenset(
            recipient
            for recipient, policy in self._policies.items()
            if policy.judges(_HONEYPOT)
            and any(hit.applies_to(recipient, domain_of(recipient)) for hit in self.ask(_HONEYPOT, policy).hits)
        )

    def _learns(self, verdict: Verdict) -> bool:
        """Whether a recipient's policy wants what its traps get learned; what was let through never is."""
        options = self._policies[verdict.recipient].options[_HONEYPOT.name]
        return verdict.spam and isinstance(options, Honeypot.Options) and options.learn


def _is_malware(row: Row, test: str) -> bool:
    return row.judgement is Judgement.MALWARE and test not in row.spam_tests


_ACTIONS = {Mode.QUARANTINE: "hold", Mode.TAG: "tag", Mode.JUNK: "junk", Mode.OBSERVE: "observe"}


def _action(mode: Mode, always_held: bool) -> str:
    """Return what a mode makes of what was taken for spam or malware."""
    if always_held and mode is not Mode.OBSERVE:
        return "hold"
    return _ACTIONS[mode]


def _model_version(model: Model | None, recipients: Iterable[str]) -> str:
    """Return what tells answers of one model from those of another: those that domains have adapted differ."""
    if model is None:
        return ""
    return " ".join([model.version, *model.adapted(map(domain_of, recipients))])


def _ground(hit: Hit, score: int, level: float) -> str | None:
    """Return the ground on which a hit decides at that score, None where it does not."""
    if hit.decides:
        return hit.because
    if hit.decides_at_share is None:
        return None
    needed = round(1000 * hit.decides_at_share * level)
    if score < needed:
        return None
    return f"{hit.because}; score {points(score)} reaches {points(needed)}, {hit.decides_at_share:.0%} of the level"
