"""The headers written on inbound mail, and the forged copies taken out first (SPEC, section 4)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from email.header import Header
from functools import lru_cache
from typing import Final

from tamis import limits
from tamis.authentication import Authentication, header
from tamis.mail import Mail
from tamis.message import Message
from tamis.mime import Field
from tamis.record import Record, Verdict, leading, points
from tamis.settings import Headers
from tamis.traits import OTHERS, TRAITS

SPAM_FLAG: Final = "X-Spam-Flag"
"""Written in junk mode only, hence always removed when it comes from outside."""
SUBJECT_TAG: Final = "SPAM: "
_DEFAULTS: Final = Headers()

_CONTROLS: Final = dict.fromkeys(range(32))


@dataclass(slots=True)
class Changes:
    """What to do to a message: header names whose every copy goes, fields to add above in that order
    (values sanitised, folded with ``\\n\\t``), and a new Subject or None."""

    remove: list[str] = field(default_factory=list)
    remove_some: dict[str, list[int]] = field(default_factory=dict)
    """Fields of which only some copies go, by their numbers from 1 at the top."""
    add: list[tuple[str, str]] = field(default_factory=list)
    subject: str | None = None
    repeated_subjects: dict[int, str] = field(default_factory=dict)
    """New values of further Subject fields, by their number from 2 on: readers do not agree which one counts."""


def sanitise(value: str, limit: int = limits.WRITTEN_VALUE_CHARS) -> str:
    """Make wire data safe inside a header value: printable ASCII, anything else as ``?``, capped."""
    clean = value[: limit + 1]
    if not (clean.isascii() and clean.isprintable()):
        clean = "".join(letter if " " <= letter <= "~" else "?" for letter in clean)
    return clean if len(clean) <= limit else clean[: limit - 3] + "..."


def quoted(value: str, limit: int = limits.REASON_CHARS) -> str:
    """Return wire data as an RFC 5322 quoted-string."""
    return '"' + sanitise(value, limit).replace("\\", "\\\\").replace('"', '\\"') + '"'


@lru_cache(maxsize=16)
def own_names(names: Headers) -> tuple[str, ...]:
    """Every name that is ours alone, as configured and by default: copies from outside are forged."""
    ours = [
        name for chosen in (_DEFAULTS, names) for key, name in chosen.names().items() if key != "authentication_results"
    ] + [SPAM_FLAG]
    return tuple({name.lower(): name for name in ours}.values())


def forged(mail: Mail, names: Headers) -> Changes:
    """Return which fields are to be taken out of a message, whatever is said of it.

    Others write Authentication-Results, too: only those that claim our own name go (RFC 8601, section 5). Where the
    header is too long to be read to its end, all of them go; where we write none, none of them.
    """
    result = Changes(remove=[*own_names(names)])
    if not names.authentication_results:
        return result
    written = (header.DEFAULT_NAME, names.authentication_results)
    for name in {name.lower(): name for name in written}.values():
        if mail.message.header_block.capped:
            result.remove.append(name)
        elif numbers := header.claimed(mail.message, name, _authserv_id(mail, names)):
            result.remove_some[name] = numbers
    return result


def _authserv_id(mail: Mail, names: Headers) -> str:
    return header.authserv_id(names.authserv_id, mail.mta)


def changes(record: Record, names: Headers) -> Changes:
    """Return what is to be changed on the copy that all recipients share; nothing on outgoing mail."""
    return copy_changes(record, record.verdicts, names)


def copy_changes(record: Record, verdicts: Sequence[Verdict], names: Headers) -> Changes:
    """Return what is to be changed on the copy of some of the recipients."""
    if not verdicts:
        return Changes()
    mail = record.mail
    result = forged(mail, names)
    result.add = list(fields(record, verdicts, names))
    if all(verdict.tagged for verdict in verdicts):
        _tag(mail.message, result)
    return result


def _tag(message: Message, result: Changes) -> None:
    fields = message.fields("subject")
    if not fields and message.header_block.capped:
        # There may be one past the cap: it stays, below ours.
        result.add.append(("Subject", SUBJECT_TAG))
        return
    for number, subject in enumerate(map(_subject, fields) if fields else [""], 1):
        if subject.strip().startswith(SUBJECT_TAG.strip()):
            continue
        if number == 1:
            result.subject = f"{SUBJECT_TAG}{subject}"
        elif number <= limits.TAGGED_SUBJECTS:
            result.repeated_subjects[number] = f"{SUBJECT_TAG}{subject}"


def _subject(field: Field) -> str:
    """A Subject as it came, folding kept, so that tagging changes nothing but its front.

    Octets that are no UTF-8 cannot go through libmilter's Python binding: such a Subject is decoded and
    written as encoded words (RFC 2047).
    """
    value = field.value.replace(b"\r", b"").replace(b"\0", b"").strip()
    if len(value) > limits.HEADER_VALUE_CHARS:
        return field.text.translate(_CONTROLS)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return Header(field.text.translate(_CONTROLS), "utf-8", header_name="Subject").encode(linesep="\n")


def fields(record: Record, verdicts: Sequence[Verdict], names: Headers) -> Iterable[tuple[str, str]]:
    """Yield the fields to write above the copy of some of the recipients."""
    mail, first = record.mail, leading(verdicts)
    lowest = min(verdict.level for verdict in verdicts)
    scored = any(verdict.score_headers for verdict in verdicts)
    written = (
        (names.score if scored else "", f"{first.score / 1000:.3f}"),
        (names.status if scored else "", _status(first, _shown(first, verdicts), lowest, names.spamassassin_spelling)),
        (SPAM_FLAG if all(verdict.action == "junk" for verdict in verdicts) else "", "YES"),
        (names.return_path, f"<{sanitise(mail.mail_from)}>"),
        (names.helo, sanitise(mail.helo)),
        (names.peer, str(mail.peer) if mail.peer else ""),
        (names.whitelisted, sanitise(first.let_through) if _agree(verdicts, "let_through") else ""),
        (names.recipient, f"<{sanitise(mail.rcpt_to[0])}>" if len(mail.rcpt_to) == 1 else ""),
        (names.id, mail.id),
        (names.verdict, _verdict(mail, verdicts, first)),
        (names.authentication_results, _results(mail, record.authentication, names)),
    )
    for name, value in written:
        if name and value:
            yield name, value


def _results(mail: Mail, authentication: Authentication | None, names: Headers) -> str:
    if authentication is None or not names.authentication_results:
        return ""
    return header.written(authentication, mail, _authserv_id(mail, names))


def _agree(verdicts: Sequence[Verdict], attribute: str) -> bool:
    return len(verdicts) == 1 or len({getattr(verdict, attribute) for verdict in verdicts}) == 1


def _shown(leading: Verdict, verdicts: Sequence[Verdict]) -> Sequence[tuple[str, int]]:
    """Return the tests that are printed of this copy: those that score, and of the others those that every recipient
    has. No recipient learns of another's lists."""
    if len(verdicts) == 1:
        return leading.tests
    shared = set.intersection(*({name for name, _ in verdict.tests} for verdict in verdicts))
    scored = {name for name, weight in leading.tests if weight}
    return [test for test in leading.tests if test[0] in shared or test[0] in scored]


def _status(leading: Verdict, shown: Sequence[tuple[str, int]], level: float, spamassassin_spelling: bool) -> str:
    tests = [f"{name}: {points(weight)}" for name, weight in _printed(shown)]
    answer = "Yes" if leading.score >= round(1000 * level) else "No"
    word = "score" if spamassassin_spelling else "hits"
    first = f"{answer}, {word}={hits(leading.score)} required={level:g}"
    return first + _fold("tests=", tests or ["none"])


def _printed(tests: Sequence[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """Return what is printed of tests: of those of `tamis.traits` the strongest, and what the others add up to."""
    small = [test for test in tests if test[0] in TRAITS]
    if len(small) <= limits.STATUS_TESTS:
        return tests
    weights = [abs(weight) for _, weight in small]
    weakest = sorted(range(len(small)), key=weights.__getitem__)[: -limits.STATUS_TESTS]
    left = dict([small[place] for place in weakest])
    return [*[test for test in tests if test[0] not in left], (OTHERS, sum(left.values()))]


def hits(score: int) -> str:
    """Return the score with one decimal, as X-Spam-Status prints it."""
    text = f"{score / 1000:.1f}"
    return "0.0" if text == "-0.0" else text


def _fold(start: str, items: list[str]) -> str:
    """Join items with commas on folded lines of a bearable length (RFC 5322, section 2.2.3)."""
    lines, line = [], start
    for piece in (*[f"{item}," for item in items[:-1]], items[-1]):
        if len(line) + len(piece) > limits.WRITTEN_LINE_CHARS and line != start:
            lines.append(line)
            line = ""
        line += piece
    return "".join(f"\n\t{text}" for text in (*lines, line))


def _verdict(mail: Mail, verdicts: Sequence[Verdict], first: Verdict) -> str:
    """``spam; action=tag; row=9 blacklisted-sender; because="..."; id=...`` of the copy the recipients share."""
    # Not `because`, which names the level: another level alone parts nobody (SPEC, section 5).
    same = all(_agree(verdicts, attribute) for attribute in ("spam", "row", "test"))
    pieces = [("spam" if first.spam else "ham") if same else "differs"]
    pieces.append(f"action={first.action if _agree(verdicts, 'action') else 'observe'}")
    if not same:
        pieces.append('because="the recipients of this copy have different policies"')
    elif first.row:
        pieces.append(f"row={first.row.number} {first.row.name}")
        # One recipient's list is no business of another's; the level is printed anyway.
        if first.row.by_score or _agree(verdicts, "because"):
            pieces.append(f"because={quoted(first.because)}")
    pieces.append(f"id={mail.id}")
    text = pieces[0]
    for piece in pieces[1:]:
        last_line = text.rpartition("\n\t")[2]
        text += (";\n\t" if len(last_line) + len(piece) > limits.WRITTEN_LINE_CHARS else "; ") + piece
    return text
