"""The filter contract: evidence, never judgement.

A filter says what is true of a message, as hits with a reason. It knows no weight, no action, no
policy beyond its own options, no Redis and no milter. What a hit leads to is the engine's and the
policy's business (`tamis.engine`), and when a filter is asked is the order's (`tamis.filters.order`).
"""

import enum
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tamis.addresses import base_address, domain_of
from tamis.attachments import Attachments
from tamis.attachments.known import KnownFiles
from tamis.authentication import Authentication
from tamis.dns import Question
from tamis.dns.lookups import Dns, NoDns
from tamis.images.pictures import Pictures
from tamis.lists import ADDRESSES, PLATFORM, ListName, Lists
from tamis.mail import Mail
from tamis.message import Message
from tamis.site import Site

if TYPE_CHECKING:
    from tamis.bans import Bans
    from tamis.counters import Count, Counters
    from tamis.directory import Directory
    from tamis.greylist import Greylist
    from tamis.models.bayes import Model
    from tamis.rules.matching import MessageRules
    from tamis.scanners.scanners import Scans
    from tamis.sent_ids import SentIds
    from tamis.weights import Weights


class Stage(enum.StrEnum):
    """The first moment at which a question can be answered."""

    CONNECTION = "connection"
    SENDER = "sender"
    RECIPIENT = "recipient"
    MESSAGE = "message"


class Hit(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One thing that is true of a message.

    `name` is the test's name as printed in X-Spam-Status. `because` is the ground in words; it may
    quote the wire and is made safe where it is shown. `decides` asks for the row's judgement; without
    it the hit is evidence alone. `decides_at_share` asks for it where the score is high enough: at that
    share of the recipient's level, or above. `domain` or `recipient` narrow the hit to those recipients.
    `amount` is evidence in score points measured by the filter; None means the test's learned weight.
    `let_through` is the reason for X-Icodia-SpamFilter-WL, of rows that let a message through.
    """

    name: str
    because: str
    decides: bool = False
    domain: str = ""
    recipient: str = ""
    amount: float | None = None
    let_through: str = ""
    decides_at_share: float | None = None

    def applies_to(self, recipient: str, domain: str) -> bool:
        return self.recipient in ("", recipient) and self.domain in ("", domain)


class FilterOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of one filter, with defaults; a filter that has none uses this class."""


class Abstain(Exception):
    """Raised by a filter that cannot answer; `why` is for the record. Never costs anything else.

    `evidence` is what it can say all the same: hits that only score, others are dropped. Without it there are no hits.
    `test` is the name printed for it in X-Spam-Status, in place of the row's with _ABSTAINED. `ask_again`: the answer
    is worth waiting for, and the client may be asked to come back (SPEC, row 1: malware).
    """

    def __init__(self, why: str, evidence: Iterable[Hit] = (), *, test: str = "", ask_again: bool = False) -> None:
        super().__init__(why)
        self.evidence = tuple(hit for hit in evidence if not hit.decides and hit.decides_at_share is None)
        self.test = test
        self.ask_again = ask_again


def _no_scans() -> "Scans":
    from tamis.scanners.scanners import Scans

    return Scans()


@dataclass(frozen=True, slots=True)
class ListOwner:
    """Whose list is to be asked, and for whom a hit on it holds: for everybody, for a domain, or for one recipient."""

    name: str
    domain: str = ""
    recipient: str = ""


@lru_cache(maxsize=64)
def _of_domains(recipients: tuple[str, ...]) -> tuple[ListOwner, ...]:
    """Return the platform and the domain of each recipient, which a dozen rows of a message ask for."""
    return tuple([ListOwner(domain, domain) for domain in dict.fromkeys([PLATFORM, *map(domain_of, recipients)])])


@dataclass(slots=True)
class Context:
    """What a filter may look at besides the mail.

    `recipients` are those whose policy has these `options`; `rules` says which rules the message meets, and matches
    text that is not in it (`rules.match("ocr", texts)`), None where there are none; `decoys` are the names of
    listeners whose every recipient is a trap; `forwarders` the networks of `networks.forwarders`; `authentication`,
    `attachments` and `pictures` are shared by all filters of the message; `known_files` is what is lastingly known of
    files; `scans` what scanners say of it; `deadline` is monotonic seconds; `lasting` is what the filter says of the
    message by `Filter.lasting`, now or when it was seen before, None where it was not asked.
    """

    options: Any = field(default_factory=FilterOptions)
    recipients: Sequence[str] = ()
    lists: Lists = field(default_factory=Lists)
    model: "Model | None" = None
    rules: "MessageRules | None" = None
    counters: "Counters | None" = None
    greylist: "Greylist | None" = None
    bans: "Bans | None" = None
    weights: "Weights | None" = None
    sent: "SentIds | None" = None
    decoys: Collection[str] = ()
    forwarders: Collection[str] = ()
    authentication: Authentication = field(default_factory=Authentication)
    attachments: Attachments = field(default_factory=lambda: Attachments(Message(b"")))
    known_files: KnownFiles = field(default_factory=KnownFiles)
    pictures: Pictures = field(default_factory=Pictures)
    dns: Dns = field(default_factory=NoDns)
    site: Site = field(default_factory=Site)
    directory: "Directory | None" = None
    scans: "Scans" = field(default_factory=_no_scans)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    deadline: float = float("inf")
    lasting: tuple[Hit, ...] | None = None

    def list_domains(self) -> list[str]:
        """The platform, then each recipient domain."""
        return [owner.name for owner in _of_domains(tuple(self.recipients))]

    def list_owners(self, name: ListName) -> Iterator[ListOwner]:
        """Yield the owners of a list to ask: the platform, each recipient domain, each address with a list of its own.

        An address with an extension has the list of the one without, too.
        """
        yield from _of_domains(tuple(self.recipients))
        if self.lists.has(name, ADDRESSES):
            for recipient in dict.fromkeys(self.recipients):
                for address in dict.fromkeys((recipient, base_address(recipient, self.site.delimiters))):
                    if self.lists.has(name, address):
                        yield ListOwner(address, recipient=recipient)


class Filter:
    """One question asked about one message. One instance serves all threads: keep no state of a message."""

    name: ClassVar[str]
    """Its section in tamis.toml and its name in the order."""
    stage: ClassVar[Stage]
    tests: ClassVar[Mapping[str, str]]
    """Every name its hits may carry, with what it means."""
    given: ClassVar[Mapping[str, float]] = {}
    """The amounts of hits whose weight is given by hand, to be shown; no model learns them."""
    scores: ClassVar[bool] = False
    """Whether its hits are evidence for the score: then it is asked even when an earlier row has decided."""
    needs_peer: ClassVar[bool] = False
    """Whether it is about the peer: then it is not asked where the peer is unknown."""
    uses_model: ClassVar[bool] = False
    """Whether its answer changes with the classifier's model."""
    uses_rules: ClassVar[bool] = False
    """Whether its answer changes with the rules."""
    version: ClassVar[int] = 1
    """Raised with every change of its answers, so that cached ones are forgotten."""
    Options: ClassVar[type[FilterOptions]] = FilterOptions

    def queries(self, mail: Mail, options: Any) -> Iterable[Question]:
        """What it is going to ask the DNS about this mail, for it to be sent ahead; it reads answers by `Context.dns`.

        Called from its stage on at every later one, while the mail gets known: the peer at first, the envelope
        sender, the recipients, the message. A question that is missing here is slower, never wrong.
        """
        return ()

    def site_queries(self, site: Site, mail: Mail, options: Any) -> Iterable[Question]:
        """The same, of a filter whose questions depend on what the site has configured; in addition to `queries`."""
        return ()

    def counts(self, mail: Mail, options: Any) -> "Iterable[Count]":
        """What it is going to count of this mail by `Context.counters`, for it to be counted ahead with its answers.

        Called when the message is known. A count that is missing here is slower, never wrong.
        """
        return ()

    def cache_key(self, mail: Mail) -> bytes | None:
        """All that the answer depends on, besides options, model, rules and lists; None when not worth caching."""
        return None

    def site_cache_key(self, site: Site, mail: Mail) -> bytes | None:
        """The same, of a filter whose answer depends on what the site has; in place of `cache_key`."""
        return self.cache_key(mail)

    def lasting_key(self, mail: Mail, options: Any) -> bytes | None:
        """All that `lasting` depends on, besides options and recipients; None where that is nothing to be kept."""
        return None

    def lasting(self, mail: Mail, ctx: Context) -> Iterable[Hit]:
        """Hits that the message, the options and the recipients alone lead to, of a filter that is not cached.

        They are kept as a cached answer is, and `check` reads them by `kept`.
        """
        return ()

    def kept(self, mail: Mail, ctx: Context) -> tuple[Hit, ...]:
        """Return what `lasting` says, of which the engine may know what it said of the same message before."""
        return tuple(self.lasting(mail, ctx)) if ctx.lasting is None else ctx.lasting

    def scores_with(self, options: Any) -> bool:
        """Whether its hits are evidence with these options; asked only of a filter that `scores`."""
        return True

    def start(self, mail: Mail, ctx: Context) -> None:
        """Have work begun, in threads that are not this one's, that `check` will wait for; must return at once.

        `ctx` is shown to the next filter then: what the work needs of it is taken before.
        Called before any filter is asked about the message, unless the answer is cached.
        """

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        """Yield the hits. May raise anything: the engine records the abstention and goes on."""
        raise Abstain("asks nothing")
