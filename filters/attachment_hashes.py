"""Row 26: is an attachment a file that is known to be bad, or one that is new, runs, and is everywhere at once?

Why it works: malware is sent as the same file to many. Its SHA-256 is what those who find it publish, and cannot be hit
by chance. Before anybody has found it, it is new, runs when it is opened, and comes to many within minutes: hardly any
honest file does. Every leaf of the message is looked at, not only what is named an attachment, and so is what
archives hold. SPEC, section 1, row 26.

Known are the EICAR test file, which every scanner takes for malware and which harms nobody, and what `tamis attachment
block` and `tamis list add malware-hash` hold. New is what the statistics of the platform do not know for longer than
`new_hours`; while Redis is away nobody is counted. What else is odd about files only scores (`tamis.attachments`).
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta

from tamis import limits
from tamis.attachments import File
from tamis.attachments.evidence import TESTS, evidence
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.lists import PLATFORM, ListName
from tamis.mail import Mail, MailClass
from tamis.mime import Part

EVERYWHERE: Final = "NEW_EXECUTABLE_EVERYWHERE"
_EICAR: Final = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
_EICAR_BYTES: Final = 68
_EICAR_LONGEST: Final = 128
"""With the white space that its definition allows behind it."""
_WHITE_SPACE: Final = b" \t\n\r\x1a"


class AttachmentHashes(Filter):
    name = "attachment-hashes"
    stage = Stage.MESSAGE
    scores = True
    tests = {
        "KNOWN_MALWARE": "a file is known to be malware, by its SHA-256",
        EVERYWHERE: "a new file that runs went to many recipients at once",
        "EXECUTABLE_NOT_COUNTED": "who got a file that runs could not be counted",
        **TESTS,
    }

    class Options(FilterOptions, frozen=True):
        recipients: Annotated[int, Meta(ge=2, le=limits.COUNTED_MEMBERS)] = 10
        minutes: Annotated[int, Meta(ge=1, le=1440)] = 60
        new_hours: Annotated[int, Meta(ge=1, le=720)] = 24
        off_confirmed: bool = False

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        known = self._known(mail, ctx)
        found = [hit for hit in (known, self._everywhere(mail, ctx)) if hit] + list(evidence(ctx.attachments))
        if not found and mail.message.capped:
            raise Abstain("a cap kept some parts from being looked at")
        yield from found

    def _known(self, mail: Mail, ctx: Context) -> Hit | None:
        for part in mail.message.parts:
            if _is_eicar(part):
                what = f"the file {part.filename!r}" if part.filename else f"a part of type {part.content_type}"
                return Hit("KNOWN_MALWARE", f"{what} is the EICAR test file", True, amount=0.0)
        for file in ctx.attachments.files:
            if file.digest.hex() == _EICAR:
                return Hit("KNOWN_MALWARE", f"{file.label} is the EICAR test file", True, amount=0.0)
            for digest in file.digests if ctx.lists.holds(ListName.MALWARE_HASH) else ():
                entry = ctx.lists.match_value(ListName.MALWARE_HASH, PLATFORM, digest.hex(), ctx.now)
                if entry:
                    return Hit("KNOWN_MALWARE", f"{file.label} is {entry}", True, amount=0.0)
        return None

    def _everywhere(self, mail: Mail, ctx: Context) -> Hit | None:
        """Count the recipients of each new file that runs; all of them, whatever their own policies say.

        Those of outgoing mail are strangers.
        """
        if mail.mail_class is MailClass.OUTGOING:
            return None
        options, uncounted = ctx.options, ""
        for file in _new(ctx):
            name = b"attachment" + file.digest
            count = ctx.counters and ctx.counters.count(name, mail.recipients, ctx.now, 60 * options.minutes)
            if count is None:
                uncounted = f"who else got {file.label} is not known: there is no Redis, or it does not answer"
            elif count >= options.recipients:
                because = f"{file.label} is new, runs, and went to {count} recipients within {options.minutes} min"
                return Hit(EVERYWHERE, because, True, amount=0.0)
        return Hit("EXECUTABLE_NOT_COUNTED", uncounted, amount=0.0) if uncounted else None


def _new(ctx: Context) -> list[File]:
    """Return the files that run, or hold what runs and is encrypted, and that the platform does not know for long."""
    files = ctx.attachments.files
    closed = {file.inside for file in files if file.encrypted and file.runs}
    running = (file for file in files if file.digest and (file.executable_like or file.label in closed))
    first = {file.digest: file for file in running}
    before = ctx.now - timedelta(hours=ctx.options.new_hours)
    new = [file for digest, file in first.items() if not ctx.known_files.seen_before(digest, before)]
    return new[: limits.COUNTED_FILES]


def _is_eicar(part: Part) -> bool:
    """Whether a part is the test file of EICAR; nothing is computed for one of another size."""
    if len(part.raw) < _EICAR_BYTES or not _EICAR_BYTES <= len(part.payload) <= _EICAR_LONGEST:
        return False
    text = part.payload.rstrip(_WHITE_SPACE)
    return len(text) == _EICAR_BYTES and hashlib.sha256(text).hexdigest() == _EICAR
