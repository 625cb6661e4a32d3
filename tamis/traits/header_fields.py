"""Which fields the header has: programs and services leave their own."""

from collections.abc import Iterator
from typing import Final

from tamis.traits.family import Family, Measure, Numbers, Table
from tamis.traits.letter import Letter

_KNOWN: Final = (
    "accept-language",
    "auto-submitted",
    "bcc",
    "cc",
    "comments",
    "content-class",
    "content-description",
    "content-disposition",
    "content-id",
    "content-language",
    "content-transfer-encoding",
    "content-type",
    "delivery-date",
    "disposition-notification-to",
    "dkim-signature",
    "domainkey-signature",
    "errors-to",
    "importance",
    "in-reply-to",
    "keywords",
    "lines",
    "list-archive",
    "list-help",
    "list-id",
    "list-owner",
    "list-post",
    "list-subscribe",
    "list-unsubscribe",
    "mail-followup-to",
    "mailing-list",
    "mime-version",
    "organization",
    "precedence",
    "priority",
    "received-spf",
    "references",
    "reply-by",
    "reply-to",
    "resent-date",
    "resent-from",
    "resent-message-id",
    "return-receipt-to",
    "sender",
    "thread-index",
    "thread-topic",
    "user-agent",
    "x-accept-language",
    "x-abuse-reports-to",
    "x-antiabuse",
    "x-antivirus",
    "x-apparently-to",
    "x-authentication-warning",
    "x-beenthere",
    "x-cc",
    "x-clientproxiedby",
    "x-complaints-to",
    "x-enigmail-version",
    "x-egroups-return",
    "x-face",
    "x-google-smtp-source",
    "x-image-url",
    "x-library",
    "x-list-admin",
    "x-loop",
    "x-mailer",
    "x-mailer-version",
    "x-mailing-list",
    "x-mailman-version",
    "x-mailscanner",
    "x-mime-autoconverted",
    "x-mimeole",
    "x-ms-has-attach",
    "x-ms-tnef-correlator",
    "x-msmail-priority",
    "x-operating-system",
    "x-originalarrivaltime",
    "x-original-date",
    "x-originating-email",
    "x-originating-ip",
    "x-pgp-key",
    "x-pmx-version",
    "x-priority",
    "x-received",
    "x-report-abuse",
    "x-rocketymmf",
    "x-sa-exim-scanned",
    "x-sender",
    "x-sent",
    "x-source",
    "x-unsent",
    "x-url",
    "x-virus-scanned",
    "x-virus-status",
    "x-x-sender",
    "x-yahoo-profile",
    "x-ymail-osg",
)
_FIELDS: Final = Table(*((f"HAS_{name.upper().replace('-', '_')}", name) for name in _KNOWN))
FLAGS: Final = {
    **{flag: f"there is a field {name}" for flag, name in _FIELDS.all},
    "HAS_X_CAMPAIGN": "a field whose name speaks of a campaign",
    "HAS_X_MS_EXCHANGE": "a field of Exchange's own",
    "HAS_X_PHP": "a field that PHP writes",
    "HAS_X_JOB": "a field whose name speaks of a job, a mailing or a batch",
    "HAS_X_RECIPIENT": "a field whose name speaks of a recipient, a member or a subscriber",
    "IMPORTANCE_HIGH": "Importance: or Priority: is high or urgent",
    "IMPORTANCE_NORMAL": "Importance: is normal",
    "X_PRIORITY_1": "X-Priority: 1",
    "X_PRIORITY_2": "X-Priority: 2",
    "X_PRIORITY_3": "X-Priority: 3",
    "X_PRIORITY_5": "X-Priority: 4 or 5",
    "X_PRIORITY_WORDED": "X-Priority: says in words what the number means",
    "MSMAIL_PRIORITY_HIGH": "X-MSMail-Priority: High",
    "PRIORITIES_DIFFER": "X-Priority: and X-MSMail-Priority: do not say the same",
    "PRECEDENCE_BULK": "Precedence: bulk",
    "PRECEDENCE_LIST": "Precedence: list",
    "MIME_VERSION_COMMENT": "MIME-Version: has a comment",
    "LANGUAGE_NAMED_EN": "Content-Language: or Accept-Language: is English",
    "LANGUAGE_NAMED_OTHER": "Content-Language: or Accept-Language: is not English",
}
MEASURES: Final = (Measure("OWN_FIELDS", "fields whose names begin with X-", (1, 2, 4, 6, 9, 15)),)
_CAMPAIGN: Final = ("campaign", "feedback-id", "x-mc-", "x-sg-", "x-sfmc", "x-csa")
_JOB: Final = ("jobid", "-job", "mailing", "batch", "x-bulkmail", "broadcast")
_RECIPIENT: Final = ("recipient", "rcpt", "member", "subscriber", "x-mailed-to", "destination")


_OWN: Final = ("HAS_X_CAMPAIGN", "HAS_X_MS_EXCHANGE", "HAS_X_PHP", "HAS_X_JOB", "HAS_X_RECIPIENT")


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    for flag, name in _FIELDS.of(letter):
        if name in letter.has:
            yield flag
    own = [name for name in letter.has if name[:2] == "x-" or name == "feedback-id"]
    numbers["OWN_FIELDS"] = len(own)
    if own and letter.asks(_OWN):
        joined = " ".join(own)
        if any(word in joined for word in _CAMPAIGN):
            yield "HAS_X_CAMPAIGN"
        if "x-ms-exchange" in joined:
            yield "HAS_X_MS_EXCHANGE"
        if "x-php" in joined:
            yield "HAS_X_PHP"
        if any(word in joined for word in _JOB):
            yield "HAS_X_JOB"
        if any(word in joined for word in _RECIPIENT):
            yield "HAS_X_RECIPIENT"
    yield from _values(letter)


def _values(letter: Letter) -> Iterator[str]:
    importance = f"{letter.field('importance')} {letter.field('priority')}".lower()
    if "high" in importance or "urgent" in importance:
        yield "IMPORTANCE_HIGH"
    elif "normal" in importance:
        yield "IMPORTANCE_NORMAL"
    priority = letter.field("x-priority")
    if priority[:1] in ("1", "2", "3"):
        yield f"X_PRIORITY_{priority[0]}"
    elif priority[:1] in ("4", "5"):
        yield "X_PRIORITY_5"
    if "(" in priority:
        yield "X_PRIORITY_WORDED"
    microsoft = letter.field("x-msmail-priority").lower()
    if microsoft == "high":
        yield "MSMAIL_PRIORITY_HIGH"
    if microsoft and priority and (priority[:1] in ("1", "2")) != (microsoft == "high"):
        yield "PRIORITIES_DIFFER"
    precedence = letter.field("precedence").lower()
    if precedence in ("bulk", "list"):
        yield f"PRECEDENCE_{precedence.upper()}"
    if "(" in letter.field("mime-version"):
        yield "MIME_VERSION_COMMENT"
    language = (letter.field("content-language") or letter.field("accept-language")).lower()
    if language:
        yield "LANGUAGE_NAMED_EN" if language.startswith("en") else "LANGUAGE_NAMED_OTHER"


FAMILY: Final = Family(
    "header fields",
    "which fields there are, and what those of importance say",
    _look,
    MEASURES,
    FLAGS,
    kinds=("X_PRIORITY_", "IMPORTANCE_", "PRECEDENCE_", "LANGUAGE_NAMED_"),
    of_the_header=True,
)
