"""Row 26: is an attachment a file that is known to be bad?

Why it works: malware is sent as the same file to many, and its SHA-256 is what those who find it publish. A hash
cannot be hit by chance. Every leaf of the message is looked at, not only what is named an attachment: clients
offer for download whatever they cannot show. SPEC, section 1, row 26.

Known are the EICAR test file, which every scanner takes for malware and which harms nobody, and what
`tamis list add malware-hash` holds. New attachments that are everywhere at once are not counted yet.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

from tamis.contract import Abstain, Context, Filter, Hit, Stage
from tamis.lists import PLATFORM, ListName
from tamis.mail import Mail
from tamis.mime import Part

_EICAR: Final = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
_EICAR_BYTES: Final = 68
_EICAR_LONGEST: Final = 128
"""With the white space that its definition allows behind it."""
_WHITE_SPACE: Final = b" \t\n\r\x1a"


class AttachmentHashes(Filter):
    name = "attachment-hashes"
    stage = Stage.MESSAGE
    tests = {"KNOWN_MALWARE": "a part of the message is a file known to be malware, by its SHA-256"}

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        listed = ctx.lists.holds(ListName.MALWARE_HASH)
        for part in mail.message.parts:
            known = "the EICAR test file" if _is_eicar(part) else _listed(part, ctx) if listed else ""
            if known:
                what = f"the file {part.filename!r}" if part.filename else f"a part of type {part.content_type}"
                yield Hit("KNOWN_MALWARE", f"{what} is {known}", True)
                return
        if mail.message.capped:
            raise Abstain("a cap kept some parts from being looked at")


def _is_eicar(part: Part) -> bool:
    """Whether a part is the test file of EICAR; nothing is computed for one of another size."""
    if len(part.raw) < _EICAR_BYTES or not _EICAR_BYTES <= len(part.payload) <= _EICAR_LONGEST:
        return False
    text = part.payload.rstrip(_WHITE_SPACE)
    return len(text) == _EICAR_BYTES and hashlib.sha256(text).hexdigest() == _EICAR


def _listed(part: Part, ctx: Context) -> str:
    """Return what a part is by the list, empty where it is not on it.

    What was sent without an encoding that keeps line ends (RFC 2045, section 6.8) may have been a file with
    either kind of them.
    """
    if not part.payload:
        return ""
    forms = [part.payload]
    if part.encoding != "base64" and b"\n" in part.payload:
        forms.append(part.payload.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    for form in forms:
        entry = ctx.lists.match_value(ListName.MALWARE_HASH, PLATFORM, hashlib.sha256(form).hexdigest(), ctx.now)
        if entry:
            return str(entry)
    return ""
