"""The documented order, as data: every row of the specification (SPEC, section 1), in its order.

The first decisive hit in this order names the reason of a verdict. A row without a filter is not
built; it stands here all the same, so that what is missing is seen. To add a filter, write its file
and name its class in its row.
"""

import enum
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tamis.contract import Filter, FilterOptions, Stage
from tamis.filters.antivirus_1 import FirstStage
from tamis.filters.antivirus_2 import SecondStage
from tamis.filters.attachment_hashes import EVERYWHERE, AttachmentHashes
from tamis.filters.auto_whitelisted_sender import AutoWhitelistedSender
from tamis.filters.banned_ip import BannedIP
from tamis.filters.bayes import Bayes
from tamis.filters.blacklisted_ip import BlacklistedIP
from tamis.filters.blacklisted_sender import BlacklistedSender
from tamis.filters.cyrillic import Cyrillic
from tamis.filters.empty_mail import EmptyMail
from tamis.filters.exceptions import Exceptions
from tamis.filters.greylisting import Greylisting
from tamis.filters.helo import Helo
from tamis.filters.honeypot import Honeypot
from tamis.filters.hypercube import Hypercube
from tamis.filters.invalid_mx import InvalidMx
from tamis.filters.ip_complaint import IPComplaint
from tamis.filters.keywords import Keywords
from tamis.filters.mail_checksum import MailChecksum
from tamis.filters.malformed_headers import MalformedHeaders
from tamis.filters.maps_rbl import MapsRbl
from tamis.filters.missing_sender import MissingSender
from tamis.filters.ocr import Ocr
from tamis.filters.regex_logic import RegexLogic
from tamis.filters.reverse_dns import ReverseDns
from tamis.filters.same_sender_recipient import SameSenderRecipient
from tamis.filters.sender_complaint import SenderComplaint
from tamis.filters.sinograms import Sinograms
from tamis.filters.spamassassin import SpamAssassin
from tamis.filters.spf import SPF
from tamis.filters.surbl import Surbl
from tamis.filters.whitelisted_ip import WhitelistedIP
from tamis.filters.whitelisted_sender import WhitelistedSender
from tamis.once import once


class Judgement(enum.StrEnum):
    """What a decisive hit of a row leads to."""

    SPAM = "spam"
    LETS_THROUGH = "lets through"
    MALWARE = "malware"
    REFUSED_FOR_NOW = "refused for now"
    """Answered 4xx at RCPT, where the policy is known; at the end of a message the row decides nothing."""
    EXCEPTION = "exception"
    """Skips the judgements of rows 19 to 31, but for 24 to 26."""
    NONE = "none"
    """The row scores, writes or delivers, and never decides."""


class Switch(enum.StrEnum):
    """Whether a policy may switch a row."""

    ON = "on"
    OFF = "off"
    ALWAYS = "always"
    """On, and not to be switched on its own."""


@dataclass(frozen=True)
class Row:
    """One row. `part_of_tamis` marks those that the engine, the header writer or Postfix carry out themselves."""

    number: str
    name: str
    stage: Stage
    judgement: Judgement
    question: str
    filter: type[Filter] | None = None
    default: Switch = Switch.ON
    carried_out_by: str = ""
    by_score: bool = False
    """The judgement is the score against the domain's level, not a decisive hit."""
    always_held: bool = False
    """What it decides on is held in every mode but observe, whatever the mode says of spam."""
    spam_tests: tuple[str, ...] = ()
    """Tests of a row of malware whose hits are spam: the domain's mode decides, and outgoing mail is not refused."""

    @property
    def built(self) -> bool:
        return self.filter is not None or bool(self.carried_out_by)

    @property
    def enabled_by_default(self) -> bool:
        return self.default is not Switch.OFF

    @once
    def label(self) -> str:
        """What its tests are named after where it has none of its own."""
        return self.name.upper().replace("-", "_")

    @once
    def options_type(self) -> type[FilterOptions]:
        return self.filter.Options if self.filter else FilterOptions

    def settings_type(self) -> Any:
        """Return the structure of the row's section in a policy: the filter's options and ``enabled``."""
        extra: list[Any] = [] if self.default is Switch.ALWAYS else [("enabled", bool | None, None)]
        return msgspec.defstruct(
            f"Settings of {self.name}", extra, bases=(self.options_type,), frozen=True, forbid_unknown_fields=True
        )


_C, _S, _R, _M = Stage.CONNECTION, Stage.SENDER, Stage.RECIPIENT, Stage.MESSAGE
_SPAM, _PASS, _MALWARE, _NONE = Judgement.SPAM, Judgement.LETS_THROUGH, Judgement.MALWARE, Judgement.NONE
_LATER = Judgement.REFUSED_FOR_NOW

ORDER: Final = (
    Row(
        "1",
        "antivirus-1",
        _M,
        _MALWARE,
        "Does a scanner of the first stage know this malware?",
        FirstStage,
        always_held=True,
    ),
    Row("2", "banned-ip", _R, _LATER, "Is the peer banned for the moment?", BannedIP),
    Row("3", "greylisting", _R, _LATER, "Is this peer, sender and recipient new?", Greylisting, Switch.OFF),
    Row("4", "whitelisted-ip", _C, _PASS, "Is the peer on a whitelist?", WhitelistedIP),
    Row("5", "spf", _S, _SPAM, "Does the envelope sender's domain forbid this peer?", SPF),
    Row("6", "whitelisted-sender", _M, _PASS, "Is the envelope sender, or the author, whitelisted?", WhitelistedSender),
    Row(
        "7",
        "auto-whitelisted-sender",
        _M,
        _PASS,
        "Has this sender earned enough weight with the domain?",
        AutoWhitelistedSender,
    ),
    Row("7b", "sender-complaint", _S, _SPAM, "Is the sender on the complaint list?", SenderComplaint, Switch.ALWAYS),
    Row(
        "8",
        "blacklisted-ip",
        _M,
        _SPAM,
        "Is the peer on a blacklist, or was this content from it flagged as spam?",
        BlacklistedIP,
    ),
    Row("9", "blacklisted-sender", _S, _SPAM, "Is the envelope sender on a blacklist?", BlacklistedSender),
    Row("10", "reverse-dns", _C, _SPAM, "Has the peer no name in the DNS?", ReverseDns),
    Row(
        "11",
        "missing-sender",
        _M,
        _SPAM,
        "Has the message no author, or a null sender without being a notice?",
        MissingSender,
    ),
    Row("12", "same-sender-recipient", _M, _SPAM, "Is the envelope sender the recipient?", SameSenderRecipient),
    Row("13", "honeypot", _R, _SPAM, "Was a trap address written to?", Honeypot, always_held=True),
    Row("14", "ip-complaint", _C, _SPAM, "Is the peer on the complaint list?", IPComplaint),
    Row("15", "invalid-mx", _S, _SPAM, "Can no reply reach the envelope sender's domain?", InvalidMx),
    Row("16", "maps-rbl", _C, _SPAM, "Do half of the DNS lists name the peer or the sender's domain?", MapsRbl),
    Row("17", "empty-mail", _M, _SPAM, "Has the message neither text, image nor attachment?", EmptyMail),
    Row("18", "exceptions", _M, Judgement.EXCEPTION, "Does one of the operator's exceptions match?", Exceptions),
    Row("19", "keywords", _M, _SPAM, "Does a keyword rule match?", Keywords),
    Row("20", "regex-logic", _M, _SPAM, "Does a boolean expression over the rules hold?", RegexLogic),
    Row("21", "ocr", _M, _SPAM, "Is an image known, or does its text hit the keywords?", Ocr),
    Row(
        "22",
        "mail-checksum",
        _M,
        _SPAM,
        "Did dozens of recipients get the same message at the same moment?",
        MailChecksum,
    ),
    Row("23", "surbl", _M, _SPAM, "Do half of the URL lists name a domain in the message?", Surbl),
    Row(
        "24",
        "antivirus-2",
        _M,
        _MALWARE,
        "Does a scanner of the second stage know this malware?",
        SecondStage,
        always_held=True,
    ),
    Row("25", "hypercube", _M, _MALWARE, "Is an attachment near a known bad family?", Hypercube, always_held=True),
    Row(
        "26",
        "attachment-hashes",
        _M,
        _MALWARE,
        "Is an attachment known bad, or new and everywhere at once?",
        AttachmentHashes,
        always_held=True,
        spam_tests=(EVERYWHERE,),
    ),
    Row("27", "bayes", _M, _SPAM, "Is the score at or above the domain's level?", Bayes, by_score=True),
    Row("28", "spamassassin", _M, _SPAM, "Does SpamAssassin take it for spam?", SpamAssassin),
    Row("29", "cyrillic", _M, _SPAM, "Are there Cyrillic characters?", Cyrillic, Switch.OFF),
    Row("30", "sinograms", _M, _SPAM, "Are there Han characters?", Sinograms, Switch.OFF),
    Row("31", "helo", _C, _SPAM, "Is the HELO name invalid, foreign or ours?", Helo),
    Row("32", "score-tags", _M, _NONE, "Which headers carry the score?", carried_out_by="tamis.headers"),
    Row("33", "malformed-headers", _M, _NONE, "What is odd in the structure of the header?", MalformedHeaders),
    Row(
        "34",
        "mode",
        _M,
        _NONE,
        "Which mode applies to each recipient?",
        default=Switch.ALWAYS,
        carried_out_by="tamis.disposition",
    ),
    Row("35", "delivery", _M, _NONE, "Postfix delivers.", default=Switch.ALWAYS, carried_out_by="Postfix"),
)

BY_NAME: Final = {row.name: row for row in ORDER}
POSITION: Final = {row.name: position for position, row in enumerate(ORDER)}
