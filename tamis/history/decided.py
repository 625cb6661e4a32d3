"""One decision as the history keeps it: all that explains it, and no text of the message (docs/history.md).

Encoded, it is JSON of arrays: a field is only ever added behind the others, with a default, so that what an older
Tamis wrote can still be read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import msgspec

from tamis import limits
from tamis.authentication.header import summary
from tamis.mail import Mail
from tamis.record import Answer, Record, Refusal, Verdict

HAM: Final = "ham"
SPAM: Final = "spam"
MALWARE: Final = "malware"
LATER: Final = "later"
"""The client was asked to come back."""
OUTGOING: Final = "outgoing"
"""Passed on without a judgement."""
UNKNOWN: Final = "unknown"
"""Nothing could be decided; `Decided.answer` says what became of the message."""

_ENCODER: Final = msgspec.json.Encoder()


class Share(msgspec.Struct, frozen=True, array_like=True):
    """A verdict, with all recipients who share it. `score` and weights are thousandths of a point."""

    recipients: tuple[str, ...]
    verdict: str
    action: str = ""
    mode: str = ""
    row: str = ""
    name: str = ""
    test: str = ""
    because: str = ""
    let_through: str = ""
    score: int = 0
    level: float = 0.0
    tests: tuple[tuple[str, int], ...] = ()


class Said(msgspec.Struct, frozen=True, array_like=True):
    """A hit of a row."""

    test: str
    because: str
    decides: bool = False
    domain: str = ""
    recipient: str = ""
    amount: float | None = None
    let_through: str = ""
    share: float | None = None


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What one row said: its number and name, and the milliseconds it took."""

    row: str
    name: str
    milliseconds: float = 0.0
    cached: bool = False
    abstained: str = ""
    error: bool = False
    hits: tuple[Said, ...] = ()


class Decided(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A decision about one message, or about one recipient who was refused for the moment.

    `at` is seconds since 1970 (UTC); `answer` what the client was told.
    """

    id: str
    at: float
    answer: str
    mail_class: str
    queue_id: str = ""
    peer: str = ""
    rdns: str = ""
    helo: str = ""
    sender: str = ""
    authors: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    header_id: str = ""
    size: int = 0
    milliseconds: float = 0.0
    shares: tuple[Share, ...] = ()
    rows: tuple[Asked, ...] = ()
    authentication: str = ""
    traps: tuple[str, ...] = ()
    because: str = ""
    """Why there is no verdict, where there is none."""
    listener: str = ""
    cut: bool = False
    """Whether something was left out of it because it was too long."""

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    @property
    def leading(self) -> Share | None:
        """The share that stands for the message: what is spam before what is not, then the lowest level."""
        order = (MALWARE, SPAM)
        ranked = sorted(self.shares, key=lambda one: (one.verdict not in order, one.level))
        return ranked[0] if ranked else None

    @property
    def verdict(self) -> str:
        return self.leading.verdict if self.leading else UNKNOWN

    def for_domains(self, domains: Iterable[str], hidden: Iterable[str] = ()) -> "Decided":
        """Return what the administrator of some recipient domains may see of it: nothing about other recipients, nor
        about those that are `hidden`."""
        theirs, hidden = frozenset(domains), frozenset(hidden)

        def visible(addresses: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(one for one in addresses if domain_key(one) in theirs and one not in hidden)

        shares = tuple(
            msgspec.structs.replace(share, recipients=visible(share.recipients))
            for share in self.shares
            if visible(share.recipients)
        )
        rows = tuple(
            msgspec.structs.replace(
                row,
                hits=tuple(
                    hit
                    for hit in row.hits
                    if hit.domain in ("", *theirs) and (not hit.recipient or visible((hit.recipient,)))
                ),
            )
            for row in self.rows
        )
        return msgspec.structs.replace(
            self, recipients=visible(self.recipients), shares=shares, rows=rows, traps=visible(self.traps)
        )


def domain_key(address: str) -> str:
    """Return the domain of a normalised address, empty where it has none."""
    return address.rpartition("@")[2] if "@" in address else ""


def decided(record: Record, answer: str) -> Decided:
    """Return what is kept of a record; `answer` is what the client was told."""
    mail = record.mail
    shares = _shares(record)
    return _of(
        mail,
        answer,
        milliseconds=round(record.milliseconds, 3),
        shares=shares,
        rows=tuple(map(_asked, record.answers)),
        authentication=_clean(", ".join(summary(record.authentication))) if record.authentication else "",
        traps=tuple(sorted(map(_clean, record.traps))),
        because=_clean(record.ask_again),
    )


def refused(mail: Mail, refusal: Refusal, answer: str) -> Decided:
    """Return what is kept of a recipient who was refused for the moment."""
    share = Share(
        tuple(map(_clean, mail.recipients)), LATER, "refuse", row=refusal.row.number, name=refusal.row.name,
        test=refusal.test, because=_clean(refusal.because),
    )  # fmt: skip
    return _of(mail, answer, shares=(share,))


def undecided(about: Mapping[str, object], because: str, answer: str) -> Decided:
    """Return what is kept of a message for which there is no record; `about` is what is logged of it."""
    names = about.get("recipients")
    recipients = tuple(_clean(str(name)) for name in names) if isinstance(names, (list, tuple)) else ()
    return Decided(
        id=_clean(str(about.get("id", ""))),
        queue_id=_clean(str(about.get("queue_id", ""))),
        peer=_clean(str(about.get("peer", ""))),
        sender=_clean(str(about.get("sender", ""))),
        at=datetime.now(UTC).timestamp(),
        answer=_clean(answer),
        mail_class="unknown",
        recipients=recipients[: limits.HISTORY_RECIPIENTS],
        because=_clean(because),
    )


def encode(one: Decided) -> bytes:
    """Return a decision as one line of JSON, without its end; what is too long loses rows' hits and single tests."""
    line = _ENCODER.encode(one)
    if len(line) > limits.HISTORY_RECORD_BYTES:
        shares = tuple(
            msgspec.structs.replace(share, tests=share.tests[: limits.HISTORY_CUT_TESTS])
            for share in one.shares[: limits.HISTORY_CUT_SHARES]
        )
        rows = tuple(msgspec.structs.replace(row, hits=row.hits[:3]) for row in one.rows)
        line = _ENCODER.encode(msgspec.structs.replace(one, shares=shares, rows=rows, cut=True))
    return line


def decode(line: bytes) -> Decided:
    """Raises `msgspec.DecodeError` (or its `ValidationError`) for what is not ours."""
    return msgspec.json.decode(line, type=Decided)


def _of(mail: Mail, answer: str, **more: object) -> Decided:
    return Decided(
        id=mail.id,
        at=mail.now.timestamp(),
        answer=_clean(answer),
        mail_class=mail.mail_class.value,
        queue_id=_clean(mail.queue_id),
        peer=str(mail.peer) if mail.peer else "",
        rdns=_clean(mail.rdns),
        helo=_clean(mail.helo),
        sender=_clean(mail.sender),
        authors=tuple(_clean(box.address) for box in mail.message.authors[:3]),
        recipients=tuple(map(_clean, mail.recipients[: limits.HISTORY_RECIPIENTS])),
        header_id=_clean((mail.message.header("message-id") or "").strip()),
        size=mail.message.size,
        listener=_clean(mail.listener),
        **more,  # type: ignore[arg-type]
    )


def _shares(record: Record) -> tuple[Share, ...]:
    if record.refusal is not None:
        return (_share(record.refusal, tuple(map(_clean, record.mail.recipients)), MALWARE),)
    if not record.verdicts:
        recipients = tuple(map(_clean, record.mail.recipients[: limits.HISTORY_RECIPIENTS]))
        return (Share(recipients, LATER if record.ask_again else OUTGOING, "later" if record.ask_again else "deliver"),)
    if len(record.verdicts) == 1:
        (only,) = record.verdicts
        return (_share(only, (_clean(only.recipient),), _word(record, only)),)
    alike: dict[Verdict, list[str]] = {}
    for verdict in record.verdicts[: limits.HISTORY_RECIPIENTS]:
        alike.setdefault(replace(verdict, recipient=""), []).append(_clean(verdict.recipient))
    return tuple(_share(verdict, tuple(names), _word(record, verdict)) for verdict, names in alike.items())


def _word(record: Record, verdict: Verdict) -> str:
    if record.ask_again:
        return LATER
    if not verdict.spam:
        return HAM
    return MALWARE if verdict.malware else SPAM


def _share(verdict: Verdict, recipients: tuple[str, ...], word: str) -> Share:
    row = verdict.row
    return Share(
        recipients,
        word,
        verdict.action,
        verdict.mode,
        row.number if row else "",
        row.name if row else "",
        verdict.test,
        _clean(verdict.because),
        verdict.let_through,
        verdict.score,
        verdict.level,
        verdict.tests,
    )


def _asked(answer: Answer) -> Asked:
    row = answer.row
    hits = tuple(
        Said(hit.name, _clean(hit.because), hit.decides, hit.domain, hit.recipient, hit.amount, hit.let_through,
             hit.decides_at_share)
        for hit in answer.hits[: limits.HISTORY_HITS]
    )  # fmt: skip
    milliseconds = round(answer.milliseconds, 2)
    return Asked(row.number, row.name, milliseconds, answer.cached, _clean(answer.abstained), answer.error, hits)


def _clean(text: str) -> str:
    """Wire data, capped; octets that were no UTF-8 are spelt out, which JSON and databases need."""
    if text.isascii() and len(text) <= limits.HISTORY_CHARS and text.isprintable():
        return text
    text = text[: limits.HISTORY_CHARS].encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
